"""Which addresses webhooks may go to."""

import pytest

from crew.domain.targets import TargetPolicy
from crew.errors import UrlNotAllowed

PUBLIC = TargetPolicy()
LOCAL = TargetPolicy(["127.0.0.0/8", "::1/128"])


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.8.8",
        "0.0.0.0",
        "10.0.0.1",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "169.254.169.254",
        "169.254.170.2",
        "100.100.100.200",
        "100.64.0.1",
        "192.0.0.192",
        "192.0.2.1",
        "198.18.0.1",
        "224.0.0.1",
        "239.1.1.1",
        "240.0.0.1",
        "255.255.255.255",
        "168.63.129.16",
        "::",
        "::1",
        "::7f00:1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::1",
        "2002:7f00:1::",
        "2001:0:0:1::1",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "fc00::1",
        "fd00:ec2::254",
        "ff02::1",
        "2001:db8::1",
        "not an address",
        "",
    ],
)
def test_what_is_not_public_is_denied(address: str) -> None:
    """Loopback, private, link-local, metadata, multicast and reserved addresses are denied however they are dressed."""
    assert not PUBLIC.allows(address, scheme="https")


@pytest.mark.parametrize("address", ["93.184.216.34", "8.8.8.8", "2606:2800:220:1:248:1893:25c8:1946", "64:ff9b::808:808", "::ffff:8.8.8.8"])
def test_what_is_public_is_allowed_over_https_only(address: str) -> None:
    """A public address may be reached, and not in the clear."""
    assert PUBLIC.allows(address, scheme="https")
    assert not PUBLIC.allows(address, scheme="http")
    assert not LOCAL.allows(address, scheme="http")


def test_the_operator_can_allow_networks() -> None:
    """A named network is allowed, over plain HTTP too, and only it."""
    assert LOCAL.allows("127.0.0.1", scheme="http")
    assert LOCAL.allows("::ffff:127.0.0.1", scheme="http")
    assert LOCAL.allows("::1", scheme="https")
    assert not LOCAL.allows("10.0.0.1", scheme="https")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com",
        "ftp://example.com/",
        "file:///etc/passwd",
        "gopher://example.com/",
        "javascript:alert(1)",
        "http://example.com/",
        "//example.com/",
        "https://",
        "https:///path",
        "https://user@example.com/",
        "https://user:password@example.com/",
        "https://example.com/#part",
        "https://example.com:22/",
        "https://example.com:0/",
        "https://example.com:99999/",
        "https://example.com:port/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:169.254.169.254]/",
        "https://[fe80::1%25eth0]/",
        "https://169.254.169.254/latest/meta-data/",
        "https://10.0.0.1:8443/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0x7f.0.0.1/",
        "https://017700000001/",
        "https://localhost/",
        "https://LOCALHOST:8443/",
        "https://a.localhost/",
        "https://localhost./",
        "https://exa mple.com/",
        "https://example.com\\@10.0.0.1/",
        "https://example.com/\r\nHost: evil",
        "https://example.com/\x00",
        "https://exämple.com/",
        "https://-example.com/",
        "https://example..com/",
        "https://" + "a" * 64 + ".com/",
        "https://example.com/" + "a" * 2000,
        "https://{host}/",
        "https://example.com:443:443/",
        "https://[::1/",
    ],
)
def test_a_url_that_must_be_wrong_is_refused_before_anything_is_resolved(url: str) -> None:
    """Other schemes, credentials, odd ports, literal addresses inside, numeric spellings and injected lines are refused with a reason."""
    with pytest.raises(UrlNotAllowed) as refused:
        PUBLIC.check(url)
    assert refused.value.message


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("https://example.com", ("https", "example.com", 443, "/")),
        ("https://Example.COM./hook?a=1&b=%20", ("https", "example.com", 443, "/hook?a=1&b=%20")),
        ("https://example.com:8443/x", ("https", "example.com", 8443, "/x")),
        ("https://93.184.216.34/", ("https", "93.184.216.34", 443, "/")),
        ("https://[2606:2800:220:1:248:1893:25c8:1946]:8443/", ("https", "2606:2800:220:1:248:1893:25c8:1946", 8443, "/")),
        ("https://xn--exmple-cua.com/", ("https", "xn--exmple-cua.com", 443, "/")),
    ],
)
def test_a_good_url_is_taken_apart(url: str, parts: tuple[object, ...]) -> None:
    """Scheme, host, port and the request's target are what the connection will use."""
    found = PUBLIC.check(url)

    assert (found.scheme, found.host, found.port, found.resource) == parts


@pytest.mark.parametrize("url", ["http://localhost:9000/hook", "http://127.0.0.1:9000/", "https://localhost/"])
def test_an_allowed_loopback_accepts_its_urls(url: str) -> None:
    """With loopback allowed, local receivers may be named."""
    assert LOCAL.check(url).host in {"localhost", "127.0.0.1"}
