"""Statement lines have one spelling, and splits know which of them to move."""

import pytest
from yfinance import const

from crew.market.line_items import is_per_share, is_share_count, line_item_name


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("Total Revenue", "total_revenue"),
        ("TotalRevenue", "total_revenue"),
        ("EBITDA", "ebitda"),
        ("Normalized EBITDA", "normalized_ebitda"),
        ("Diluted EPS", "diluted_eps"),
        ("Net Income Common Stockholders", "net_income_common_stockholders"),
        ("DilutedNIAvailtoComStockholders", "diluted_ni_availto_com_stockholders"),
        ("Cash, Cash Equivalents & Short-Term Investments", "cash_cash_equivalents_short_term_investments"),
        ("  Gross PPE ", "gross_ppe"),
        ("total_revenue", "total_revenue"),
    ],
)
def test_every_spelling_becomes_snake_case(label: str, name: str) -> None:
    """Titles, run-together names and snake case all become the same snake case."""
    assert line_item_name(label) == name


def test_the_lines_a_split_moves_are_told_from_amounts() -> None:
    """Of all line items that Yahoo Finance knows, exactly those per share and those that count common shares are told apart."""
    known = [line_item_name(label) for labels in const.fundamentals_keys.values() for label in labels]

    assert {name for name in known if is_per_share(name)} == {
        "basic_accounting_change",
        "basic_continuous_operations",
        "basic_discontinuous_operations",
        "basic_eps",
        "basic_eps_other_gains_losses",
        "basic_extraordinary",
        "continuing_and_discontinued_basic_eps",
        "continuing_and_discontinued_diluted_eps",
        "diluted_accounting_change",
        "diluted_continuous_operations",
        "diluted_discontinuous_operations",
        "diluted_eps",
        "diluted_eps_other_gains_losses",
        "diluted_extraordinary",
        "dividend_per_share",
        "normalized_basic_eps",
        "normalized_diluted_eps",
        "reported_normalized_basic_eps",
        "reported_normalized_diluted_eps",
        "tax_loss_carryforward_basic_eps",
        "tax_loss_carryforward_diluted_eps",
    }
    assert {name for name in known if is_share_count(name)} == {
        "basic_average_shares",
        "diluted_average_shares",
        "ordinary_shares_number",
        "share_issued",
        "treasury_shares_number",
    }
