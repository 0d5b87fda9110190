"""How values look: scaled, rounded, with unit and currency, in three languages."""

import pytest
from fakes.report_parts import seen

from crew.report.figures import MINUS, NBSP, format_figure, format_value, short_amount
from crew.report.scale import Scale, padded, ticks


def plain(text: str) -> str:
    """The text with typographic signs made ordinary, so that the cases read well."""
    return text.replace(NBSP, " ").replace(MINUS, "-")


@pytest.mark.parametrize(
    ("value", "unit", "currency", "english", "portuguese", "spanish"),
    [
        (416.161e9, "currency", "USD", "$416.2 billion", "US$ 416,2 bilhões", "US$ 416.161 millones"),
        (3.789e12, "currency", "USD", "$3.79 trillion", "US$ 3,79 trilhões", "US$ 3,79 billones"),
        (1.5e9, "currency", "BRL", "R$1.50 billion", "R$ 1,50 bilhão", "R$ 1.500 millones"),
        (-23.6e9, "currency", "USD", "-$23.6 billion", "-US$ 23,6 bilhões", "-US$ 23.600 millones"),
        (999_999.0, "currency", "EUR", "€1.00 million", "€ 1,00 milhão", "€ 1,00 millones"),
        (12_345.0, "currency", "EUR", "€12,345", "€ 12.345", "€ 12.345"),
        (0.0, "currency", "USD", "$0.00", "US$ 0,00", "US$ 0,00"),
        (5.2e9, "currency", "IDR", "IDR 5.20 billion", "IDR 5,20 bilhões", "IDR 5.200 millones"),
        (255.76, "currency_per_share", "USD", "$255.76", "US$ 255,76", "US$ 255,76"),
        (0.0451, "currency_per_share", "GBP", "£0.0451", "£ 0,0451", "£ 0,0451"),
        (81_500.4, "currency_per_share", "USD", "$81,500", "US$ 81.500", "US$ 81.500"),
        (-1.2, "currency_per_share", "USD", "-$1.20", "-US$ 1,20", "-US$ 1,20"),
        (27.0062, "percent", None, "27.0 %", "27,0 %", "27,0 %"),
        (0.41, "percent", None, "0.41 %", "0,41 %", "0,41 %"),
        (-0.004, "percent", None, "0.00 %", "0,00 %", "0,00 %"),
        (1234.56, "percent", None, "1,234.6 %", "1.234,6 %", "1.234,6 %"),
        (0.8512, "ratio", None, "0.85", "0,85", "0,85"),
        (32.34, "multiple", None, "32.3×", "32,3×", "32,3×"),
        (14.9e9, "shares", None, "14.9 billion shares", "14,9 bilhões de ações", "14.900 millones de acciones"),
        (1.0, "shares", None, "1 share", "1 ação", "1 acción"),
        (41.0, "count", None, "41", "41", "41"),
        (12.0, "days", None, "12 days", "12 dias", "12 días"),
        (2.41, "days", None, "2.4 days", "2,4 dias", "2,4 días"),
        (61.26, "points", None, "61.3", "61,3", "61,3"),
        ("2026-03-12", "date", None, "12 March 2026", "12 de março de 2026", "12 de marzo de 2026"),
        ("Acme", "text", None, "Acme", "Acme", "Acme"),
    ],
)
def test_a_value_reads_as_its_unit_and_language_ask(
    value: float | str, unit: str, currency: str | None, english: str, portuguese: str, spanish: str
) -> None:
    """Every unit has one look in each of the three languages."""
    item = seen("a.b", "A", value, unit, currency=currency)

    assert [plain(format_figure(item, language)) for language in ("en", "pt-BR", "es")] == [english, portuguese, spanish]


def test_an_unknown_language_reads_as_english() -> None:
    """A language the report does not know gets English figures."""
    assert plain(format_value(27.0, "percent", None, "fr")) == "27.0 %"


@pytest.mark.parametrize(("value", "shown"), [(0, "$0"), (950, "$950"), (2.5, "$2.5"), (1_500, "$1.5 K"), (4.1e11, "$410 B"), (-2e6, "-$2 M")])
def test_axis_amounts_are_short(value: float, shown: str) -> None:
    """An axis label is scaled by thousands and has a decimal only where it needs one."""
    assert plain(short_amount(value, "USD")) == shown


def test_ticks_are_round_and_within_the_range() -> None:
    """Tick values are multiples of a round step inside the range, and a single value is its own tick."""
    assert ticks(163, 294) == [175, 200, 225, 250, 275]
    assert ticks(-0.34, 0) == pytest.approx([-0.3, -0.25, -0.2, -0.15, -0.1, -0.05, 0]) or ticks(-0.34, 0) == pytest.approx([-0.3, -0.2, -0.1, 0])
    assert ticks(5, 5) == [5]


def test_a_scale_maps_ends_to_ends_even_backwards() -> None:
    """The ends of the data lie at the ends of the drawing; data without extent lies in the middle."""
    assert (Scale(0, 10, 100, 0)(0), Scale(0, 10, 100, 0)(10), Scale(5, 5, 0, 100)(5)) == (100, 0, 50)
    assert padded(5, 5) != (5, 5)
