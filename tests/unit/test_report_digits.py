"""Which digits in prose are figures and which belong to names."""

import pytest

from crew.domain.digits import names_with_digits, unbound_digits

NAMES = names_with_digits(
    ["Acme sells the iPhone 17, the H100 and a Model 3.", "Shares jump 5% to 300 in 2026 after Acme 2026 outlook", "Profit of 12bn at 3x"]
)


@pytest.mark.parametrize(
    "text",
    [
        "Revenue was [[income.revenue.FY2025]] in the year.",
        "It is part of the S&P 500 and of the Nasdaq-100.",
        "The 10-K and the 8-K/A say so.",
        "The 52-week high and the 200-day average.",
        "Perto da máxima de 52 semanas e da média de 200 dias.",
        "Q3 was better than Q2; H1 was weak.",
        "The iPhone 17, the H100 and the Model 3 sell well.",
        "After COVID-19 demand for 5G rose.",
        "No digits at all.",
    ],
)
def test_names_with_digits_are_not_figures(text: str) -> None:
    """Citations, index, form and period names, and names out of the sheet's own texts pass."""
    assert unbound_digits(text, NAMES) == []


@pytest.mark.parametrize(
    ("text", "loose"),
    [
        ("Revenue rose 12 % to [[income.revenue.TTM]].", "12"),
        ("It fell by 5%.", "5%."),
        ("The price is $300.", "$300."),
        ("By 2026 it doubles.", "2026"),
        ("Profit of 12bn.", "12bn."),
        ("At 3x earnings.", "3x"),
        ("It rose \uff11\uff12 percent.", "12"),
        ("It rose \u0661\u0662 percent.", "\u0661\u0662"),
        ("A half is \u00bd of it.", "1\u20442"),
        ("The iPhone 175 sells.", "175"),
        ("The iPhone 17.5 sells.", "17.5"),
        ("The S&P 5000 rose.", "5000"),
        ("It fell for 10 days.", "10"),
        ("The 521-day low.", "521-day"),
        ("Revenue was [income.revenue 2025].", "2025]."),
        ("It is worth [[price.last]]0 dollars.", "0"),
    ],
)
def test_figures_are_found_however_they_are_written(text: str, loose: str) -> None:
    """A figure outside a citation is found: any script, glued to a unit, a name or a citation."""
    assert loose in unbound_digits(text, NAMES)


def test_figures_in_headlines_do_not_become_names() -> None:
    """Percentages, amounts, multiples and years in outside text give no licence to state them."""
    assert {"iPhone 17", "H100", "Model 3"} <= NAMES
    assert not {name for name in NAMES if "300" in name or "2026" in name or "12bn" in name or "3x" in name or "5%" in name}
