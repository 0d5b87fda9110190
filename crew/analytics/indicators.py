"""Technical indicators as pure functions on float arrays, oldest value first.

Every result has the length of its input, with NaN until the first bar at which the indicator is defined and wherever it
is undefined (a flat market has no RSI). Conventions: Wilder averages are seeded with the simple mean, exponential
averages with the simple average of their first window, Bollinger bands use the population deviation.
"""

from itertools import accumulate
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Macd(NamedTuple):
    """The line, its signal and their difference, in units of the price."""

    line: Floats
    signal: Floats
    histogram: Floats


class Bands(NamedTuple):
    """Upper, middle and lower band in units of the price."""

    upper: Floats
    middle: Floats
    lower: Floats


class Stochastic(NamedTuple):
    """Slow %K and %D, 0 to 100."""

    k: Floats
    d: Floats


class DirectionalMovement(NamedTuple):
    """Plus and minus directional indicator and their average index, each 0 to 100."""

    plus: Floats
    minus: Floats
    adx: Floats


def sma(values: Floats, period: int) -> Floats:
    """Simple moving average of the last `period` values."""
    return _aligned(_windows(values, period).mean(axis=1), len(values))


def ema(values: Floats, period: int) -> Floats:
    """Exponential moving average with weight 2 / (period + 1), seeded with the first simple average."""
    return _smoothed(values, period, 2.0 / (period + 1))


def rsi(close: Floats, period: int = 14) -> Floats:
    """Relative strength index, 0 to 100: Wilder's average gain as a share of average gain plus average loss."""
    change = np.diff(close)
    gain = _smoothed(np.maximum(change, 0.0), period, 1.0 / period)
    loss = _smoothed(np.maximum(-change, 0.0), period, 1.0 / period)
    return _aligned(100.0 * _divided(gain, gain + loss), len(close))


def true_range(high: Floats, low: Floats, close: Floats) -> Floats:
    """The largest of high - low and the distances of high and low from the previous close. The first bar has none."""
    before = close[:-1]
    spread = np.maximum(high[1:] - low[1:], np.maximum(np.abs(high[1:] - before), np.abs(low[1:] - before)))
    return _aligned(spread, len(close))


def atr(high: Floats, low: Floats, close: Floats, period: int = 14) -> Floats:
    """Average true range: Wilder's average of the true range, in units of the price."""
    return _aligned(_smoothed(true_range(high, low, close)[1:], period, 1.0 / period), len(close))


def macd(close: Floats, fast: int = 12, slow: int = 26, signal: int = 9) -> Macd:
    """Fast minus slow exponential average, and the exponential average of that difference as its signal."""
    line = ema(close, fast) - ema(close, slow)
    trigger = _aligned(ema(line[slow - 1 :], signal), len(close))
    return Macd(line, trigger, line - trigger)


def bollinger(close: Floats, period: int = 20, width: float = 2.0) -> Bands:
    """Simple moving average and `width` population deviations above and below it."""
    windows = _windows(close, period)
    middle = _aligned(windows.mean(axis=1), len(close))
    spread = _aligned(width * windows.std(axis=1), len(close))
    return Bands(middle + spread, middle, middle - spread)


def stochastic(high: Floats, low: Floats, close: Floats, *, period: int = 14, smooth: int = 3, signal: int = 3) -> Stochastic:
    """Where the close lies between the lowest low and highest high, smoothed by `smooth` bars (%K) and again by `signal` (%D)."""
    top = _windows(high, period).max(axis=1)
    bottom = _windows(low, period).min(axis=1)
    raw = 100.0 * _divided(close[len(close) - len(top) :] - bottom, top - bottom)
    k = sma(raw, smooth)
    return Stochastic(_aligned(k, len(close)), _aligned(sma(k, signal), len(close)))


def adx(high: Floats, low: Floats, close: Floats, period: int = 14) -> DirectionalMovement:
    """Wilder's average directional index: first defined at bar 2 × period - 1, counted from 0."""
    up, down = np.diff(high), -np.diff(low)
    weight = 1.0 / period
    ranges = _smoothed(true_range(high, low, close)[1:], period, weight)
    plus = 100.0 * _quotient_or_zero(_smoothed(np.where(up > down, np.maximum(up, 0.0), 0.0), period, weight), ranges)
    minus = 100.0 * _quotient_or_zero(_smoothed(np.where(down > up, np.maximum(down, 0.0), 0.0), period, weight), ranges)
    direction = 100.0 * _quotient_or_zero(np.abs(plus - minus), plus + minus)
    average = _smoothed(direction[period - 1 :], period, weight)
    return DirectionalMovement(_aligned(plus, len(close)), _aligned(minus, len(close)), _aligned(average, len(close)))


def _windows(values: Floats, period: int) -> Floats:
    if len(values) < period:
        return np.empty((0, period))
    return sliding_window_view(values, period)


def _aligned(tail: Floats, length: int) -> Floats:
    """`tail` at the end of an array of `length`, NaN before it."""
    out = np.full(length, np.nan)
    if len(tail):
        out[length - len(tail) :] = tail
    return out


def _smoothed(values: Floats, period: int, weight: float) -> Floats:
    """Recursive average: seeded with the mean of the first `period` values, then moved by `weight` towards each value."""
    if len(values) < period:
        return np.full(len(values), np.nan)
    seed = float(values[:period].mean())
    path = accumulate(values[period:].tolist(), lambda state, value: state + weight * (value - state), initial=seed)
    return _aligned(np.fromiter(path, dtype=np.float64), len(values))


def _divided(numerator: Floats, denominator: Floats) -> Floats:
    """Elementwise quotient, NaN where the denominator is zero."""
    quotient: Floats = np.divide(numerator, denominator, out=np.full(len(numerator), np.nan), where=denominator != 0.0)
    return quotient


def _quotient_or_zero(numerator: Floats, denominator: Floats) -> Floats:
    """Elementwise quotient, zero where nothing moved: no movement has no direction. NaN stays NaN."""
    quotient: Floats = np.divide(numerator, denominator, out=np.zeros(len(numerator)), where=denominator != 0.0)
    return quotient
