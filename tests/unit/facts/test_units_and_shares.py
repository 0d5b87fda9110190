"""Currencies, pence, receipts, share classes, splits and dividends: the units in which price and statements meet."""

from datetime import date, timedelta

import pytest
from fakes.companies import (
    AS_OF,
    SHARES,
    company,
    flags,
    fx,
    history,
    instrument,
    reason,
    sheet_of,
    source,
    split,
    statements,
    with_lines,
)

from crew.domain.market import AnalystConsensus, Dividend, KeyStatistic, MarketSnapshot

NET = 0.135


def foreign(*, implied: float | None = SHARES, rates: bool = True) -> MarketSnapshot:
    """Statements in yuan, price in dollars, seven yuan to the dollar."""
    listed = () if implied is None else (KeyStatistic(name="implied_shares_outstanding", value=implied, unit="shares"),)
    days = tuple(date(2023, 1, 1) + timedelta(days=step) for step in range(0, 1200, 5))
    return company(
        instrument=instrument(reporting_currency="CNY"),
        statements=statements(currency="CNY"),
        fx=fx("USD", "CNY", 7.0, *days, AS_OF) if rates else (),
        key_statistics=listed,
        key_statistics_source=source("key_statistics"),
    )


def test_statements_in_another_currency_are_converted_by_a_stated_rate() -> None:
    """Amounts in yuan count a seventh in dollars, and the rate is among the inputs."""
    sheet = sheet_of(foreign())

    assert sheet.by_id["income.revenue.TTM"].currency == "CNY"
    assert sheet.by_id["fx.CNY-USD"].number == pytest.approx(1 / 7)
    assert sheet.by_id["valuation.market_cap"].number == pytest.approx(1e10)
    assert sheet.by_id["valuation.ps"].number == pytest.approx(1e10 / (1331e6 / 7))
    assert sheet.by_id["valuation.pe"].number == pytest.approx(1e10 / (1331e6 * NET / 7))
    assert sheet.by_id["valuation.fcf_yield"].number == pytest.approx(100 * 133.1e6 / 7 / 1e10)
    assert "fx.CNY-USD" in sheet.by_id["valuation.ps"].inputs
    assert sheet.by_id["valuation.ps.FY2024"].number == pytest.approx(sheet.by_id["valuation.market_cap.FY2024"].number / (1210e6 / 7))
    assert sheet.by_id["margin.net.TTM"].number == pytest.approx(13.5)


def test_the_cash_flow_value_of_a_foreign_company_is_stated_in_the_listings_currency() -> None:
    """Cash flows in yuan are discounted at yuan rates, and the value per share is turned into dollars."""
    sheet = sheet_of(foreign())
    firm, shares = sheet.by_id["valuation.dcf.enterprise_value"], sheet.by_id["valuation.dcf.shares"]

    assert sheet.by_id["valuation.dcf.risk_free_rate"].number == 1.8
    assert firm.currency == "CNY"
    assert sheet.by_id["valuation.dcf.per_share"].currency == "USD"
    assert sheet.by_id["valuation.dcf.per_share"].number == pytest.approx(firm.number / shares.number / 7)


def test_without_a_rate_no_ratio_mixes_two_currencies() -> None:
    """Every multiple is a unit mismatch; what needs one currency only stays."""
    sheet = sheet_of(foreign(rates=False))

    for name in ("valuation.ps", "valuation.pe", "valuation.pb", "valuation.ev_ebitda", "valuation.fcf_yield", "valuation.dcf.per_share"):
        assert reason(sheet, name) == "unit_mismatch"
    assert sheet.by_id["valuation.market_cap"].number == pytest.approx(1e10)
    assert sheet.by_id["returns.roe.TTM"].number == pytest.approx(100 * NET * 1331 / 1270.5)


def test_a_rate_older_than_ten_days_is_not_used() -> None:
    """A rate of three weeks ago does not speak for today."""
    stale = foreign().model_copy(update={"fx": fx("CNY", "USD", 0.14, AS_OF - timedelta(days=21))})

    assert reason(sheet_of(stale), "valuation.ps") == "unit_mismatch"


