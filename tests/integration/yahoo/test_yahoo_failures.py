"""Every way in which yfinance fails, one by one: what its own calls raise, and what a snapshot says instead.

The first half runs yfinance on a plain session, as anybody would; the second half runs the provider.
"""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from curl_cffi.requests import Session
from fakes.manual_time import ManualTime
from fakes.yahoo_server import Request, YahooServer

from crew.errors import MarketDataError, MarketDataRateLimited, MarketDataUnavailable, SymbolNotFound
from crew.market.providers.yahoo import YahooMarketData
from crew.market.providers.yahoo.client import YahooClient

DOWN = b"<html><title>Will be right back</title></html>"
CALLS: dict[str, Callable[[Any], Any]] = {
    "history": lambda ticker: ticker.history(period="1d"),
    "history_since": lambda ticker: ticker.history(start="2025-01-01"),
    "info": lambda ticker: ticker.info,
    "income_stmt": lambda ticker: ticker.income_stmt,
    "news": lambda ticker: ticker.news,
    "options": lambda ticker: ticker.options,
    "calendar": lambda ticker: ticker.calendar,
    "recommendations": lambda ticker: ticker.recommendations,
    "fast_info": lambda ticker: ticker.fast_info["lastPrice"],
}
MakeClient = Callable[..., YahooClient]


@pytest.fixture
def make_client(server: YahooServer, tmp_path: Path) -> Iterator[MakeClient]:
    """Build clients on a plain curl_cffi session, as yfinance makes it for itself."""
    sessions = []

    def make(*, proxy: str = server.proxy, verify: Any = str(server.ca_file), timeout_s: float = 5.0) -> YahooClient:
        session = _ImpatientSession(timeout_s, impersonate="chrome", proxy=proxy, verify=verify)
        sessions.append(session)
        return YahooClient(session, caches=tmp_path / "plain")

    yield make
    for session in sessions:
        session.close()


class _ImpatientSession(Session):  # type: ignore[type-arg]
    """A plain session that waits less long than yfinance asks it to."""

    def __init__(self, timeout_s: float, **options: Any) -> None:
        super().__init__(**options)
        self._wait_s = timeout_s

    def request(self, method: Any, url: str, *args: Any, **options: Any) -> Any:
        return super().request(method, url, *args, **options | {"timeout": min(self._wait_s, options.get("timeout", self._wait_s))})


def expect(client: YahooClient, symbol: str, call: str, error: type[MarketDataError]) -> MarketDataError:
    with pytest.raises(error) as raised:
        client.ticker(symbol, CALLS[call])
    assert type(raised.value) is error
    return raised.value


@pytest.mark.parametrize("call", ["history", "history_since", "info", "income_stmt", "calendar", "recommendations", "fast_info"])
def test_an_unknown_symbol_is_not_found_whatever_is_asked(make_client: MakeClient, call: str) -> None:
    """Each yfinance call reports an unknown symbol in its own way; all of them become `symbol_not_found`, time after time."""
    client = make_client()
    for symbol in ("NOPE1", "NOPE2", "NOPE3", "NOPE1"):
        expect(client, symbol, call, SymbolNotFound)


def test_unknown_symbols_have_empty_news_and_options(make_client: MakeClient) -> None:
    """News and options of an unknown symbol are empty, not an error: they cannot tell whether it exists."""
    client = make_client()
    assert client.ticker("NOPE", CALLS["news"]) == []
    assert client.ticker("NOPE", CALLS["options"]) == ()


@pytest.mark.parametrize(("refused", "call"), [("zone", "history"), ("profile", "info"), ("*", "income_stmt"), ("*", "news")])
def test_429_is_rate_limited(server: YahooServer, make_client: MakeClient, refused: str, call: str) -> None:
    """A 429 is `market_data_rate_limited` with a time to wait, also where yfinance by default returns an empty frame."""
    server.fail(refused, status=429, body=b"Too Many Requests")
    assert expect(make_client(), "ACME", call, MarketDataRateLimited).retry_after_s


def test_429_on_the_crumb_alone_is_rate_limited_where_a_crumb_is_needed(server: YahooServer, make_client: MakeClient) -> None:
    """Without a crumb charts and statements still come; the profile's 401 is told as the refusal that caused it."""
    server.fail("crumb", status=429, body=b"Too Many Requests")
    client = make_client()
    assert len(client.ticker("ACME", CALLS["history_since"])) > 100
    assert len(client.ticker("ACME", CALLS["income_stmt"])) > 1
    expect(client, "ACME", "info", MarketDataRateLimited)


@pytest.mark.parametrize(
    ("fault", "call"),
    [
        ({"status": 500, "body": b"<html>oops</html>"}, "history_since"),
        ({"status": 502}, "income_stmt"),
        ({"body": DOWN}, "history_since"),
        ({"body": DOWN}, "news"),
        ({"body": b"{}"}, "history_since"),
        ({"body": b"[]"}, "history_since"),
        ({"body": b'{"chart": {"result": [{"meta": {}}], "error": null}}'}, "history_since"),
        ({"body": b'{"quoteSummary": 7}'}, "info"),
    ],
)
def test_rubbish_is_unavailable(server: YahooServer, make_client: MakeClient, fault: dict[str, Any], call: str) -> None:
    """Error pages, maintenance notices and JSON of another shape are `market_data_unavailable`."""
    client = make_client()
    client.ticker("ACME", CALLS["history"])
    server.fail(lambda request: request.what not in {"zone", "cookie", "crumb"}, **fault)
    expect(client, "ACME", call, MarketDataUnavailable)


