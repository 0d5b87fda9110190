"""Old, missing, broken and outside data: each is used rightly, flagged or named as a gap."""

from datetime import UTC, date, datetime, timedelta

import pytest
from fakes.companies import (
    AS_OF,
    QUARTER_ENDS,
    balance,
    company,
    flags,
    history,
    income,
    instrument,
    reason,
    sheet_of,
    source,
    statement,
    statements,
    weekdays,
    with_lines,
)

from crew.domain.factsheet import FactSheet
from crew.domain.market import AnalystAction, KeyStatistic, NewsItem
from crew.errors import StaleData

NET = 0.135


def close_on(day: date, *, bars: int = 1400) -> float:
    """The made-up company's close of that day."""
    prices = history(bars=bars)
    close = prices.close[prices.dates.index(day)]
    assert close is not None
    return close


def test_a_holiday_uses_the_last_trading_day_and_says_so() -> None:
    """As of a Sunday the last price is Friday's, without any alarm."""
    sunday = date(2026, 4, 12)
    sheet = sheet_of(company(), sunday)

    assert sheet.by_id["price.last"].as_of == date(2026, 4, 10)
    assert sheet.by_id["price.return_1m"].number == pytest.approx(100 * (close_on(date(2026, 4, 10)) / close_on(date(2026, 3, 12)) - 1))
    assert sheet.by_id["valuation.market_cap"].number == pytest.approx(close_on(date(2026, 4, 10)) * 100e6)
    assert flags(sheet)["no_trading_on_day"] == "info"
    assert "stale_prices" not in flags(sheet)


def test_a_day_before_the_first_price_is_refused() -> None:
    """There is nothing to say as of a day without any price."""
    with pytest.raises(StaleData):
        sheet_of(company(), date(2001, 1, 1))


def test_old_prices_are_flagged_and_value_nothing() -> None:
    """Six trading days without a price raise a serious flag, shown first; after three weeks nothing is valued at that price."""
    sheet = sheet_of(company(prices=history(last=AS_OF - timedelta(days=8))))
    older = sheet_of(company(prices=history(last=AS_OF - timedelta(days=21))))

    assert sheet.data_quality.flags[0].code == "stale_prices"
    assert sheet.data_quality.flags[0].severity == "serious"
    assert older.data_quality.flags[0].code == "stale_prices"
    for name in ("valuation.market_cap", "valuation.pe", "valuation.ps", "valuation.dcf.per_share"):
        assert name in sheet.by_id
        assert reason(older, name) == "stale"
    assert older.scorecard.rating == "not_rated"


def test_prices_that_ended_long_before_retrieval_are_flagged_without_a_day() -> None:
    """A delisted share asked for without a day speaks as of its last price, under a serious flag."""
    last = date(2025, 6, 2)
    sheet = sheet_of(company(prices=history(last=last), benchmark=None), None)

    assert sheet.as_of == last
    assert flags(sheet)["stale_prices"] == "serious"


def test_without_a_day_the_sheet_speaks_as_of_its_retrieval() -> None:
    """Retrieved on a weekend, the sheet is as of that day and its last price is Friday's."""
    saturday = datetime(2026, 4, 18, 9, tzinfo=UTC)
    sheet = sheet_of(company(retrieved_at=saturday, prices=history(last=date(2026, 4, 17))), None)

    assert sheet.as_of == date(2026, 4, 18)
    assert sheet.by_id["price.last"].as_of == date(2026, 4, 17)


def test_statements_older_than_eighteen_months_are_flagged_and_value_nothing() -> None:
    """A price of today is not set against earnings of two years ago."""
    old = tuple(part for part in statements() if part.frequency == "annual" and part.period_end.year <= 2023)
    sheet = sheet_of(company(statements=old))

    assert flags(sheet)["stale_statements"] == "serious"
    for name in ("valuation.pe", "valuation.pb", "valuation.market_cap", "valuation.enterprise_value", "valuation.dcf.per_share"):
        assert reason(sheet, name) == "stale"
    assert sheet.by_id["margin.net.FY2023"].number == pytest.approx(13.5)


