"""What a snapshot holds, and how few requests it takes."""

from collections import Counter
from datetime import date

import pytest
from fakes.manual_time import ManualTime
from fakes.synthetic_market import synthetic_snapshot
from fakes.yahoo_answers import SnapshotAnswers
from fakes.yahoo_server import YahooServer

from crew.domain.market import MarketSnapshot
from crew.errors import SymbolNotFound
from crew.market.ports import MarketData
from crew.market.providers.sample import SampleMarketData
from crew.market.providers.yahoo import YahooMarketData
from crew.settings import Settings


def sample(symbol: str) -> MarketSnapshot:
    return SampleMarketData(Settings().sample_dir).snapshot(symbol)


def figures(snapshot: MarketSnapshot) -> dict[tuple[str, str, date], dict[str, float]]:
    return {(one.kind, one.frequency, one.period_end): one.lines for one in snapshot.statements}


@pytest.mark.parametrize("symbol", ["AAPL", "JPM", "GOOGL", "TSLA", "PETR4.SA"])
def test_sample_figures_survive_the_way_through_yfinance(server: YahooServer, provider: YahooMarketData, symbol: str) -> None:
    """Prices, dividends, splits, statements, analysts' actions and targets come out of the real parser as they went in."""
    known = sample(symbol)
    server.serve(symbol, SnapshotAnswers(known))
    found = provider.snapshot(symbol)
    for column in ("dates", "open", "high", "low", "close", "volume", "dividends", "splits"):
        assert getattr(found.prices, column) == getattr(known.prices, column), column
    assert figures(found) == figures(known)
    assert {one.currency for one in found.statements} <= {known.instrument.reporting_currency}
    assert {(one.at, one.firm, one.target) for one in found.analyst_actions} == {
        (one.at, one.firm, one.target or None) for one in known.analyst_actions
    }
    if known.consensus is not None:
        assert found.consensus is not None
        assert found.consensus.model_dump(exclude={"source"}) == known.consensus.model_dump(exclude={"source"})
    assert found.instrument.model_dump(exclude={"description"}) == known.instrument.model_dump(exclude={"description"})


def test_it_is_a_market_data_provider(provider: YahooMarketData) -> None:
    """The provider has the port's shape and the name that reports show."""
    assert isinstance(provider, MarketData)
    assert provider.name == "yahoo"


def test_every_part_names_its_source(provider: YahooMarketData) -> None:
    """Prices, statements, news, actions and targets all say provider, endpoint and time of retrieval."""
    found = provider.snapshot("ACME")
    sources = [found.prices.source, *(one.source for one in found.statements), found.news_source, found.analyst_actions_source]
    assert found.consensus is not None
    assert found.benchmark is not None
    for source in [*sources, found.consensus.source, found.benchmark.source]:
        assert source is not None
        assert source.provider == "yahoo"
        assert source.endpoint
        assert source.retrieved_at == found.retrieved_at


def test_a_company_costs_the_requests_it_needs_and_no_more(server: YahooServer, provider: YahooMarketData) -> None:
    """Cold: cookie and crumb once, chart of symbol and benchmark, one profile, six statements, one news; no time zones."""
    provider.snapshot("ACME")
    assert Counter(request.what for request in server.requests) == {
        "cookie": 1,
        "crumb": 1,
        "chart": 2,
        "profile": 1,
        "statements": 6,
        "news": 1,
    }


def test_a_fund_is_not_asked_for_statements(server: YahooServer, provider: YahooMarketData) -> None:
    """A fund has no statements, so none are asked for, and their absence is a named gap; the benchmark is not its own benchmark."""
    found = provider.snapshot("SPY")
    assert server.count("statements") == 0
    assert found.instrument.quote_type == "etf"
    assert "statements" in {gap.series for gap in found.gaps if gap.reason == "not_reported"}
    assert found.benchmark is None


def test_a_warm_cache_asks_nothing_and_gives_the_same_snapshot(server: YahooServer, provider: YahooMarketData) -> None:
    """The second snapshot costs no request and equals the first."""
    first = provider.snapshot("ACME")
    server.forget()
    assert provider.snapshot("ACME") == first
    assert server.requests == []


def test_the_cache_outlives_the_process(server: YahooServer, make_provider) -> None:
    """A new provider on the same folder answers from what an earlier one fetched, without even a cookie."""
    first = make_provider().snapshot("ACME")
    server.forget()
    assert make_provider().snapshot("ACME") == first
    assert server.requests == []


def test_each_kind_is_asked_again_when_it_is_no_longer_fresh(server: YahooServer, provider: YahooMarketData, passing_time: ManualTime) -> None:
    """After the close news goes stale in 15 minutes, prices at the next opening, statements and profile in a day."""
    provider.snapshot("ACME")
    seen = []
    for span in ({"minutes": 16}, {"hours": 13}, {"hours": 11}):
        server.forget()
        passing_time.advance(**span)
        provider.snapshot("ACME")
        seen.append({request.what for request in server.requests})
    assert seen == [{"news"}, {"news", "chart"}, {"news", "chart", "profile", "statements"}]


