"""Price and risk evidence on histories whose answers are known by construction."""

import math
import statistics
from datetime import date, timedelta

import pytest
from fakes.price_histories import AS_OF, growing, history, mapped, price_book, reasons, repeated, snapshot_of, weekdays

YEAR_AGO = date(2024, 6, 28)  # the last weekday on or before 2024-06-30, a Sunday
FIVE_YEARS = 1400


def test_last_price_and_change():
    """The last close, the one before it, and the change in percent and amount."""
    book = price_book(snapshot_of(history([100.0, 80.0, 84.0])))

    assert book.number("price.last") == 84.0
    assert book.number("price.previous_close") == 80.0
    assert book.number("price.change_1d") == pytest.approx(5.0)
    assert book.number("price.change_1d_amount") == 4.0
    assert book.number("price.age_days") == 0


def test_returns_are_measured_between_calendar_days():
    """A window starts from the last close on or before its calendar start."""
    days = weekdays(FIVE_YEARS)
    starts = {
        "1w": date(2025, 6, 23),
        "1m": date(2025, 5, 30),
        "3m": date(2025, 3, 28),
        "6m": date(2024, 12, 30),
        "ytd": date(2024, 12, 31),
        "1y": YEAR_AGO,
        "3y": date(2022, 6, 30),
        "5y": date(2020, 6, 30),
    }
    book = price_book(snapshot_of(history([float(100 + position) for position in range(FIVE_YEARS)], days=days)))

    for window, start in starts.items():
        expected = ((100 + FIVE_YEARS - 1) / (100 + days.index(start)) - 1) * 100
        item = book.get(f"price.return_{window}")
        assert item is not None
        assert item.number == pytest.approx(expected), window
        assert item.inputs == ("price.last", f"price.close.{start}")


def test_constant_growth_has_its_rate_and_no_risk():
    """Closes growing at one rate per calendar day give that rate as CAGR, no volatility, no fall, and ratios are undefined."""
    days = weekdays(FIVE_YEARS)
    closes = [100 * 1.08 ** ((day - days[0]).days / 365.25) for day in days]
    book = price_book(snapshot_of(history(closes, days=days)))

    assert book.number("price.cagr_3y") == pytest.approx(8.0, abs=1e-9)
    assert book.number("price.cagr_5y") == pytest.approx(8.0, abs=1e-9)
    assert book.number("price.total_cagr_5y") == pytest.approx(8.0, abs=1e-9)
    assert book.number("price.max_drawdown_5y") == 0.0
    assert book.number("price.positive_days_1y") == 100.0
    assert reasons(book)["price.calmar_5y"] == "not_applicable"
    assert reasons(book)["price.max_drawdown_peak_date"] == "not_applicable"


def test_the_same_return_every_day_has_no_volatility():
    """Volatility is zero and Sharpe undefined where every daily return is the same."""
    book = price_book(snapshot_of(history(growing(300))))

    assert book.number("price.volatility_1y") == 0.0
    assert book.number("price.volatility_30d") == 0.0
    assert reasons(book)["price.sharpe_1y"] == "not_applicable"
    assert reasons(book)["price.sortino_1y"] == "not_applicable"


def test_volatility_sharpe_and_sortino_of_a_saw_tooth():
    """Two returns taking turns have a volatility, Sharpe and Sortino that a pocket calculator gives."""
    days = weekdays(300)
    book = price_book(snapshot_of(history(repeated([0.02, -0.01], 300), days=days)), risk_free_rate=5.0)
    returns = [0.02 if step % 2 == 0 else -0.01 for step in range(days.index(YEAR_AGO), 299)]
    daily = 1.05 ** (1 / 252) - 1
    excess = [value - daily for value in returns]
    downside = math.sqrt(statistics.fmean(min(value, 0.0) ** 2 for value in excess))

    assert book.number("price.volatility_1y") == pytest.approx(statistics.stdev(returns) * math.sqrt(252) * 100)
    assert book.number("price.volatility_30d") == pytest.approx(statistics.stdev(returns[-30:]) * math.sqrt(252) * 100)
    assert book.number("price.sharpe_1y") == pytest.approx(statistics.fmean(excess) / statistics.stdev(excess) * math.sqrt(252))
    assert book.number("price.sortino_1y") == pytest.approx(statistics.fmean(excess) / downside * math.sqrt(252))
    assert book.number("price.best_day_1y") == pytest.approx(2.0)
    assert book.number("price.worst_day_1y") == pytest.approx(-1.0)
    assert book.number("price.var_95_1y") == pytest.approx(-1.0)
    assert book.number("price.positive_days_1y") == pytest.approx(100 * sum(value > 0 for value in returns) / len(returns))


