"""What is found out before load is sent: that the target's name resolves, and which optional parts of the API it offers."""

import json
import socket
import urllib.error
import urllib.request
from collections.abc import Mapping
from urllib.parse import urlsplit

from loadtests.thresholds import OPTIONAL_FEATURES

FEATURE_PATHS: Mapping[str, str] = {"batches": "/v1/batches"}
TIMEOUT_S = 10


class TargetUnknown(Exception):
    """The target is not a URL that load can be sent to; that says nothing about the service."""


def check_target(target: str) -> None:
    """See that `target` is an http(s) URL whose host has an address.

    Raises:
        TargetUnknown: it is not.
    """
    parts = urlsplit(target)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise TargetUnknown(f"the target {target!r} is not a URL such as https://stockcrew.example.com")
    try:
        socket.getaddrinfo(parts.hostname, None)
    except OSError as error:
        raise TargetUnknown(f"the target's host {parts.hostname!r} has no address: {error.strerror or error}") from None


def offered_features(target: str) -> tuple[str, ...]:
    """The optional parts of the API that the service at `target` describes in its OpenAPI document.

    All of them when it describes nothing: then the thresholds, and not a smaller test, have the last word.
    """
    try:
        with urllib.request.urlopen(f"{target.rstrip('/')}/openapi.json", timeout=TIMEOUT_S) as answer:  # noqa: S310 - checked to be http(s)
            paths = json.load(answer)["paths"]
            return tuple(name for name in OPTIONAL_FEATURES if FEATURE_PATHS[name] in paths)
    except (OSError, ValueError, KeyError, TypeError):
        return OPTIONAL_FEATURES
