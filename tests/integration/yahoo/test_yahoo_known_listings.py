"""The awkward listings with figures known by construction, from Yahoo's answers through the unmodified yfinance to the fact sheet."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from statistics import stdev
from typing import Any

import pytest
from fakes.companies import AS_OF, SHARES, company, flags, history, instrument, reason, source, statements
from fakes.manual_time import ManualTime
from fakes.yahoo_answers import SnapshotAnswers
from fakes.yahoo_server import YahooServer

from crew.analytics.factsheet import fact_sheet
from crew.domain.factsheet import FactSheet
from crew.domain.market import AnalystConsensus, CalendarEvent, Dividend, KeyStatistic, MarketSnapshot, PriceHistory
from crew.market.providers.yahoo import YahooMarketData

EVENING = datetime(2026, 4, 15, 22, tzinfo=UTC)
NET = 0.135
SheetOf = Callable[..., FactSheet]


@pytest.fixture
def sheet_of(server: YahooServer, provider: YahooMarketData, passing_time: ManualTime) -> SheetOf:
    """The fact sheet of a snapshot that Yahoo answers with, on the evening of the made-up company's day."""
    passing_time.advance(seconds=(EVENING - passing_time.now()).total_seconds())
    server.serve(
        "SPY", SnapshotAnswers(company(instrument=listing("SPY", quote_type="etf", reporting_currency=None), prices=history("SPY"), statements=()))
    )

    def sheet(snapshot: MarketSnapshot, *, quoted: str | None = None, as_of: date | None = AS_OF) -> FactSheet:
        symbol = snapshot.instrument.symbol
        server.serve(symbol, SnapshotAnswers(snapshot, quoted=quoted))
        return fact_sheet(provider.snapshot(symbol, as_of=as_of), as_of=as_of)

    return sheet


def listing(symbol: str, **changes: Any) -> Any:
    """The made-up company under another symbol."""
    return instrument(symbol=symbol, name=f"{symbol} Inc.", **changes)


def made_up(symbol: str, *, of: dict[str, Any] | None = None, **changes: Any) -> MarketSnapshot:
    """The made-up company's snapshot under another symbol."""
    fields: dict[str, Any] = {"prices": history(symbol), "key_statistics_source": source("key_statistics")}
    return company(instrument=listing(symbol, **(of or {})), **(fields | changes))


def pair(symbol: str, rate: float) -> MarketSnapshot:
    """A currency pair that always stands at `rate`."""
    flat = (rate,) * 1400
    prices = history(symbol, open=flat, high=flat, low=flat, close=flat)
    return company(instrument=listing(symbol, quote_type="currency", currency=symbol[3:6], reporting_currency=None), prices=prices, statements=())


def implied(count: float) -> tuple[KeyStatistic, ...]:
    """How many listed units Yahoo says there are."""
    return (KeyStatistic(name="implied_shares_outstanding", value=count, unit="shares"),)


def test_baba_dollars_for_a_receipt_of_eight_shares_with_statements_in_yuan(sheet_of: SheetOf, server: YahooServer) -> None:
    """At 100 dollars, eight shares to a receipt and seven yuan to the dollar, value and multiples are those worked out by hand."""
    server.serve("USDCNY=X", SnapshotAnswers(pair("USDCNY=X", 7.0)))
    sheet = sheet_of(made_up("BABA", of={"reporting_currency": "CNY"}, statements=statements(currency="CNY"), key_statistics=implied(SHARES / 8)))

    assert (sheet.by_id["income.revenue.TTM"].number, sheet.by_id["income.revenue.TTM"].currency) == (pytest.approx(1331e6), "CNY")
    assert sheet.by_id["fx.CNY-USD"].number == pytest.approx(1 / 7)
    assert (sheet.by_id["valuation.market_cap"].number, sheet.by_id["valuation.market_cap"].currency) == (pytest.approx(1.25e9), "USD")
    assert sheet.by_id["valuation.pe"].number == pytest.approx(1.25e9 * 7 / (1331e6 * NET))
    assert sheet.by_id["valuation.pb"].number == pytest.approx(1.25e9 * 7 / 1331e6)
    assert sheet.by_id["valuation.dcf.per_share"].currency == "USD"
    firm = sheet.by_id["valuation.dcf.enterprise_value"].number
    assert sheet.by_id["valuation.dcf.per_share"].number == pytest.approx(firm / (SHARES / 8) / 7)


