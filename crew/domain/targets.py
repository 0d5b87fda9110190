"""Which addresses a webhook may go to. The service sends from inside the operator's network, so a target must be proven to be outside of it."""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from crew.errors import UrlNotAllowed

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
LONGEST_URL = 2000
_PORTS = {"https": 443, "http": 80}
_HOST = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*\.?")
_ENDS_IN_NUMBER = re.compile(r"(^|\.)(\d+|0x[0-9a-f]*)\.?$")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
# Never public, whatever this Python's own table says: private, shared, link-local, special, or carrying an IPv4 address in IPv6;
# and one cloud's metadata service that has a public address.
_NEVER: tuple[Network, ...] = tuple(
    ipaddress.ip_network(text)
    for text in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24"),
        *("192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
        *("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "168.63.129.16/32"),
    )
)
_GLOBAL_IPV6 = ipaddress.IPv6Network("2000::/3")


@dataclass(frozen=True)
class Target:
    """A checked URL in its parts. `resource` is path and query as they go into the request line."""

    scheme: str
    host: str
    port: int
    resource: str


class TargetPolicy:
    """Tells allowed targets from others: public addresses over HTTPS, and what the operator names.

    Args:
        networks: addresses allowed although they are not public, in CIDR notation; plain HTTP is allowed to these only.
    """

    def __init__(self, networks: Sequence[str] = ()) -> None:
        self._networks = tuple(ipaddress.ip_network(text) for text in networks)

    def check(self, url: str) -> Target:
        """The parts of `url`, if nothing in it alone speaks against it. Which address its name leads to is known only when sending.

        Raises:
            UrlNotAllowed: says why.
        """
        if len(url) > LONGEST_URL or not url.isascii() or any(letter <= " " or letter in '\\"<>^`{|}\x7f' for letter in url):
            raise UrlNotAllowed(f"the URL must be at most {LONGEST_URL} plain ASCII characters (write other letters as punycode or percent-encoded)")
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise UrlNotAllowed("the URL is malformed") from None
        if parts.scheme not in (_PORTS if self._networks else {"https"}):
            raise UrlNotAllowed("the URL must begin with https://")
        if parts.username is not None or parts.password is not None:
            raise UrlNotAllowed("the URL must not contain a user or password")
        if parts.fragment:
            raise UrlNotAllowed("the URL must not contain a fragment (#)")
        chosen = port if port is not None else _PORTS[parts.scheme]
        if chosen < 1024 and chosen not in _PORTS.values():
            raise UrlNotAllowed("the port must be 443, 80 or above 1023")
        host = self._checked_host((parts.hostname or "").lower()).rstrip(".")
        return Target(parts.scheme, host, chosen, (parts.path or "/") + (f"?{parts.query}" if parts.query else ""))

    def allows(self, address: str, *, scheme: str) -> bool:
        """Whether a connection to the IP address may be opened."""
        try:
            found = ipaddress.ip_address(address)
        except ValueError:
            return False
        found = _unwrapped(found)
        if any(found in network for network in self._networks if network.version == found.version):
            return True
        return scheme == "https" and _is_public(found)

    def _checked_host(self, host: str) -> str:
        try:
            literal: Address | None = ipaddress.ip_address(host)
        except ValueError:
            literal = None
        if literal is not None:
            if not (self.allows(host, scheme="https") and "%" not in host):
                raise UrlNotAllowed("the URL's address is not a public one")
            return host
        if len(host) > 253 or not _HOST.fullmatch(host) or _ENDS_IN_NUMBER.search(host):
            raise UrlNotAllowed("the URL's host is no valid name")
        if (f".{host.rstrip('.')}".endswith(".localhost")) and not self.allows("127.0.0.1", scheme="http"):
            raise UrlNotAllowed("the URL's host is this machine")
        return host


def _unwrapped(address: Address) -> Address:
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _is_public(address: Address) -> bool:
    if any(address in network for network in _NEVER if network.version == address.version):
        return False
    if isinstance(address, ipaddress.IPv6Address) and address not in _GLOBAL_IPV6:
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)