@pytest.mark.parametrize("call", ["history", "info", "income_stmt", "news", "options"])
def test_no_network_is_unavailable_and_not_unknown(make_client: MakeClient, call: str) -> None:
    """An address that does not resolve says that there is no network, never that the symbol is unknown."""
    message = expect(make_client(proxy="http://proxy.invalid:3128"), "ACME", call, MarketDataUnavailable).message
    assert "cannot be" in message


@pytest.mark.parametrize("call", ["history", "info", "income_stmt"])
def test_a_refused_proxy_is_unavailable(make_client: MakeClient, call: str) -> None:
    """A proxy that refuses connections is `market_data_unavailable`, and the message says what to check."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        client = make_client(proxy=f"http://127.0.0.1:{unused.getsockname()[1]}")
        assert "HTTPS_PROXY" in expect(client, "ACME", call, MarketDataUnavailable).message


@pytest.mark.parametrize(("silent", "call"), [("zone", "history"), ("profile", "info"), ("statements", "income_stmt"), ("news", "news")])
def test_a_timeout_is_unavailable(server: YahooServer, make_client: MakeClient, silent: str, call: str) -> None:
    """Silence is `market_data_unavailable`, and the message names the setting, whatever was asked."""
    server.fail(silent, hang_s=1.5)
    assert "STOCKCREW_MARKET_TIMEOUT_S" in expect(make_client(timeout_s=0.4), "ACME", call, MarketDataUnavailable).message


def test_an_untrusted_certificate_is_unavailable(make_client: MakeClient) -> None:
    """A certificate of an unknown authority is `market_data_unavailable`, and the message says where to name the authority."""
    assert "REQUESTS_CA_BUNDLE" in expect(make_client(verify=True), "ACME", "news", MarketDataUnavailable).message


def test_a_failure_does_not_poison_the_next_call(server: YahooServer, make_client: MakeClient) -> None:
    """After a failed profile the same client delivers it, although a failed yfinance ticker would go on returning nothing."""
    client = make_client()
    server.fail("profile", status=500, times=2)
    expect(client, "ACME", "info", MarketDataUnavailable)
    assert client.ticker("ACME", CALLS["info"])["longName"] == "ACME Company"


ALWAYS: Callable[[Request], bool] = lambda request: request.what != "cookie"  # noqa: E731 - a predicate with a name


@pytest.mark.parametrize(
    ("what", "fault", "error"),
    [
        ("chart", {"status": 429}, MarketDataRateLimited),
        ("crumb", {"status": 429, "body": b"Too Many Requests"}, MarketDataRateLimited),
        ("profile", {"status": 429}, MarketDataRateLimited),
        ("statements", {"status": 429}, MarketDataRateLimited),
        ("news", {"status": 429}, MarketDataRateLimited),
        (ALWAYS, {"status": 429}, MarketDataRateLimited),
        (ALWAYS, {"status": 403}, MarketDataRateLimited),
        ("profile", {"status": 401}, MarketDataRateLimited),
        ("chart", {"status": 500}, MarketDataUnavailable),
        ("profile", {"status": 503}, MarketDataUnavailable),
        ("chart", {"body": DOWN}, MarketDataUnavailable),
        ("chart", {"body": b"{}"}, MarketDataUnavailable),
        ("profile", {"body": b"null"}, MarketDataUnavailable),
        ("chart", {"status": 404, "body": b"<html>proxy page</html>"}, MarketDataUnavailable),
        ("chart", {"hang_s": 1.0}, MarketDataUnavailable),
        ("chart", {"status": 400, "body": b'{"chart": {"error": {"description": "Data doesn\'t exist for startDate = 1"}}}'}, SymbolNotFound),
        ("chart", {"status": 404, "body": b'{"chart": {"error": {"code": "Not Found", "description": "No data found"}}}'}, SymbolNotFound),
    ],
)
def test_what_a_snapshot_cannot_do_without_fails_it(
    server: YahooServer, make_provider, what: Any, fault: dict[str, Any], error: type[Exception]
) -> None:
    """Prices and profile are required, and a refusal of anything is never a mere gap."""
    server.fail(what, **fault)
    provider: YahooMarketData = make_provider(market_timeout_s=0.3 if "hang_s" in fault else 10.0)
    with pytest.raises(error) as raised:
        provider.snapshot("ACME")
    assert type(raised.value) is error


@pytest.mark.parametrize(
    ("what", "series"),
    [("news", "news"), ("statements", "statements"), (lambda request: request.what == "chart" and request.symbol == "SPY", "benchmark")],
)
def test_what_may_be_missing_becomes_a_gap_that_is_not_kept(
    server: YahooServer, make_provider, passing_time: ManualTime, what: Any, series: str
) -> None:
    """A vendor's failure of an optional series is a gap of that name; once the vendor works again the next snapshot has it."""
    server.fail(what, status=500)
    provider: YahooMarketData = make_provider()
    assert {(gap.series, gap.reason) for gap in provider.snapshot("ACME").gaps} >= {(series, "vendor_error")}
    server.heal()
    passing_time.advance(minutes=2)
    assert series not in {gap.series for gap in provider.snapshot("ACME").gaps}


def test_no_network_fails_a_snapshot_as_unavailable(make_provider) -> None:
    """Without a network the message speaks of the network, not of the symbol."""
    with pytest.raises(MarketDataUnavailable, match="cannot be"):
        make_provider(proxy="http://proxy.invalid:3128").snapshot("ACME")


def test_health_says_why_not(server: YahooServer, make_provider) -> None:
    """A failing Yahoo is unhealthy, with the reason, at the cost of one request."""
    server.fail("*", status=429)
    health = make_provider().health()
    assert not health.ok
    assert "refuses" in health.detail
    assert len(server.requests) == 1
