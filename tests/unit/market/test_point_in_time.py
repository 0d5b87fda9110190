"""The cut to an as-of date, case by case, with figures known from filings or by construction."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from crew.domain.instrument import Instrument
from crew.domain.market import (
    AnalystConsensus,
    CalendarEvent,
    Dividend,
    FxRate,
    KeyStatistic,
    MarketSnapshot,
    NewsItem,
    PriceHistory,
    SeriesGap,
    SeriesSource,
    Split,
    Statement,
)
from crew.errors import StaleData
from crew.market.point_in_time import available_from, known_at
from crew.market.providers.sample import SampleMarketData
from crew.settings import Settings

SAMPLE = SampleMarketData(Settings().sample_dir)
TODAY = date(2025, 6, 30)


def source(on: date = TODAY, *, retrieved: date | None = None) -> SeriesSource:
    """A source that speaks of `on`."""
    return SeriesSource(provider="p", endpoint="e", retrieved_at=datetime.combine(retrieved or on, time(23), UTC), as_of=on)


def history(days: list[date], closes: list[float], **extra: Any) -> PriceHistory:
    """A history with the given closes."""
    columns = {name: tuple(closes) for name in ("open", "high", "low", "close")}
    return PriceHistory(symbol="X", basis=TODAY, dates=tuple(days), **columns, volume=(100.0,) * len(days), source=source(), **extra)


def company(prices: PriceHistory, **extra: Any) -> MarketSnapshot:
    """A company's snapshot."""
    instrument = Instrument(symbol="X", name="X", quote_type="equity", currency="USD", reporting_currency="USD")
    return MarketSnapshot(provider="p", instrument=instrument, retrieved_at=source().retrieved_at, prices=prices, **extra)


def statement(frequency: str, period_end: date, **extra: Any) -> Statement:
    """A statement with one line, retrieved long after."""
    given = {"source": source(period_end, retrieved=period_end + timedelta(days=1000))} | extra
    return Statement(kind="income", frequency=frequency, period_end=period_end, currency="USD", lines={"net_income": 1.0}, **given)


WEEK = [date(2025, 6, 23) + timedelta(days=index) for index in range(5)]


def test_a_holiday_takes_the_last_bar_before_it() -> None:
    """An as-of date without trading is answered with the last bar before it."""
    good_friday = known_at(SAMPLE.snapshot("AAPL"), date(2025, 4, 18))
    sunday = known_at(SAMPLE.snapshot("AAPL"), date(2025, 4, 20))

    assert good_friday.prices.dates[-1] == sunday.prices.dates[-1] == date(2025, 4, 17)
    assert good_friday.prices.close[-1] == 196.98


def test_no_price_that_old_is_stale_data() -> None:
    """Before the first bar there is nothing to say, and the error says when prices begin."""
    with pytest.raises(StaleData, match="no price of AAPL on or before 2019-01-02: its prices begin on 2020-08-10"):
        known_at(SAMPLE.snapshot("AAPL"), date(2019, 1, 2))
    with pytest.raises(StaleData, match="it has no prices"):
        known_at(company(history([], [])), TODAY)


def test_the_last_day_before_a_split_stands_in_its_own_shares() -> None:
    """NVIDIA closed at 1208.88 on 2024-06-07, the last trading day before its 10-for-1 split, restated since to 120.89."""
    before, after = (known_at(SAMPLE.snapshot("NVDA"), day) for day in (date(2024, 6, 7), date(2024, 6, 10)))

    assert before.prices.close[-1] == pytest.approx(1208.88, abs=0.01)
    assert after.prices.close[-2] == pytest.approx(120.888, abs=0.001)
    assert before.prices.volume[-1] == pytest.approx(after.prices.volume[-2] / 10)  # type: ignore[operator]
    assert before.prices.dividends[-1].amount == pytest.approx(0.04)
    assert [split.ratio for split in before.prices.splits] == [4.0]
    assert [split.ratio for split in after.prices.splits] == [4.0, 10.0]


def test_earnings_per_share_before_a_split_are_those_filed() -> None:
    """NVIDIA filed 11.93 and 1.74 per diluted share for its fiscal years 2024 and 2023; restated and rounded, the source says 1.19 and 0.17."""
    cut = known_at(SAMPLE.snapshot("NVDA"), date(2024, 6, 7))
    filed = {one.period_end.year: one.lines for one in cut.statements if one.kind == "income" and one.frequency == "annual"}

    assert {year: lines["diluted_eps"] for year, lines in filed.items() if "diluted_eps" in lines} == {2024: 11.93, 2023: 1.74}
    assert filed[2024]["diluted_average_shares"] == 2_494_000_000
    assert filed[2024]["total_revenue"] == 60_922_000_000