def test_crypto_trades_every_day_of_the_year():
    """Volatility of an instrument that never stops trading is annualised with 365 days and its price is an amount."""
    days = [AS_OF - timedelta(days=back) for back in range(400)][::-1]
    book = price_book(snapshot_of(history(repeated([0.02, -0.01], 400), days=days), quote_type="crypto"))
    returns = [0.02 if step % 2 == 0 else -0.01 for step in range(399 - 365, 399)]
    item = book.get("price.volatility_1y")
    last = book.get("price.last")

    assert item is not None
    assert item.number == pytest.approx(statistics.stdev(returns) * math.sqrt(365) * 100)
    assert "√365" in str(item.formula)
    assert last is not None
    assert last.unit == "currency"
    assert reasons(book)["price.turnover_avg_20d"] == "not_applicable"


def test_drawdown_names_peak_and_trough():
    """The deepest fall runs from the highest close before it to the lowest, with their days."""
    days = weekdays(FIVE_YEARS)
    closes = [100.0] * FIVE_YEARS
    peak, trough = days.index(date(2023, 3, 1)), days.index(date(2023, 9, 1))
    closes[peak], closes[trough] = 200.0, 50.0
    book = price_book(snapshot_of(history(closes, days=days)))

    assert book.number("price.max_drawdown_5y") == pytest.approx(-75.0)
    assert book.number("price.drawdown_now_5y") == pytest.approx(-50.0)
    assert book.number("price.max_drawdown_1y") == 0.0
    assert book.get("price.max_drawdown_peak_date").value == "2023-03-01"
    assert book.get("price.max_drawdown_trough_date").value == "2023-09-01"


def test_calmar_sets_the_yearly_return_against_the_deepest_fall():
    """A year's return over its fall, and five years' return per year over theirs."""
    days = weekdays(FIVE_YEARS)
    closes = [100 * 1.1 ** ((day - days[0]).days / 365.25) for day in days]
    closes[days.index(date(2021, 3, 1))] *= 0.5
    closes[days.index(date(2025, 3, 3))] *= 0.8
    book = price_book(snapshot_of(history(closes, days=days)))

    assert book.number("price.calmar_5y") == pytest.approx(10 / -book.number("price.max_drawdown_5y"), rel=1e-6)
    assert book.number("price.calmar_1y") == pytest.approx(book.number("price.return_1y") / -book.number("price.max_drawdown_1y"))
    assert book.number("price.max_drawdown_5y") == pytest.approx(-50, abs=0.1)
    assert book.number("price.max_drawdown_1y") == pytest.approx(-20, abs=0.1)


def test_dividends_are_reinvested_at_the_close_of_their_ex_date():
    """A flat price that pays a tenth twice returns 21 % with dividends and nothing without, and the ex-date is no fall."""
    days = weekdays(300)
    paid = [(days[150], 10.0), (days[200], 10.0)]
    book = price_book(snapshot_of(history([100.0] * 300, days=days, dividends=paid)))

    assert book.number("price.return_1y") == pytest.approx(0.0)
    assert book.number("price.total_return_1y") == pytest.approx(21.0)
    assert book.number("price.dividends_1y") == pytest.approx(20.0)
    assert book.number("price.max_drawdown_1y") == 0.0
    assert book.number("series.dividends_1y") == 2


def test_a_fall_by_the_dividend_is_no_loss():
    """When the close falls by exactly the dividend on its ex-date, the total return is zero and nothing was lost."""
    days = weekdays(300)
    closes = [100.0] * 200 + [96.0] * 100
    book = price_book(snapshot_of(history(closes, days=days, dividends=[(days[200], 4.0)])))

    assert book.number("price.return_1y") == pytest.approx(-4.0)
    assert book.number("price.total_return_1y") == pytest.approx(0.0, abs=1e-9)
    assert book.number("price.max_drawdown_1y") == pytest.approx(0.0, abs=1e-9)
    assert book.number("price.volatility_1y") == pytest.approx(0.0, abs=1e-9)