def test_fewer_than_two_hundred_bars_are_named() -> None:
    """A young listing has no 200-day average and no beta, hence no cash-flow value; its multiples stand."""
    sheet = sheet_of(company(prices=history(bars=120), benchmark=history("SPY", bars=120)))

    assert flags(sheet)["short_history"] == "warning"
    for name in ("technical.sma_200", "price.beta_1y", "valuation.dcf.per_share"):
        assert reason(sheet, name) == "insufficient_history"
    assert sheet.by_id["valuation.pe"].number == pytest.approx(100 / (13.31 * NET))
    closes = history(bars=120).close
    assert sheet.by_id["technical.sma_50"].number == pytest.approx(sum(close or 0 for close in closes[-50:]) / 50)
    assert sheet.by_id["price.return_3m"].number == pytest.approx(100 * (100 / close_on(date(2026, 1, 15), bars=120) - 1))


def test_a_hole_in_the_prices_is_named_with_its_days() -> None:
    """Two months without a price are flagged; figures that do not cross them stay."""
    days = weekdays(AS_OF, 1400)
    full = history()
    kept = [position for position, day in enumerate(days) if not date(2024, 3, 1) <= day <= date(2024, 4, 30)]
    columns = {name: tuple(getattr(full, name)[position] for position in kept) for name in ("dates", "open", "high", "low", "close", "volume")}
    sheet = sheet_of(company(prices=full.model_copy(update=columns)))

    assert flags(sheet)["history_gap"] == "warning"
    assert "2024-02-29" in next(flag.message for flag in sheet.data_quality.flags if flag.code == "history_gap")
    assert sheet.by_id["price.last"].number == pytest.approx(100)
    assert sheet.by_id["price.return_1y"].number == pytest.approx(100 * (100 / close_on(date(2025, 4, 15)) - 1))
    assert sheet.by_id["technical.sma_200"].number == pytest.approx(sum(close or 0 for close in full.close[-200:]) / 200)
    assert sheet.by_id["price.return_3y"].number == pytest.approx(100 * (100 / close_on(date(2023, 4, 14)) - 1))


def test_prices_less_dividends_are_flagged_and_give_no_past_multiples() -> None:
    """Closes from which dividends were taken out were never traded, so past years are not valued with them."""
    sheet = sheet_of(company(prices=history(dividends_in_prices=True)))

    assert flags(sheet)["dividends_in_prices"] == "warning"
    assert "valuation.pe.FY2024" not in sheet.by_id
    assert reason(sheet, "valuation.pe_vs_history") == "insufficient_history"


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("gross_profit", "identity_gross_profit"),
        ("total_assets", "identity_balance"),
        ("free_cash_flow", "identity_free_cash_flow"),
        ("diluted_eps", "identity_eps"),
    ],
)
def test_statements_that_do_not_add_up_are_flagged(line: str, code: str) -> None:
    """A line that is a tenth too large breaks its identity, and the flag cites the figures."""
    sheet = sheet_of(company(statements=with_lines(statements(), {line: 1.1}, ends=(date(2024, 12, 31),))))
    broken = [flag for flag in sheet.data_quality.flags if flag.code == code]

    assert [flag.severity for flag in broken] == ["warning"] * len(broken)
    assert {name.rpartition(".")[2] for flag in broken for name in flag.evidence} == {"FY2024", "Q4-2024"}


def test_signs_of_poor_earnings_are_counted_and_flagged() -> None:
    """Receivables that jump and a growing share count are two signs in that year, each with its figure."""
    newest = (date(2025, 12, 31),)
    parts = with_lines(statements(), {"accounts_receivable": 1.5, "diluted_average_shares": 1.1, "diluted_eps": 1 / 1.1}, ends=newest)
    sheet = sheet_of(company(statements=parts))

    assert sheet.by_id["quality.receivables_over_revenue.FY2025"].number == pytest.approx(55)
    assert sheet.by_id["shares.change_yoy.FY2025"].number == pytest.approx(10)
    assert [sheet.by_id[f"quality.red_flags.{label}"].number for label in ("FY2025", "FY2024")] == [2, 0]
    assert {"earnings_receivables", "earnings_dilution"} <= set(flags(sheet))
    assert "earnings_accruals" not in flags(sheet)