def test_a_depositary_receipt_stands_for_several_shares() -> None:
    """With eight shares to a receipt the market value is an eighth of price times shares."""
    sheet = sheet_of(foreign(implied=SHARES / 8))

    assert sheet.by_id["shares.per_listed_unit"].number == 8
    assert sheet.by_id["valuation.market_cap"].number == pytest.approx(1e10 / 8)
    assert sheet.by_id["valuation.pe"].number == pytest.approx(1e10 / 8 / (1331e6 * NET / 7))
    assert sheet.by_id["valuation.dcf.shares"].number == pytest.approx(SHARES / 8)


def test_a_foreign_listing_whose_share_basis_is_unknown_is_not_valued() -> None:
    """Without the count of listed units nobody knows how many shares the price buys."""
    sheet = sheet_of(foreign(implied=None))

    assert reason(sheet, "shares.per_listed_unit") == "unit_mismatch"
    assert reason(sheet, "valuation.market_cap") == "unit_mismatch"
    assert reason(sheet, "valuation.pe") == "unit_mismatch"


def test_a_share_class_worth_a_fraction_of_another_is_scaled() -> None:
    """Statements that count the dear class, of which one makes 1,500 listed ones, are brought to the listed class."""
    listed = KeyStatistic(name="implied_shares_outstanding", value=SHARES * 1500, unit="shares")
    sheet = sheet_of(company(key_statistics=(listed,), key_statistics_source=source()))

    assert sheet.by_id["valuation.market_cap"].number == pytest.approx(1500e10)
    assert sheet.by_id["valuation.pe"].number == pytest.approx(1500e10 / (1331e6 * NET))


def test_shares_issued_since_are_a_conflict_and_not_another_unit() -> None:
    """A source that counts a third more shares than the statements' average is flagged; the market value stays that of the statements."""
    listed = KeyStatistic(name="implied_shares_outstanding", value=SHARES * 1.33, unit="shares")
    sheet = sheet_of(company(key_statistics=(listed,), key_statistics_source=source()))

    assert flags(sheet)["source_conflict"] == "warning"
    assert sheet.by_id["valuation.market_cap"].number == pytest.approx(1e10)


def test_a_share_count_of_no_whole_ratio_values_nothing() -> None:
    """Statements that count one and a half shares for each listed one leave the unit unknown."""
    listed = KeyStatistic(name="implied_shares_outstanding", value=SHARES / 1.55, unit="shares")
    sheet = sheet_of(company(key_statistics=(listed,), key_statistics_source=source()))

    assert reason(sheet, "shares.per_listed_unit") == "unit_mismatch"
    assert reason(sheet, "valuation.market_cap") == "unit_mismatch"


def test_a_share_count_of_zero_is_no_market_value() -> None:
    """Statements that state no shares at all make no company worth nothing."""
    sheet = sheet_of(company(statements=with_lines(statements(), {"diluted_average_shares": 0.0})))

    assert reason(sheet, "valuation.market_cap") == "not_applicable"


def test_the_count_of_one_share_class_is_not_used() -> None:
    """Diluted average shares count all classes; the source's count of one class does not touch the market value."""
    one_class = KeyStatistic(name="shares_outstanding", value=SHARES / 2, unit="shares")
    sheet = sheet_of(company(key_statistics=(one_class,), key_statistics_source=source()))

    assert sheet.by_id["valuation.market_cap"].number == pytest.approx(1e10)


def test_a_quote_in_pence_is_stated_in_pounds() -> None:
    """A quote of 10,000 pence, dividends and targets in pence, are 100 pounds, and multiples follow."""
    quoted = history(scale=100.0, dividends=(Dividend(on=AS_OF - timedelta(days=30), amount=250.0),))
    consensus = AnalystConsensus(target_mean=12000.0, target_median=11000.0, source=source("consensus"))
    sheet = sheet_of(
        company(
            instrument=instrument(currency="GBP", minor_units=100, reporting_currency="GBP"),
            statements=statements(currency="GBP"),
            prices=quoted,
            consensus=consensus,
        )
    )

    assert (sheet.by_id["price.last"].number, sheet.by_id["price.last"].currency) == (pytest.approx(100), "GBP")
    assert sheet.by_id["valuation.market_cap"].number == pytest.approx(1e10)
    assert sheet.by_id["valuation.dividend_yield"].number == pytest.approx(2.5)
    assert sheet.by_id["analyst.target_mean"].number == 120
    assert sheet.by_id["analyst.upside_mean"].number == pytest.approx(20)