def test_a_dividend_on_a_day_without_a_bar_counts_on_the_next():
    """An ex-date on a holiday or a missing bar is paid with the next close; one before the window is not counted."""
    days = weekdays(300)
    saturday = days[200] + timedelta(days=(5 - days[200].weekday()) % 7)
    paid = [(days[0], 50.0), (saturday, 10.0)]
    book = price_book(snapshot_of(history([100.0] * 300, days=days, dividends=paid)))

    assert book.number("price.total_return_1y") == pytest.approx(10.0)
    assert book.number("price.dividends_1y") == pytest.approx(10.0)


def test_closes_without_dividends_give_no_price_return():
    """Where the source took dividends out of the closes, price returns and traded levels are gaps, and total returns are not counted twice."""
    days = weekdays(300)
    prices = history(growing(300), days=days, dividends=[(days[250], 5.0)], dividends_in_prices=True)
    book = price_book(snapshot_of(prices))
    ids = ("price.return_1y", "price.change_1d", "price.previous_close", "price.high_52w", "price.low_52w_date", "price.dividends_1y")

    assert {name: reasons(book).get(name) for name in ids} == dict.fromkeys(ids, "not_applicable")
    assert book.number("price.total_return_1y") == pytest.approx((1.001 ** (299 - days.index(YEAR_AGO)) - 1) * 100)
    assert book.number("price.last") == pytest.approx(100 * 1.001**299)
    assert "dividends" in book.get("technical.sma_50").label
    assert "series.dividends_1y" not in {item.id for item in book.evidence}


def test_levels_lowered_by_later_dividends_are_withheld():
    """Seen long after the as-of day, closes less later dividends are not even on the last day what was traded."""
    prices = history(growing(300), dividends_in_prices=True, retrieved=AS_OF + timedelta(days=200))
    book = price_book(snapshot_of(prices))

    assert reasons(book)["price.last"] == "not_applicable"
    assert book.get("price.total_return_1y").inputs[0] == f"price.close.{AS_OF}"
    assert book.number("technical.price_vs_sma_50") is not None
    within_a_closure = history(growing(300), dividends_in_prices=True, retrieved=AS_OF + timedelta(days=10))
    assert price_book(snapshot_of(within_a_closure)).number("price.last") is not None
    beyond = history(growing(300), dividends_in_prices=True, retrieved=AS_OF + timedelta(days=11))
    assert "price.last" in reasons(price_book(snapshot_of(beyond)))


def test_pence_are_stated_in_pounds():
    """Amounts of a quote in pence are a hundredth, in pounds; percentages and volumes stay."""
    days = weekdays(300)
    prices = history(growing(300, start=250.0), days=days, dividends=[(days[250], 5.0)])
    pence = price_book(snapshot_of(prices, currency="GBP", minor_units=100))
    pounds = price_book(snapshot_of(mapped(prices, lambda value: value / 100), currency="GBP"))

    assert pence.number("price.last") == pytest.approx(2.5 * 1.001**299)
    assert pence.get("price.last").currency == "GBP"
    assert "÷ 100" in pence.get("price.last").locator
    assert {item.id: item.value for item in pence.evidence} == {
        item.id: item.value if isinstance(item.value, str) else pytest.approx(item.value, rel=1e-9, abs=1e-9) for item in pounds.evidence
    }


def test_range_of_52_weeks():
    """The highest high and lowest low after the day one year ago, their days, and the distance of the last price."""
    days = weekdays(400)
    closes = [100.0] * 400
    high, low = days.index(date(2024, 11, 5)), days.index(date(2025, 4, 8))
    closes[high], closes[low], closes[days.index(YEAR_AGO)], closes[-1] = 150.0, 60.0, 500.0, 110.0
    book = price_book(snapshot_of(history(closes, days=days, spread=0.1)))

    assert book.number("price.high_52w") == pytest.approx(165.0)
    assert book.number("price.low_52w") == pytest.approx(54.0)
    assert book.get("price.high_52w_date").value == "2024-11-05"
    assert book.get("price.low_52w_date").value == "2025-04-08"
    assert book.number("price.from_high_52w") == pytest.approx((110 / 165 - 1) * 100)
    assert book.number("price.from_low_52w") == pytest.approx((110 / 54 - 1) * 100)


