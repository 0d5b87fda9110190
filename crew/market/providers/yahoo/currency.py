"""Currencies as Yahoo spells them: minor units such as pence, and the pair that gives a rate."""

MINOR_UNITS = {"GBp": ("GBP", 100), "GBX": ("GBP", 100), "ZAc": ("ZAR", 100), "ZAX": ("ZAR", 100), "ILA": ("ILS", 100), "ILX": ("ILS", 100)}
QUOTING_ORDER = ("EUR", "GBP", "AUD", "NZD", "USD", "CAD", "CHF")


def major_unit(quoted: str) -> tuple[str, int]:
    """Return the ISO code of the major unit and how many quoted units make one: `GBp` gives `("GBP", 100)`."""
    return MINOR_UNITS.get(quoted, (quoted.upper(), 1))


def pair_symbol(one: str, other: str) -> str:
    """Yahoo's symbol for the rate of two currencies, quoted as the market does, which is where Yahoo has the most digits."""
    ranks = {code: rank for rank, code in enumerate(QUOTING_ORDER)}
    base, quote = sorted((one, other), key=lambda code: (ranks.get(code, len(ranks)), code))
    return f"{base}{quote}=X"


def pair_of(symbol: str) -> tuple[str, str]:
    """The `(base, quote)` of a symbol made by `pair_symbol`: one unit of base costs so many of quote."""
    return symbol[:3], symbol[3:6]
