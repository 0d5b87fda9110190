"""A value as readers see it: scaled, rounded, with unit and currency, in the report's language."""

from collections.abc import Callable
from datetime import date

from crew.domain.evidence import Evidence, Unit

NBSP = "\u00a0"
MINUS = "\u2212"

_SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "BRL": "R$", "INR": "₹", "TRY": "₺", "CNY": "CN¥", "KRW": "₩"}
_MONTHS = {
    "en": ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"],
    "pt-BR": ["janeiro", "fevereiro", "março", "abril", "maio", "junho", "julho", "agosto", "setembro", "outubro", "novembro", "dezembro"],
    "es": ["enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre"],
}
_SCALES: dict[str, tuple[tuple[float, float, str, str], ...]] = {
    "en": ((1e12, 1e12, "trillion", "trillion"), (1e9, 1e9, "billion", "billion"), (1e6, 1e6, "million", "million")),
    "pt-BR": ((1e12, 1e12, "trilhão", "trilhões"), (1e9, 1e9, "bilhão", "bilhões"), (1e6, 1e6, "milhão", "milhões")),
    "es": ((1e12, 1e12, "billón", "billones"), (1e6, 1e6, "millón", "millones")),
}
_UNITS = {
    "shares": {"en": ("share", "shares"), "pt-BR": ("ação", "ações"), "es": ("acción", "acciones")},
    "days": {"en": ("day", "days"), "pt-BR": ("dia", "dias"), "es": ("día", "días")},
}


def format_figure(item: Evidence, language: str = "en") -> str:
    """The evidence's value for readers: `$416.2 billion`, `27.0 %`, `12.3×`, `12 March 2026`."""
    return format_value(item.value, item.unit, item.currency, language)


def format_value(value: float | str, unit: Unit, currency: str | None = None, language: str = "en") -> str:
    """A value of `unit` (percent in percent, currency in major units of `currency`) for readers of `language`."""
    if isinstance(value, str):
        return format_date(date.fromisoformat(value), language) if unit == "date" else value
    sign = MINUS if round(value, 10) < 0 else ""
    text = _FORMATS[unit](abs(value), currency, language)
    return f"{sign}{text}" if any(character in "123456789" for character in text) else text


def format_date(day: date, language: str = "en") -> str:
    """`12 March 2026`, `12 de março de 2026`, `12 de marzo de 2026`."""
    month = _MONTHS.get(language, _MONTHS["en"])[day.month - 1]
    return f"{day.day} {month} {day.year}" if language not in {"pt-BR", "es"} else f"{day.day} de {month} de {day.year}"


def format_number(value: float, decimals: int, language: str = "en") -> str:
    """A plain number with the language's decimal and thousands signs; negative with a minus sign."""
    text = f"{abs(value):,.{decimals}f}"
    if language in {"pt-BR", "es"}:
        text = text.translate(str.maketrans(",.", ".,"))
    negative = value < 0 and any(character in "123456789" for character in text)
    return f"{MINUS}{text}" if negative else text


def short_amount(value: float, currency: str | None, language: str = "en") -> str:
    """An amount for a chart's axis: `$416 bn` scaled by thousands, with at most three digits before the decimal sign."""
    for factor, letter in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "K")):
        if abs(value) >= factor:
            scaled = value / factor
            text = format_number(scaled, 0 if abs(scaled) >= 10 or scaled == int(scaled) else 1, language)
            return _with_symbol(text, currency, language) + f"{NBSP}{letter}"
    return _with_symbol(format_number(value, 0 if abs(value) >= 10 or value == 0 else 1, language), currency, language)


def _currency(value: float, currency: str | None, language: str) -> str:
    return _with_symbol(_scaled(value, language, decimals=2), currency, language)


def _per_share(value: float, currency: str | None, language: str) -> str:
    decimals = 0 if value >= 10_000 else 2 if value >= 0.1 or value == 0 else 4
    return _with_symbol(format_number(value, decimals, language), currency, language)


def _with_symbol(text: str, currency: str | None, language: str) -> str:
    if currency is None:
        return text
    symbol = "US$" if currency == "USD" and language != "en" else _SYMBOLS.get(currency, currency)
    gap = NBSP if language != "en" or symbol.isalpha() else ""
    return f"{MINUS}{symbol}{gap}{text[1:]}" if text.startswith(MINUS) else f"{symbol}{gap}{text}"


def _scaled(value: float, language: str, *, decimals: int) -> str:
    """`416.2 billion` from a million upwards, the plain number below it."""
    for threshold, divisor, one, many in _SCALES.get(language, _SCALES["en"]):
        if value >= threshold * 0.99995:
            scaled = value / divisor
            places = 0 if scaled >= 1_000 else 1 if scaled >= 10 else 2
            number = format_number(scaled, places, language)
            return f"{number}{NBSP}{one if scaled < 2 and language == 'pt-BR' else many}"
    return format_number(value, 0 if value >= 10_000 else decimals, language)


def _counted(unit: str) -> Callable[[float, str | None, str], str]:
    def form(value: float, _: str | None, language: str) -> str:
        one, many = _UNITS[unit].get(language, _UNITS[unit]["en"])
        joint = " de " if value >= 1e6 and language != "en" else NBSP
        number = _scaled(value, language, decimals=0 if value == int(value) else 1)
        return f"{number}{joint}{one if value == 1 else many}"

    return form


_FORMATS: dict[str, Callable[[float, str | None, str], str]] = {
    "currency": _currency,
    "currency_per_share": _per_share,
    "percent": lambda value, _, language: f"{format_number(value, 2 if 0 < value < 0.95 else 1, language)}{NBSP}%",
    "ratio": lambda value, _, language: format_number(value, 2, language),
    "multiple": lambda value, _, language: f"{format_number(value, 2 if 0 < value < 0.95 else 1, language)}×",
    "shares": _counted("shares"),
    "count": lambda value, _, language: _scaled(value, language, decimals=0 if value == int(value) else 1),
    "days": _counted("days"),
    "points": lambda value, _, language: format_number(value, 1, language),
    "index": lambda value, _, language: format_number(value, 1, language),
    "date": lambda value, _, language: format_number(value, 0, language),
    "text": lambda value, _, language: format_number(value, 2, language),
}
