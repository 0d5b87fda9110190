"""Whose word on the client's address is believed: that of the configured proxies, and nobody else's."""

from collections.abc import Iterable
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from crew.settings import Settings

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_SAID_BY_PROXIES = ("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_HOST")


def register(app: Flask, settings: Settings) -> None:
    """Take the client's address, scheme and host from as many proxies as are configured, if the connection comes from one of them."""
    count = settings.trusted_proxies
    if not count:
        return
    fixed = ProxyFix(app.wsgi_app, x_for=count, x_proto=count, x_host=count)
    app.wsgi_app = _only_from(settings.proxy_networks, fixed) if settings.proxy_networks else fixed  # type: ignore[method-assign,assignment]


def _only_from(networks: Iterable[str], application: "WSGIApplication") -> "WSGIApplication":
    trusted = [ip_network(text) for text in networks]

    def checked(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        try:
            peer = ip_address(environ.get("REMOTE_ADDR", ""))
        except ValueError:
            peer = None
        if peer is None or not any(peer in network for network in trusted):
            for name in _SAID_BY_PROXIES:
                environ.pop(name, None)
        return application(environ, start_response)

    return checked
