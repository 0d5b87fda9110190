"""Bringing amounts of the statements' currency into that of the listing, by a stated rate, or saying why that cannot be done."""

from datetime import date

from crew.analytics.figures import Figures
from crew.domain.market import FxRate, MarketSnapshot

MAX_AGE_DAYS = 10


class Exchange:
    """The way from the reporting currency to the listing's.

    `needed` is False where both are the same. Rates are entered as evidence `fx.CNY-USD.…` (listing units for one reporting
    unit) when first used.
    """

    def __init__(self, figures: Figures, snapshot: MarketSnapshot, reporting: str) -> None:
        self.figures = figures
        self.listing = snapshot.instrument.currency
        self.reporting = reporting
        self.needed = reporting != self.listing
        self._rates = snapshot.fx

    def rate(self, day: date, period: str = "spot") -> str:
        """The key of the rate of `day`. It is a gap when no rate of the ten days up to `day` is known; empty when none is needed."""
        if not self.needed:
            return ""
        book = self.figures.book
        key = f"fx.{self.reporting}-{self.listing}" + ("" if period == "spot" else f".{period}")
        if book.has(key) or book.find_gap(key) is not None:
            return key
        label = f"Price of one {self.reporting} in {self.listing}"
        direct = self._newest(self.reporting, self.listing, day)
        inverse = self._newest(self.listing, self.reporting, day)
        if direct is not None:
            book.observe(key, label, direct.rate, "ratio", source=direct.source, field=f"rate@{direct.on}", period=period, as_of=direct.on)
        elif inverse is not None and inverse.rate > 0:
            stated = f"fx.{self.listing}-{self.reporting}" + ("" if period == "spot" else f".{period}")
            book.observe(
                stated,
                f"Price of one {self.listing} in {self.reporting}",
                inverse.rate,
                "ratio",
                source=inverse.source,
                field=f"rate@{inverse.on}",
                period=period,
                as_of=inverse.on,
            )
            self.figures.derive(key, label, "ratio", lambda rate: 1 / rate, (stated,), formula="1 ÷ stated rate", period=period, as_of=inverse.on)
        else:
            detail = f"statements are in {self.reporting}, the price in {self.listing}, and no rate of the {MAX_AGE_DAYS} days up to {day} is known"
            book.gap(key, label, "unit_mismatch", detail)
        return key

    def _newest(self, base: str, quote: str, day: date) -> FxRate | None:
        usable = [item for item in self._rates if item.base == base and item.quote == quote and 0 <= (day - item.on).days <= MAX_AGE_DAYS]
        return max(usable, key=lambda item: item.on, default=None)