def test_range_without_highs_and_lows_is_a_gap():
    """A source that states closes only has no 52-week range, no ATR, no ADX and no levels, but everything made from closes."""
    prices = history(growing(300))
    bare = prices.model_copy(update={"high": (None,) * 300, "low": (None,) * 300, "open": (None,) * 300})
    book = price_book(snapshot_of(bare))

    assert reasons(book)["price.high_52w"] == "not_reported"
    assert reasons(book)["technical.atr_14"] == "not_reported"
    assert reasons(book)["technical.adx_14"] == "not_reported"
    assert reasons(book)["technical.stochastic_k"] == "not_reported"
    assert reasons(book)["technical.support"] == "not_reported"
    assert book.number("technical.sma_200") is not None


def test_volume_average_turnover_and_trend():
    """Average and turnover of the last 20 bars, and their average against that of the 60 before."""
    prices = history([10.0] * 300)
    volumes = (500.0,) * 220 + (1000.0,) * 60 + (1500.0,) * 20
    book = price_book(snapshot_of(prices.model_copy(update={"volume": volumes})))

    assert book.number("price.volume_avg_20d") == 1500.0
    assert book.number("price.turnover_avg_20d") == 15000.0
    assert book.number("price.volume_trend") == pytest.approx(50.0)


def test_missing_volumes_are_left_out_or_named():
    """A few missing volumes are left out of the mean, many make the figure a gap; none is ever counted as zero."""
    prices = history([10.0] * 300)
    few = price_book(snapshot_of(prices.model_copy(update={"volume": (1000.0,) * 297 + (None,) * 3})))
    many = price_book(snapshot_of(prices.model_copy(update={"volume": (1000.0,) * 290 + (None,) * 10})))

    assert few.number("price.volume_avg_20d") == 1000.0
    assert few.number("series.volume_20d") == 17
    assert reasons(many)["price.volume_avg_20d"] == "not_reported"
    assert reasons(many)["price.volume_trend"] == "not_reported"


def test_an_index_without_volume_has_no_trend():
    """Zero volume before has no trend; there is nothing to divide by."""
    book = price_book(snapshot_of(history([10.0] * 300, volume=0.0), quote_type="index"))

    assert book.number("price.volume_avg_20d") == 0.0
    assert reasons(book)["price.volume_trend"] == "not_applicable"


def test_a_missing_close_is_flagged_and_never_zero():
    """A bar without a close takes part in nothing, is counted, and the return across it is no daily return."""
    days = weekdays(300)
    closes = [None if position == 280 else close for position, close in enumerate(repeated([0.02, -0.01], 300))]
    book = price_book(snapshot_of(history(closes, days=days)))

    assert book.number("price.missing_closes_1y") == 1
    assert book.number("series.close_1y") == 299 - days.index(YEAR_AGO)
    assert book.number("price.worst_day_1y") == pytest.approx(-1.0)
    assert book.number("price.best_day_1y") == pytest.approx(2.0)
    assert book.number("price.max_drawdown_1y") == pytest.approx(-1.0)
    assert reasons(book)["price.volatility_30d"] == "not_reported"


def test_no_close_on_the_day_before_is_no_daily_change():
    """The change on the day needs the close of the bar right before; a missing last close moves the last price back."""
    closes = growing(300)
    before = price_book(snapshot_of(history([*closes[:298], None, closes[299]])))
    last = price_book(snapshot_of(history([*closes[:299], None])))

    assert reasons(before)["price.change_1d"] == "not_reported"
    assert before.number("price.last") == pytest.approx(closes[299])
    assert last.number("price.last") == pytest.approx(closes[298])
    assert last.get("price.last_date").value == "2025-06-27"
    assert last.number("price.age_days") == 3


