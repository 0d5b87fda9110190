"""Axes: round tick values and the mapping from data to drawing units."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """A linear axis from data `low`..`high` to drawing units `start`..`end` (which may run backwards)."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """The place of `value`, rounded to a tenth of a drawing unit."""
        span = self.high - self.low
        share = 0.5 if span == 0 else (value - self.low) / span
        return round(self.start + share * (self.end - self.start), 1)


def ticks(low: float, high: float, count: int = 6) -> list[float]:
    """About `count` round values that lie within `low`..`high`."""
    if not high > low:
        return [low]
    raw = (high - low) / count
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= raw * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(index * step, 12) for index in range(first, last + 1)]


def padded(low: float, high: float, share: float = 0.06) -> tuple[float, float]:
    """The range widened on both sides, so that no line touches the frame."""
    margin = (high - low) * share or abs(high) * share or 1.0
    return low - margin, high + margin
