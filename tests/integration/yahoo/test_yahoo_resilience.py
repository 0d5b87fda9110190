"""What happens while Yahoo refuses or fails: tries, pauses, the circuit breaker, and the way back."""

import time

import pytest
from fakes.manual_time import ManualTime
from fakes.synthetic_market import synthetic_snapshot
from fakes.yahoo_answers import SnapshotAnswers
from fakes.yahoo_server import YahooServer

from crew.errors import MarketDataRateLimited, MarketDataUnavailable
from crew.market.providers.yahoo import YahooMarketData


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_a_passing_failure_is_tried_again(server: YahooServer, provider: YahooMarketData, passing_time: ManualTime, status: int) -> None:
    """One refusal or failure costs one more request after a pause with jitter, and nothing is missing from the snapshot."""
    server.fail("profile", status=status, times=1)
    assert provider.snapshot("ACME").instrument.sector == "Industrials"
    assert server.count("profile") == 2
    assert [pause for pause in passing_time.slept if pause > 0] == [0.75]


def test_trying_again_happens_in_one_layer_only(server: YahooServer, provider: YahooMarketData) -> None:
    """A profile that keeps failing is asked three times in all: yfinance's own second try and its new cookies stay out of it."""
    server.fail("profile", status=503)
    with pytest.raises(MarketDataUnavailable):
        provider.snapshot("ACME")
    assert server.count("profile") == 3
    assert server.count("consent") == 0
    assert server.count("cookie") == 1


def test_yfinance_does_not_split_a_failing_statement_and_ask_again(server: YahooServer, provider: YahooMarketData) -> None:
    """A statement that keeps failing is asked three times too, although yfinance would go on to ask for it in pieces."""
    server.fail(lambda request: "annualTotalRevenue" in request.query.get("type", ""), status=503)
    found = provider.snapshot("ACME")
    assert sum("annualTotalRevenue" in request.query.get("type", "") for request in server.requests) == 3
    assert [(gap.series, gap.reason) for gap in found.gaps if gap.series == "statements"] == [("statements", "vendor_error")]
    assert {(one.kind, one.frequency) for one in found.statements} >= {("income", "quarterly"), ("balance", "annual")}


def test_a_dropped_connection_is_tried_again(server: YahooServer, provider: YahooMarketData) -> None:
    """A connection that closes without an answer costs one more request."""
    server.fail("profile", drop=True, times=1)
    assert provider.snapshot("ACME").instrument.sector == "Industrials"
    assert server.count("profile") == 2


def test_a_stated_retry_time_is_waited_for(server: YahooServer, provider: YahooMarketData, passing_time: ManualTime) -> None:
    """`Retry-After: 4` is waited for before the second try."""
    server.fail("profile", status=429, headers={"Retry-After": "4"}, times=1)
    provider.snapshot("ACME")
    assert max(passing_time.slept) == 4


def test_a_long_retry_time_fails_at_once_and_says_so(server: YahooServer, provider: YahooMarketData) -> None:
    """`Retry-After: 120` is not waited for: the error carries it, and further requests are refused here until then."""
    server.fail("profile", status=429, headers={"Retry-After": "120"})
    with pytest.raises(MarketDataRateLimited) as raised:
        provider.snapshot("ACME")
    assert raised.value.retry_after_s == pytest.approx(120)
    assert server.count("profile") == 1


def test_a_blocked_yahoo_fails_jobs_fast(server: YahooServer, provider: YahooMarketData) -> None:
    """Once Yahoo refuses everything, a job fails at once, without a request, with the code and a time to wait."""
    server.fail("*", status=429)
    with pytest.raises(MarketDataRateLimited):
        provider.snapshot("ACME")
    server.forget()
    started = time.perf_counter()
    with pytest.raises(MarketDataRateLimited) as raised:
        provider.snapshot("OTHER")
    assert time.perf_counter() - started < 1
    assert raised.value.code == "market_data_rate_limited"
    assert raised.value.retry_after_s is not None
    assert 1 <= raised.value.retry_after_s <= 60
    assert server.requests == []


def test_the_breaker_closes_when_yahoo_answers_again(server: YahooServer, provider: YahooMarketData, passing_time: ManualTime) -> None:
    """After the pause one request goes out as a probe; its success lets the rest through."""
    server.fail("*", status=429)
    with pytest.raises(MarketDataRateLimited):
        provider.snapshot("ACME")
    server.heal()
    passing_time.advance(seconds=61)
    assert provider.health().ok
    assert provider.snapshot("ACME").instrument.name == "ACME Company"


def test_a_snapshot_itself_may_be_the_probe(server: YahooServer, provider: YahooMarketData, passing_time: ManualTime) -> None:
    """Nobody has to call health: the first job after the pause gets through by itself."""
    server.fail("*", status=429)
    with pytest.raises(MarketDataRateLimited):
        provider.snapshot("ACME")
    server.heal()
    passing_time.advance(seconds=61)
    assert provider.snapshot("ACME").instrument.name == "ACME Company"


def test_what_was_fetched_before_the_refusal_is_kept(server: YahooServer, provider: YahooMarketData, passing_time: ManualTime) -> None:
    """The try after a refusal asks only for what is still missing."""
    server.fail("news", status=429)
    with pytest.raises(MarketDataRateLimited):
        provider.snapshot("ACME")
    server.heal()
    server.forget()
    passing_time.advance(minutes=2)
    provider.snapshot("ACME")
    assert server.count("chart") == server.count("profile") == 0


def test_an_expired_crumb_is_renewed(server: YahooServer, provider: YahooMarketData, passing_time: ManualTime) -> None:
    """When Yahoo no longer takes the crumb, yfinance fetches another and the snapshot is complete."""
    provider.snapshot("ACME")
    server.renew_crumb()
    passing_time.advance(days=2)
    assert provider.snapshot("ACME").instrument.sector == "Industrials"


def test_a_cookie_that_does_not_come_is_asked_for_again(server: YahooServer, provider: YahooMarketData) -> None:
    """A first answer without a cookie costs a refused profile, and then yfinance has cookie and crumb and the snapshot is complete."""
    server.fail("cookie", status=200, body=b"", headers={"Connection": "close"}, times=1)
    assert provider.snapshot("ACME").instrument.sector == "Industrials"


def test_the_pace_is_kept(server: YahooServer, make_provider, passing_time: ManualTime) -> None:
    """With two requests a second the twelve requests after the first burst of four take six seconds."""
    server.serve("OTHER", SnapshotAnswers(synthetic_snapshot("OTHER")))
    provider = make_provider(market_requests_per_s=2.0)
    provider.snapshot("ACME")
    sent = provider.requests_sent
    assert sum(passing_time.slept) > 0
    assert passing_time.monotonic() >= (sent - 4) / 2 - 0.5