def test_thyao_lira_for_a_share_with_statements_in_dollars(sheet_of: SheetOf, server: YahooServer) -> None:
    """At 100 lira and forty lira to the dollar, a dollar of earnings counts forty times, and cash flows in dollars bear a dollar rate."""
    server.serve("USDTRY=X", SnapshotAnswers(pair("USDTRY=X", 40.0)))
    sheet = sheet_of(made_up("THYAO.IS", of={"currency": "TRY", "reporting_currency": "USD"}, key_statistics=implied(SHARES)))

    assert sheet.by_id["fx.USD-TRY"].number == 40
    assert (sheet.by_id["valuation.market_cap"].number, sheet.by_id["valuation.market_cap"].currency) == (pytest.approx(1e10), "TRY")
    assert sheet.by_id["valuation.ps"].number == pytest.approx(1e10 / (1331e6 * 40))
    assert sheet.by_id["valuation.pe"].number == pytest.approx(1e10 / (1331e6 * NET * 40))
    assert sheet.by_id["valuation.fcf_yield"].number == pytest.approx(100 * 133.1e6 * 40 / 1e10)
    assert sheet.by_id["valuation.dcf.risk_free_rate"].number == 4.0
    assert sheet.by_id["assumption.risk_free_rate"].number == 28.0
    firm = sheet.by_id["valuation.dcf.enterprise_value"]
    assert firm.currency == "USD"
    assert sheet.by_id["valuation.dcf.per_share"].number == pytest.approx(firm.number / SHARES * 40)
    assert reason(sheet, "price.relative_return_1y") == "unit_mismatch"


def test_a_foreign_listing_without_its_pair_is_not_valued(sheet_of: SheetOf) -> None:
    """Where Yahoo does not answer for the pair, ratios that would mix currencies are named gaps, and what needs one currency stands."""
    sheet = sheet_of(made_up("THYAO.IS", of={"currency": "TRY", "reporting_currency": "USD"}, key_statistics=implied(SHARES)))

    assert reason(sheet, "valuation.pe") == "unit_mismatch"
    assert sheet.by_id["returns.roe.TTM"].number == pytest.approx(100 * NET * 1331 / 1270.5)


def test_ocado_pence_for_a_share_with_statements_in_pounds(sheet_of: SheetOf) -> None:
    """A quote of 10,000 pence, a dividend of 250 and a target of 12,000 are 100, 2.5 and 120 pounds."""
    prices = history("OCDO.L", scale=100.0, dividends=(Dividend(on=AS_OF - timedelta(days=30), amount=250.0),))
    target = AnalystConsensus(target_mean=12000.0, opinions=3, source=source("consensus"))
    pounds = {"currency": "GBP", "minor_units": 100, "reporting_currency": "GBP"}
    sheet = sheet_of(made_up("OCDO.L", of=pounds, prices=prices, statements=statements(currency="GBP"), consensus=target), quoted="GBp")

    assert (sheet.by_id["price.last"].number, sheet.by_id["price.last"].currency) == (pytest.approx(100), "GBP")
    assert sheet.by_id["valuation.market_cap"].number == pytest.approx(1e10)
    assert sheet.by_id["valuation.pe"].number == pytest.approx(100 / (13.31 * NET))
    assert sheet.by_id["valuation.dividend_yield"].number == pytest.approx(2.5)
    assert sheet.by_id["analyst.upside_mean"].number == pytest.approx(20)


def test_expected_earnings_come_with_the_profile(sheet_of: SheetOf) -> None:
    """Yahoo's forward earnings of 2.5 make a forward multiple of 40 where price and statements are in one unit."""
    expected = (KeyStatistic(name="forward_eps", value=2.5, unit="currency_per_share"),)
    assert sheet_of(made_up("ACME", key_statistics=expected)).by_id["valuation.forward_pe"].number == pytest.approx(40)


def test_qqq_a_fund_has_its_returns_and_no_company(sheet_of: SheetOf) -> None:
    """A fund that moves with the benchmark has beta 1 and the benchmark's return; valuation and rating do not apply."""
    fund = made_up("QQQ", of={"quote_type": "etf", "reporting_currency": None, "sector": None}, statements=())
    sheet = sheet_of(fund)
    closes = dict(zip(fund.prices.dates, fund.prices.close, strict=True))

    assert sheet.by_id["price.return_1y"].number == pytest.approx(100 * (100 / (closes[date(2025, 4, 15)] or 0) - 1))
    assert sheet.by_id["price.beta_1y"].number == pytest.approx(1)
    assert sheet.by_id["price.relative_return_1y"].number == pytest.approx(0, abs=1e-9)
    for name in ("income.statement", "valuation.pe", "valuation.dcf.per_share", "scorecard.total"):
        assert reason(sheet, name) == "not_applicable"