def test_a_hole_in_the_history_is_measured_and_no_start():
    """A window that would start in a hole is a gap; a hole inside it is measured and its return is no daily return."""
    days = weekdays(400)
    closes = growing(400)
    at_start = [day for day in days if not date(2024, 6, 1) <= day <= date(2024, 7, 15)]
    inside = [day for day in days if not date(2024, 9, 1) <= day <= date(2024, 9, 20)]
    started = price_book(snapshot_of(history(closes[: len(at_start)], days=at_start)))
    holed = price_book(snapshot_of(history([*closes[:200], *[close * 2 for close in closes[200 : len(inside)]]][: len(inside)], days=inside)))

    assert reasons(started)["price.return_1y"] == "insufficient_history"
    assert reasons(started)["price.volatility_1y"] == "insufficient_history"
    assert started.number("price.return_6m") is not None
    assert holed.number("price.longest_gap_1y") == 24
    assert holed.number("price.return_1y") is not None


def test_a_sparse_listing_has_returns_but_no_risk_figures():
    """With a bar a week there are returns between calendar days, but too few daily returns for a volatility."""
    days = [AS_OF - timedelta(weeks=back) for back in range(120)][::-1]
    book = price_book(snapshot_of(history(growing(120, rate=0.01), days=days)))

    assert book.number("price.return_1m") == pytest.approx((1.01**5 - 1) * 100)
    assert reasons(book)["price.volatility_1y"] == "insufficient_history"
    assert reasons(book)["price.sharpe_1y"] == "insufficient_history"
    assert reasons(book)["technical.sma_200"] == "insufficient_history"


def test_a_young_listing_names_what_its_history_is_too_short_for():
    """A hundred bars give short windows; longer ones are gaps that say where the prices begin."""
    book = price_book(snapshot_of(history(growing(100))))

    assert book.number("price.return_3m") is not None
    for name in ("price.return_6m", "price.return_1y", "price.total_return_5y", "price.cagr_3y", "price.volatility_1y", "price.high_52w"):
        assert reasons(book)[name] == "insufficient_history", name
    assert "prices begin on" in next(gap.detail for gap in book.gaps if gap.id == "price.return_1y")


def test_no_close_at_all_leaves_only_gaps():
    """Without a single close nothing is derived and every fixed figure is a named gap."""
    book = price_book(snapshot_of(history([None, None])))

    assert {item.id for item in book.evidence} == {"assumption.risk_free_rate"}
    assert set(reasons(book).values()) == {"insufficient_history", "not_reported"}
    assert "price.last" in reasons(book)
    assert "technical.rsi_14" in reasons(book)


def test_a_delisted_symbol_is_stale():
    """Prices that ended weeks before the as-of day give the last price and its age and nothing that claims to be current."""
    book = price_book(snapshot_of(history(growing(500))), as_of=AS_OF + timedelta(days=60))

    assert book.number("price.last") is not None
    assert book.number("price.age_days") == 60
    for name in ("price.return_1y", "price.volatility_30d", "price.volume_avg_20d", "technical.rsi_14", "technical.support"):
        assert reasons(book)[name] == "stale", name


@pytest.mark.parametrize(("days_later", "stale"), [(10, False), (11, True)])
def test_prices_are_stale_after_the_longest_closure(days_later, stale):
    """Ten days without a close can be a national holiday, eleven cannot."""
    book = price_book(snapshot_of(history(growing(500))), as_of=AS_OF + timedelta(days=days_later))

    assert (reasons(book).get("technical.sma_20") == "stale") is stale


@pytest.mark.parametrize(("first_missing", "known"), [(date(2024, 6, 21), True), (date(2024, 6, 20), False)])
def test_a_window_starts_within_ten_days_of_its_calendar_start(first_missing, known):
    """The last close before a window's start may be ten days older than it and no more."""
    days = [day for day in weekdays(400) if not first_missing <= day <= date(2024, 7, 5)]
    book = price_book(snapshot_of(history(growing(len(days)), days=days)))

    assert book.has("price.return_1y") is known


def test_a_holiday_as_of_speaks_of_the_last_close():
    """On a Sunday the last price is Friday's, and windows are measured back from the Sunday."""
    days = weekdays(400)
    book = price_book(snapshot_of(history(growing(400), days=days)), as_of=date(2025, 7, 6))

    assert book.get("price.last").as_of == AS_OF
    assert book.number("price.age_days") == 6
    assert book.get("price.return_1y").inputs == ("price.last", "price.close.2024-07-05")


def test_without_a_risk_free_rate_the_ratios_are_gaps():
    """A ratio of excess return needs a stated rate; none is assumed silently."""
    book = price_book(snapshot_of(history(repeated([0.02, -0.01], 300))), risk_free_rate=None)

    assert reasons(book)["price.sharpe_1y"] == "not_reported"
    assert book.number("price.volatility_1y") is not None