def test_earnings_that_average_shares_do_not_explain_are_only_scaled() -> None:
    """Where profit ÷ shares lies outside the rounding of the stated figure, the stated figure counts."""
    lines = {
        "diluted_eps": 2.0,
        "net_income_common_stockholders": 900.0,
        "diluted_average_shares": 400.0,
        "basic_eps": 2.5,
        "preferred_shares_number": 7.0,
    }
    known = statement("annual", date(2024, 12, 31), filed=date(2025, 2, 1)).model_copy(update={"lines": lines})
    cut = known_at(company(history(WEEK, [10.0] * 5, splits=(Split(on=WEEK[3], ratio=4.0),)), statements=(known,)), WEEK[2])

    assert cut.statements[0].lines == {
        "diluted_eps": 8.0,
        "net_income_common_stockholders": 900.0,
        "diluted_average_shares": 100.0,
        "basic_eps": 10.0,
        "preferred_shares_number": 7.0,
    }


def test_a_reverse_split_is_undone_too() -> None:
    """One new share for ten old: levels before it were a tenth, volume ten times."""
    prices = history(WEEK, [50.0] * 5, splits=(Split(on=WEEK[2], ratio=0.1),), dividends=(Dividend(on=WEEK[0], amount=1.0),))
    cut = known_at(company(prices), WEEK[1])

    assert cut.prices.close == pytest.approx((5.0, 5.0))
    assert cut.prices.volume == pytest.approx((1000.0, 1000.0))
    assert cut.prices.dividends[0].amount == pytest.approx(0.1)


def test_a_split_that_the_prices_do_not_hold_yet_is_not_undone() -> None:
    """A split announced for a day after the share basis of the history leaves levels alone."""
    prices = history(WEEK, [50.0] * 5, splits=(Split(on=TODAY + timedelta(days=9), ratio=10.0),))

    assert known_at(company(prices), WEEK[2]).prices.close == (50.0, 50.0, 50.0)


def test_missing_values_stay_missing() -> None:
    """A bar without a close has none in any share basis."""
    prices = history(WEEK, [50.0] * 5, splits=(Split(on=WEEK[4], ratio=2.0),))
    cut = known_at(company(prices.model_copy(update={"close": (None, *prices.close[1:])})), WEEK[1])

    assert cut.prices.close == (None, 100.0)


@pytest.mark.parametrize(
    ("frequency", "extra", "day"),
    [
        ("annual", {"filed": date(2025, 2, 3)}, date(2025, 2, 3)),
        ("annual", {"filed": date(2025, 6, 3), "public_by": date(2025, 3, 3)}, date(2025, 6, 3)),
        ("annual", {"public_by": date(2025, 3, 3)}, date(2025, 3, 3)),
        ("annual", {}, date(2025, 3, 31)),
        ("quarterly", {}, date(2025, 2, 14)),
        ("annual", {"source": source(date(2025, 2, 10))}, date(2025, 2, 10)),
        ("annual", {"source": source(date(2025, 5, 10))}, date(2025, 3, 31)),
        ("annual", {"source": source(date(1970, 1, 1))}, date(2025, 3, 31)),
    ],
    ids=["filed", "filed late", "legal deadline", "lag of a year", "lag of a quarter", "in hand before", "in hand after", "clock at zero"],
)
def test_a_statement_counts_from_the_day_it_was_public(frequency: str, extra: dict[str, Any], day: date) -> None:
    """By filing, or else by deadline or stated lag, or by the day it was in hand if that is earlier and can be true."""
    known = statement(frequency, date(2024, 12, 31), **extra)
    snapshot = company(history([date(2024, 12, 2)], [1.0]), statements=(known,))

    assert available_from(known) == day
    assert len(known_at(snapshot, day).statements) == 1
    assert known_at(snapshot, day - timedelta(days=1)).statements == ()


def test_the_sample_day_knows_the_newest_fiscal_years() -> None:
    """On 2026-03-12 the year 2025 of every company is known, and NVIDIA's fiscal 2026, in hand that day."""
    for symbol, end in {"AAPL": date(2025, 9, 30), "JPM": date(2025, 12, 31), "TSLA": date(2025, 12, 31), "NVDA": date(2026, 1, 31)}.items():
        annual = [one.period_end for one in known_at(SAMPLE.snapshot(symbol), date(2026, 3, 12)).statements if one.frequency == "annual"]
        assert max(annual) == end