def test_a_split_in_the_window_changes_no_ratio() -> None:
    """The same company with twice the shares at half the price has the same ratios, and half the value per share."""
    plain = sheet_of(company())
    halved = company(prices=history(scale=0.5, splits=(split(date(2025, 8, 1), 2.0),)), statements=statements(shares=2 * SHARES))
    sheet = sheet_of(halved)

    for name in (
        "valuation.pe",
        "valuation.ps",
        "valuation.market_cap",
        "valuation.pe.FY2023",
        "returns.roe.TTM",
        "shares.change_yoy.FY2025",
        "scorecard.total",
    ):
        assert sheet.by_id[name].number == pytest.approx(plain.by_id[name].number)
    for name in ("price.last", "income.eps_diluted.TTM", "valuation.dcf.per_share"):
        assert sheet.by_id[name].number == pytest.approx(plain.by_id[name].number / 2)


def test_a_later_split_is_undone() -> None:
    """As of a day before the split, price and earnings per share are those that people saw then."""
    before = date(2025, 7, 1)
    plain = sheet_of(company(), before)
    restated = company(prices=history(scale=0.5, splits=(split(date(2025, 8, 1), 2.0),)), statements=statements(shares=2 * SHARES))
    sheet = sheet_of(restated, before)

    for name in ("price.last", "valuation.market_cap", "valuation.pe", "income.eps_diluted.FY2024", "shares.diluted.FY2024"):
        assert sheet.by_id[name].number == pytest.approx(plain.by_id[name].number)


def test_dividends_make_a_yield() -> None:
    """Four quarterly dividends of half a dollar on a price of 100 yield 2 %; one of eighteen months ago does not count."""
    paid = tuple(Dividend(on=AS_OF - timedelta(days=days), amount=0.5) for days in (540, 330, 240, 150, 60))
    sheet = sheet_of(company(prices=history(dividends=paid)))

    assert sheet.by_id["valuation.dividend_yield"].number == pytest.approx(2.0)


def expecting(value: float, **changes: object) -> MarketSnapshot:
    """The made-up company with earnings per share that analysts expect."""
    stated = KeyStatistic(name="forward_eps", value=value, unit="currency_per_share")
    return company(key_statistics=(stated,), key_statistics_source=source("key_statistics"), **changes)


def test_expected_earnings_give_the_forward_multiple() -> None:
    """At 100 a share that is expected to earn 2.5 costs 40 times that; an expected loss has no multiple, and none stated is a gap."""
    sheet = sheet_of(expecting(2.5))

    assert (sheet.by_id["stat.forward_eps"].number, sheet.by_id["stat.forward_eps"].unit) == (2.5, "currency_per_share")
    assert sheet.by_id["valuation.forward_pe"].number == pytest.approx(40)
    assert sheet.by_id["valuation.forward_pe"].inputs == ("price.last", "stat.forward_eps")
    assert reason(sheet_of(expecting(-1.0)), "valuation.forward_pe") == "not_applicable"
    assert reason(sheet_of(company()), "valuation.forward_pe") == "not_reported"


def test_expected_earnings_of_unknown_unit_are_not_used() -> None:
    """In a listing in pence, or in another currency than its statements, nobody says in which unit expected earnings are stated."""
    pence = instrument(currency="GBP", minor_units=100, reporting_currency="GBP")
    for changes in (
        {"instrument": pence, "statements": statements(currency="GBP")},
        {"instrument": instrument(reporting_currency="CNY"), "statements": statements(currency="CNY")},
    ):
        sheet = sheet_of(expecting(2.5, **changes))
        assert reason(sheet, "stat.forward_eps") == "unit_mismatch"
        assert reason(sheet, "valuation.forward_pe") == "unit_mismatch"


def test_expected_earnings_stand_in_the_share_basis_of_the_price() -> None:
    """Captured before a two-for-one split that prices know already, expected earnings of 5 are 2.5 in the price's shares."""
    before = source("key_statistics").model_copy(update={"as_of": AS_OF - timedelta(days=5)})
    later = history(scale=1.0, splits=(split(AS_OF - timedelta(days=2), 2.0),))
    sheet = sheet_of(expecting(5.0, prices=later).model_copy(update={"key_statistics_source": before}))

    assert sheet.by_id["stat.forward_eps"].number == pytest.approx(2.5)