def test_statements_are_not_frozen_for_the_life_of_the_process(server: YahooServer, provider: YahooMarketData, passing_time: ManualTime) -> None:
    """yfinance's endless cache of statement answers does not hide new figures."""
    before = provider.snapshot("ACME")
    changed = synthetic_snapshot("ACME")
    doubled = tuple(one.model_copy(update={"lines": {name: value * 2 for name, value in one.lines.items()}}) for one in changed.statements)
    server.serve("ACME", SnapshotAnswers(changed.model_copy(update={"statements": doubled})))
    passing_time.advance(hours=25)
    after = provider.snapshot("ACME")
    assert after.statements[0].lines["total_revenue"] == 2 * before.statements[0].lines["total_revenue"]


def test_an_unknown_symbol_costs_few_requests_and_then_none(server: YahooServer, provider: YahooMarketData, passing_time: ManualTime) -> None:
    """Yahoo's 404 is told as `symbol_not_found`, is not followed by new cookies, and is remembered for ten minutes."""
    provider.snapshot("SPY")
    server.forget()
    for _ in range(2):
        with pytest.raises(SymbolNotFound, match="NOPE"):
            provider.snapshot("NOPE")
    asked = Counter(request.what for request in server.requests)
    # The chart's answer ends the collecting; whether the profile had been asked for by then is a matter of milliseconds.
    assert (asked["chart"], asked["profile"] <= 1, set(asked) <= {"chart", "profile"}) == (1, True, True)
    passing_time.advance(minutes=11)
    server.serve("NOPE", SnapshotAnswers(synthetic_snapshot("NOPE")))
    assert provider.snapshot("NOPE").instrument.symbol == "NOPE"


def test_a_delisted_symbol_whose_time_zone_is_known_is_not_found(server: YahooServer, provider: YahooMarketData, passing_time: ManualTime) -> None:
    """The cached time zone of a symbol that has gone since does not make it exist."""
    provider.snapshot("ACME")
    server.withdraw("ACME")
    passing_time.advance(days=2)
    with pytest.raises(SymbolNotFound):
        provider.snapshot("ACME")


def test_an_isin_is_never_looked_up(server: YahooServer, provider: YahooMarketData) -> None:
    """What looks like an ISIN is refused here: yfinance would send Yahoo's crumb to another site."""
    with pytest.raises(SymbolNotFound):
        provider.snapshot("US0378331005")
    assert {request.symbol for request in server.requests} <= {"", "SPY", "getcrumb"}


def test_a_day_long_ago_asks_for_the_whole_history(server: YahooServer, provider: YahooMarketData) -> None:
    """Without `as_of` six years are asked for; for a day more than half a year back, everything."""
    server.serve("OLD", SnapshotAnswers(synthetic_snapshot("OLD", bars=3000)))
    recent, whole = provider.snapshot("OLD"), provider.snapshot("OLD", as_of=date(2024, 1, 2))
    assert (recent.prices.dates[-1] - recent.prices.dates[0]).days == pytest.approx(6 * 365, abs=15)
    assert len(whole.prices.dates) == 3000


def test_rates_come_with_a_foreign_reporting_currency(server: YahooServer, provider: YahooMarketData) -> None:
    """A listing in dollars with statements in yuan carries the history of the pair, as the market quotes it."""
    server.serve("BABA", SnapshotAnswers(synthetic_snapshot("BABA", reporting_currency="CNY")))
    server.serve("USDCNY=X", SnapshotAnswers(synthetic_snapshot("USDCNY=X", quote_type="currency", currency="CNY")))
    found = provider.snapshot("BABA")
    assert (found.instrument.currency, found.instrument.reporting_currency) == ("USD", "CNY")
    assert {one.currency for one in found.statements} == {"CNY"}
    assert {(one.base, one.quote) for one in found.fx} == {("USD", "CNY")}
    assert found.fx[-1].on == date(2026, 3, 12)
    assert found.fx[-1].rate == pytest.approx(synthetic_snapshot("USDCNY=X").prices.close[-1])


def test_pence_are_a_minor_unit_of_the_pound(server: YahooServer, provider: YahooMarketData) -> None:
    """A quote in GBp is of currency GBP with 100 units to one, its prices as quoted, and needs no rate to GBP statements."""
    server.serve("OCDO.L", SnapshotAnswers(synthetic_snapshot("OCDO.L", reporting_currency="GBP"), quoted="GBp"))
    found = provider.snapshot("OCDO.L")
    assert (found.instrument.currency, found.instrument.minor_units, found.instrument.reporting_currency) == ("GBP", 100, "GBP")
    assert found.prices.close[-1] == synthetic_snapshot("OCDO.L").prices.close[-1]
    assert found.fx == ()


def test_an_index_is_asked_for_by_its_own_sign(server: YahooServer, provider: YahooMarketData) -> None:
    """The caret of ^GSPC survives the way into the URL, and an index is told from a company."""
    server.serve("^GSPC", SnapshotAnswers(synthetic_snapshot("^GSPC", quote_type="index")))
    found = provider.snapshot("^GSPC")
    assert (found.instrument.symbol, found.instrument.quote_type) == ("^GSPC", "index")


def test_health_costs_one_request(server: YahooServer, provider: YahooMarketData) -> None:
    """Health asks once and says that Yahoo answers."""
    assert provider.health().ok
    assert len(server.requests) == 1