def test_a_figure_the_source_states_otherwise_is_a_conflict() -> None:
    """A payout of four fifths stated beside statements that give 22 % is flagged; one of 22 % is not."""

    def stating(payout: float) -> FactSheet:
        stated = KeyStatistic(name="payout_ratio", value=payout, unit="ratio")
        return sheet_of(company(key_statistics=(stated,), key_statistics_source=source()))

    assert flags(stating(0.8))["source_conflict"] == "warning"
    assert "source_conflict" not in flags(stating(0.22))


def test_half_yearly_statements_are_not_summed_as_quarters() -> None:
    """Interim statements half a year apart give no sum of four quarters; the fiscal year serves, and a flag says why."""
    half = tuple(part for part in statements() if part.frequency == "annual" or part.period_end in {date(2025, 6, 30), QUARTER_ENDS[0]})
    sheet = sheet_of(company(statements=half))

    assert flags(sheet)["uneven_interims"] == "warning"
    assert sheet.by_id["income.revenue.TTM"].inputs == ("income.revenue.FY2025",)


def test_fragments_foreign_and_clashing_statements_are_left_out_by_name() -> None:
    """A statement of one stray line, one in another currency, and one of a second year-end in the same year are not used."""
    odd = (
        statement("income", "annual", date(2021, 12, 31), {"interest_expense": 5.0}),
        statement("balance", "annual", date(2020, 12, 31), balance(1.0), currency="EUR"),
        statement("income", "annual", date(2023, 3, 31), income(7.0)),
    )
    sheet = sheet_of(company(statements=(*statements(), *odd)))

    assert {"statement_fragment", "statement_currency", "statement_clash"} <= set(flags(sheet))
    assert sheet.by_id["income.revenue.FY2023"].number == 1100e6
    assert "income.revenue.FY2021" not in sheet.by_id


def test_a_description_captured_later_is_not_used_for_an_earlier_day() -> None:
    """What a profile of April says may not be known in January; the name is."""
    described = company(instrument=instrument(description="Makes anvils."))

    assert sheet_of(described).by_id["company.description"].value == "Makes anvils."
    assert reason(sheet_of(described, date(2026, 1, 15)), "company.description") == "not_reported"
    assert sheet_of(described, date(2026, 1, 15)).by_id["company.name"].value == "Made Up"


def test_outside_text_is_kept_as_text_without_control_characters() -> None:
    """A headline loses escape sequences and line breaks and is text, never a number."""
    news = (NewsItem(published_at=datetime(2026, 4, 1, 12, tzinfo=UTC), title="Sales\x1b[31m up\n\nagain\u202e 40 %", publisher="Wire"),)
    sheet = sheet_of(company(news=news, news_source=source("news")))

    assert sheet.by_id["news.1"].value == "Sales[31m up again 40 %"
    assert (sheet.by_id["news.1"].kind, sheet.by_id["news.1"].as_of) == ("text", date(2026, 4, 1))


def test_analysts_actions_of_ninety_days_are_counted() -> None:
    """Upgrades, downgrades and changed targets count when they are at most 90 days old."""
    moment = datetime(2026, 4, 10, 14, tzinfo=UTC)
    actions = (
        AnalystAction(at=moment, firm="A", action="up", target=120, prior_target=110),
        AnalystAction(at=moment, firm="B", action="down", target=80, prior_target=90),
        AnalystAction(at=moment, firm="C", action="main", target=100, prior_target=100),
        AnalystAction(at=moment - timedelta(days=200), firm="D", action="up", target=100, prior_target=90),
    )
    sheet = sheet_of(company(analyst_actions=actions, analyst_actions_source=source("actions")))

    counts = {name: sheet.by_id[f"analyst.{name}_90d"].number for name in ("actions", "upgrades", "downgrades", "targets_raised", "targets_lowered")}
    assert counts == {"actions": 3, "upgrades": 1, "downgrades": 1, "targets_raised": 1, "targets_lowered": 1}