def test_beta_of_a_leveraged_benchmark():
    """Twice the benchmark's return every day has beta 2, correlation 1 and no alpha."""
    days = weekdays(300)
    pattern = [0.01, -0.02, 0.015, 0.0]
    benchmark = history(repeated(pattern, 300), days=days, symbol="SPY")
    book = price_book(snapshot_of(history(repeated([2 * value for value in pattern], 300), days=days), benchmark=benchmark))
    market = (repeated(pattern, 300)[-1] / repeated(pattern, 300)[days.index(YEAR_AGO)] - 1) * 100

    assert book.number("price.beta_1y") == pytest.approx(2.0)
    assert book.number("price.correlation_1y") == pytest.approx(1.0)
    assert book.number("price.alpha_1y") == pytest.approx(0.0, abs=1e-9)
    assert book.number("benchmark.total_return_1y") == pytest.approx(market)
    assert book.number("price.relative_return_1y") == pytest.approx(book.number("price.total_return_1y") - market)
    assert book.get(f"benchmark.close.{AS_OF}").currency is None


def test_alpha_is_what_beta_does_not_explain():
    """A tenth of a percent a day above the benchmark is that much alpha, compounded to a year, whatever the risk-free rate."""
    pattern = [0.01, -0.02, 0.015, 0.0]
    benchmark = history(repeated(pattern, 300), symbol="SPY")
    book = price_book(snapshot_of(history(repeated([value + 0.001 for value in pattern], 300)), benchmark=benchmark), risk_free_rate=4.0)

    assert book.number("price.beta_1y") == pytest.approx(1.0)
    assert book.number("price.alpha_1y") == pytest.approx((1.001**252 - 1) * 100)


def test_beta_uses_the_days_both_have():
    """Days on which only one of both traded are bridged, so that returns over the same stretch are compared."""
    days = weekdays(300)
    closes = repeated([0.01, -0.02, 0.015, 0.0], 300)
    holidays = set(range(105, 295, 20))
    kept = [position for position in range(300) if position not in holidays]
    benchmark = history([closes[position] for position in kept], days=[days[position] for position in kept], symbol="SPY")
    book = price_book(snapshot_of(history(closes, days=days), benchmark=benchmark))

    assert book.number("price.beta_1y") == pytest.approx(1.0)
    assert book.number("price.correlation_1y") == pytest.approx(1.0)


def test_a_difference_of_returns_in_two_currencies_is_withheld():
    """Beta against a benchmark in another currency says so; what would subtract dollars from lira is a gap."""
    closes = repeated([0.01, -0.02, 0.015, 0.0], 300)
    book = price_book(snapshot_of(history(closes), benchmark=history(closes, symbol="SPY"), currency="TRY"))

    assert book.number("price.beta_1y") == pytest.approx(1.0)
    assert "in TRY and USD" in book.get("price.beta_1y").formula
    assert book.number("benchmark.total_return_1y") is not None
    assert reasons(book)["price.relative_return_1y"] == "unit_mismatch"
    assert reasons(book)["price.alpha_1y"] == "unit_mismatch"


@pytest.mark.parametrize(
    ("benchmark", "reason"),
    [
        (None, "not_reported"),
        (history(growing(300), symbol="TEST"), "not_applicable"),
        (history(growing(100), symbol="SPY"), "insufficient_history"),
        (history([100.0] * 300, symbol="SPY"), "not_applicable"),
    ],
    ids=["absent", "itself", "young", "flat"],
)
def test_beta_is_a_gap_where_there_is_nothing_to_compare_with(benchmark, reason):
    """No benchmark, the instrument itself, a benchmark too young or one that never moved give no beta, each for its reason."""
    book = price_book(snapshot_of(history(repeated([0.02, -0.01], 300)), benchmark=benchmark))

    assert reasons(book)["price.beta_1y"] == reason


def test_prices_after_the_as_of_day_are_refused():
    """A snapshot that was not cut cannot slip later prices into the book."""
    with pytest.raises(ValueError, match="known_at"):
        price_book(snapshot_of(history(growing(300))), as_of=AS_OF - timedelta(days=1))