def test_bitcoin_trades_every_day(sheet_of: SheetOf) -> None:
    """Closes of every day, weekends too: a price in dollars and not per share, 365 days to a year, value from the units in circulation."""
    days = tuple(AS_OF - timedelta(days=back) for back in range(1399, -1, -1))
    close = tuple(100.0 if position % 2 else 101.0 for position in range(1400))
    prices = history("BTC-USD", dates=days, open=close, high=close, low=close, close=close)
    supply = (KeyStatistic(name="circulating_supply", value=20e6, unit="count"),)
    sheet = sheet_of(
        made_up(
            "BTC-USD", of={"quote_type": "crypto", "reporting_currency": None, "sector": None}, prices=prices, statements=(), key_statistics=supply
        )
    )

    assert (sheet.by_id["price.last"].number, sheet.by_id["price.last"].unit) == (100, "currency")
    assert sheet.by_id["valuation.market_cap"].number == pytest.approx(2e9)
    year = [later / earlier - 1 for earlier, later in pairwise(close[-366:])]
    assert sheet.by_id["price.volatility_1y"].number == pytest.approx(100 * stdev(year) * 365**0.5)
    assert reason(sheet, "scorecard.total") == "not_applicable"


def thinned(prices: PriceHistory, every: int) -> PriceHistory:
    """One bar of every `every`, the last among them."""
    count = len(prices.dates)
    kept = [position for position in range(count) if (count - 1 - position) % every == 0]
    columns = {name: tuple(getattr(prices, name)[position] for position in kept) for name in ("dates", "open", "high", "low", "close", "volume")}
    return prices.model_copy(update=columns)


def test_waskita_trades_once_a_week(sheet_of: SheetOf) -> None:
    """A listing with a close a week has returns between days, and no volatility, beta or day's change out of too few."""
    prices = thinned(history("WSKT.JK", scale=15.0), 5)
    sheet = sheet_of(made_up("WSKT.JK", of={"currency": "IDR", "reporting_currency": "IDR"}, prices=prices, statements=statements(currency="IDR")))
    closes = dict(zip(prices.dates, prices.close, strict=True))
    start = max(day for day in closes if day <= date(2025, 4, 15))

    assert (sheet.by_id["price.last"].number, sheet.by_id["price.last"].currency) == (pytest.approx(1500), "IDR")
    assert sheet.by_id["price.return_1y"].number == pytest.approx(100 * (1500 / (closes[start] or 0) - 1))
    assert sheet.by_id["valuation.pe"].number == pytest.approx(1500 / (13.31 * NET))
    for name in ("price.volatility_1y", "price.beta_1y", "valuation.dcf.per_share"):
        assert reason(sheet, name) == "insufficient_history"


def test_a_listing_that_has_ended_speaks_of_its_last_day(sheet_of: SheetOf) -> None:
    """ADH's chart may outlive its trading: its last close is told with its day under a serious flag, and nothing is valued at it."""
    ended = date(2026, 2, 27)
    sheet = sheet_of(made_up("ADH", prices=history("ADH", last=ended)))

    assert (sheet.by_id["price.last"].number, sheet.by_id["price.last"].as_of) == (pytest.approx(100), ended)
    assert flags(sheet)["stale_prices"] == "serious"
    for name in ("valuation.market_cap", "valuation.pe", "price.return_1y"):
        assert reason(sheet, name) == "stale"


def test_the_next_results_are_known_once_yahoo_has_told_their_day(sheet_of: SheetOf) -> None:
    """Yahoo's calendar gives the day of the next results from the day it was asked on, and nothing to an earlier day."""
    events = (CalendarEvent(on=date(2026, 4, 30), kind="earnings"), CalendarEvent(on=date(2026, 2, 9), kind="ex_dividend"))
    now = sheet_of(made_up("ACME", calendar=events))
    before = sheet_of(made_up("ACME", calendar=events), as_of=date(2026, 4, 1))

    assert now.by_id["event.next_earnings"].value == "2026-04-30"
    assert now.by_id["event.last_ex_dividend"].value == "2026-02-09"
    assert "event.next_earnings" not in before.by_id
    assert before.by_id["event.last_ex_dividend"].value == "2026-02-09"