def test_targets_captured_later_are_a_gap() -> None:
    """Before the day of their capture, targets and key statistics are a named gap, not stale figures; the reason tells nothing of later days."""
    before = known_at(SAMPLE.snapshot("AAPL"), date(2026, 3, 11))

    assert (before.consensus, before.key_statistics, before.key_statistics_source) == (None, (), None)
    assert SeriesGap(series="consensus", reason="not_reported", detail="the source states no consensus known on 2026-03-11") in before.gaps
    assert {"consensus", "key_statistics"} <= {gap.series for gap in before.gaps}
    assert known_at(SAMPLE.snapshot("AAPL"), date(2026, 3, 12)).consensus is not None


def test_rating_changes_before_the_list_begins_are_a_gap() -> None:
    """A day before the oldest rating change of the source has a gap instead of an empty list that would read as none."""
    cut = known_at(SAMPLE.snapshot("AAPL"), date(2025, 6, 2))

    assert (cut.analyst_actions, cut.analyst_actions_source) == ((), None)
    assert "analyst_actions" in {gap.series for gap in cut.gaps}


def test_figures_captured_before_a_split_are_put_after_it() -> None:
    """Targets and share counts captured before a split stand in the shares of the as-of day."""
    prices = history(WEEK, [10.0] * 5, splits=(Split(on=WEEK[2], ratio=2.0),))
    captured = source(WEEK[1])
    snapshot = company(
        prices,
        consensus=AnalystConsensus(target_mean=30.0, target_high=None, opinions=4, source=captured),
        key_statistics=(KeyStatistic(name="shares_short", value=1000, unit="shares"), KeyStatistic(name="short_ratio", value=2, unit="days")),
        key_statistics_source=captured,
    )
    on_the_day, after = known_at(snapshot, WEEK[1]), known_at(snapshot, WEEK[3])

    assert on_the_day.consensus is not None
    assert after.consensus is not None
    assert (on_the_day.consensus.target_mean, after.consensus.target_mean) == (30.0, 15.0)
    assert (after.consensus.target_high, after.consensus.opinions) == (None, 4)
    assert [item.value for item in after.key_statistics] == [2000, 2]


def test_news_events_and_rates_of_later_days_are_left_out() -> None:
    """A headline counts from its day in UTC, an event from its announcement or else from its own day, a rate from its day."""
    snapshot = company(
        history(WEEK, [10.0] * 5),
        news=tuple(NewsItem(published_at=datetime(2025, 6, 25, hour, 30, tzinfo=UTC), title=str(hour), publisher="p") for hour in (0, 23)),
        news_source=source(),
        calendar=(
            CalendarEvent(on=date(2025, 7, 1), kind="earnings", announced=date(2025, 6, 25)),
            CalendarEvent(on=date(2025, 7, 1), kind="ex_dividend", announced=date(2025, 6, 26)),
            CalendarEvent(on=date(2025, 6, 24), kind="dividend_payment"),
            CalendarEvent(on=date(2025, 6, 27), kind="dividend_payment"),
        ),
        fx=tuple(FxRate(base="USD", quote="EUR", on=day, rate=0.9, source=source()) for day in WEEK),
    )
    day_before, day = (known_at(snapshot, date(2025, 6, on)) for on in (24, 25))

    assert day_before.news == ()
    assert [item.title for item in day.news] == ["0", "23"]
    assert [event.kind for event in day.calendar] == ["earnings", "dividend_payment"]
    assert [rate.on.day for rate in day.fx] == [23, 24, 25]
    assert {rate.source.as_of for rate in day.fx} == {date(2025, 6, 25)}
    assert day.news_source is not None
    assert day.news_source.as_of == date(2025, 6, 25)


def test_benchmark_and_peers_are_cut_too() -> None:
    """Benchmark and peers end on the as-of day, each in its own share basis; one that did not exist yet is gone."""
    microsoft = known_at(SAMPLE.snapshot("MSFT"), date(2022, 6, 3))
    amazon = next(peer for peer in microsoft.peers if peer.instrument.symbol == "AMZN")
    full = SAMPLE.snapshot("AAPL")
    late = full.model_copy(update={"benchmark": SAMPLE.snapshot("PETR4.SA").prices})

    assert microsoft.benchmark is not None
    assert microsoft.benchmark.dates[-1] == amazon.prices.dates[-1] == date(2022, 6, 3)
    assert amazon.prices.close[-1] == pytest.approx(2447.0, abs=0.01)
    assert known_at(late, date(2022, 6, 3)).benchmark is None


def test_a_fund_has_no_gaps_of_a_company() -> None:
    """Statements, targets and the like are not missed where there cannot be any."""
    fund = company(history(WEEK, [10.0] * 5)).model_copy(update={"instrument": Instrument(symbol="X", name="X", quote_type="etf", currency="USD")})

    assert known_at(fund, WEEK[-1]).gaps == ()
