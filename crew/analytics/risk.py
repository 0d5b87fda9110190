"""Risk and return measures as pure functions on arrays of simple per-period returns (0.01 is one percent).

A measure that is undefined (fewer than two returns, no spread to divide by) is NaN; callers state it as a gap.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# A spread this small is rounding in the last digits of the prices, not risk.
_NO_SPREAD = 1e-12


class Drawdown(NamedTuple):
    """The deepest fall as a fraction in [-1, 0]. Positions count values of wealth: 0 is the start, n is after the n-th return."""

    depth: float
    peak: int
    trough: int


def simple_returns(prices: Floats) -> Floats:
    """Relative change from each price to the next; one shorter than `prices`."""
    return prices[1:] / prices[:-1] - 1.0


def deviation(returns: Floats) -> float:
    """Sample standard deviation; zero where the spread is only rounding."""
    if len(returns) < 2:
        return math.nan
    spread = float(returns.std(ddof=1))
    return spread if spread > _NO_SPREAD else 0.0


def volatility(returns: Floats, *, periods_per_year: int = 252) -> float:
    """Sample standard deviation × √periods, as a fraction per year."""
    return deviation(returns) * math.sqrt(periods_per_year)


def sharpe(returns: Floats, *, risk_free: float = 0.0, periods_per_year: int = 252) -> float:
    """Mean excess return ÷ its sample deviation × √periods. `risk_free` is per period."""
    excess = returns - risk_free
    spread = deviation(excess)
    return float(excess.mean()) / spread * math.sqrt(periods_per_year) if spread > 0.0 else math.nan


def sortino(returns: Floats, *, risk_free: float = 0.0, periods_per_year: int = 252) -> float:
    """Mean excess return ÷ root mean square of the negative excess returns × √periods. `risk_free` is per period."""
    if len(returns) < 2:
        return math.nan
    excess = returns - risk_free
    downside = math.sqrt(float(np.square(np.minimum(excess, 0.0)).mean()))
    return float(excess.mean()) / downside * math.sqrt(periods_per_year) if downside > _NO_SPREAD else math.nan


def drawdowns(returns: Floats) -> Floats:
    """Fall of wealth below its highest value so far, as fractions in [-1, 0]; starts with 0 for the 1.0 before the first return."""
    wealth = np.concatenate(([1.0], np.cumprod(1.0 + returns)))
    return wealth / np.maximum.accumulate(wealth) - 1.0


def max_drawdown(returns: Floats) -> Drawdown:
    """The deepest fall from a peak, the peak before it and its trough; the start at 1.0 counts as a peak."""
    wealth = np.concatenate(([1.0], np.cumprod(1.0 + returns)))
    falls = wealth / np.maximum.accumulate(wealth) - 1.0
    trough = int(falls.argmin())
    return Drawdown(float(falls[trough]), int(wealth[: trough + 1].argmax()), trough)


def cagr(growth: float, years: float) -> float:
    """Growth per year that compounds to `growth` (end ÷ start) over `years`, as a fraction."""
    return growth ** (1.0 / years) - 1.0 if growth > 0.0 and years > 0.0 else math.nan


def calmar(annual_return: float, depth: float) -> float:
    """Annual return ÷ size of the deepest fall; NaN when there was no fall."""
    return annual_return / abs(depth) if abs(depth) > _NO_SPREAD else math.nan


def value_at_risk(returns: Floats, cutoff: float = 0.05) -> float:
    """The `cutoff` quantile of the returns, linear between neighbours: a loss shows as a negative number."""
    return float(np.quantile(returns, cutoff)) if len(returns) else math.nan


def beta(asset: Floats, market: Floats) -> float:
    """Covariance of both return series ÷ variance of the market's."""
    if len(asset) < 2 or deviation(market) == 0.0:
        return math.nan
    market_moves = market - market.mean()
    return float(((asset - asset.mean()) * market_moves).sum() / np.square(market_moves).sum())


def alpha(asset: Floats, market: Floats, *, risk_free: float = 0.0, periods_per_year: int = 252) -> float:
    """Mean excess return that beta does not explain, compounded to a year, as a fraction. `risk_free` is per period."""
    per_period = float((asset - risk_free).mean()) - beta(asset, market) * float((market - risk_free).mean())
    return float((1.0 + per_period) ** periods_per_year - 1.0)


def correlation(asset: Floats, market: Floats) -> float:
    """Pearson's correlation of both return series, -1 to 1."""
    if len(asset) < 2 or deviation(asset) == 0.0 or deviation(market) == 0.0:
        return math.nan
    return float(np.corrcoef(asset, market)[0, 1])
