"""Risk evidence on daily total returns: volatility, Sharpe, Sortino, worst days, drawdowns, and what moves with the benchmark."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from crew.analytics import risk
from crew.analytics.bar_evidence import BarLedger, Name
from crew.analytics.bars import LONGEST_CLOSURE_DAYS, WINDOW_WORDS, Shortfall, Window

Floats = NDArray[np.float64]

SHORT_DAYS = 30
# A benchmark of shares has no more days than its exchange, so that common days are trading days.
MARKET_PERIODS = 252

_SHORT = Name("price.volatility_30d", "Volatility, 30 trading days")
_VOLATILITY = Name("price.volatility_1y", "Volatility, 1 year")
_VAR = Name("price.var_95_1y", "Daily return that 19 of 20 days stay above, 1 year")
_WORST = Name("price.worst_day_1y", "Worst day, 1 year")
_BEST = Name("price.best_day_1y", "Best day, 1 year")
_POSITIVE = Name("price.positive_days_1y", "Share of days with a gain, 1 year")
_SHARPE = Name("price.sharpe_1y", "Sharpe ratio, 1 year")
_SORTINO = Name("price.sortino_1y", "Sortino ratio, 1 year")
_PEAK = Name("price.max_drawdown_peak_date", "Peak before the deepest fall, 5 years")
_TROUGH = Name("price.max_drawdown_trough_date", "Trough of the deepest fall, 5 years")
_BETA = Name("price.beta_1y", "Beta, 1 year")
_CORRELATION = Name("price.correlation_1y", "Correlation with the benchmark, 1 year")
_ALPHA = Name("price.alpha_1y", "Alpha, 1 year")
_BENCHMARK = Name("benchmark.total_return_1y", "Benchmark's total return with dividends, 1 year")
_RELATIVE = Name("price.relative_return_1y", "Total return above the benchmark's, 1 year")

_FLAT = "one of the two did not move"
_KEPT = "; a return across a missing close is left out"
_WEALTH = "(wealth ÷ highest wealth so far in the window − 1) × 100"
_REINVESTED = ", wealth being the value of the first close with dividends reinvested"


class _Pair(NamedTuple):
    """Total returns of instrument and benchmark over the same days, the evidence they come from, and what to call them."""

    asset: Floats
    market: Floats
    inputs: tuple[str, ...]
    words: str


class _Sample(NamedTuple):
    """Daily total returns and the evidence they come from."""

    returns: Floats
    inputs: tuple[str, ...]


def enter_risk(ledger: BarLedger, risk_free_id: str) -> None:
    """Enter everything that needs no benchmark. `risk_free_id` names a yearly rate in percent in the book."""
    _enter_short_volatility(ledger)
    with ledger.withholding(_VOLATILITY, _VAR, _WORST, _BEST, _POSITIVE, _SHARPE, _SORTINO):
        sample = _year_of_returns(ledger)
        _enter_year(ledger, sample)
        _enter_ratios(ledger, sample, risk_free_id)
    for period in ("1y", "5y"):
        _enter_drawdown(ledger, period)
        _enter_calmar(ledger, period)


def enter_market_risk(ledger: BarLedger, benchmark: BarLedger | None, risk_free_id: str) -> None:
    """Enter beta, correlation, alpha and relative return against the benchmark, over the days on which both have a close.

    Beta and correlation stand across currencies, each return in its own; a difference of returns does not and is withheld.
    """
    with ledger.withholding(_BETA, _CORRELATION, _ALPHA, _BENCHMARK, _RELATIVE):
        if benchmark is None:
            raise Shortfall("not_reported", "there are no prices of a benchmark")
        if benchmark.bars.symbol == ledger.bars.symbol:
            raise Shortfall("not_applicable", "the instrument is the benchmark")
        own, theirs = ledger.window("1y"), benchmark.window("1y")
        with ledger.withholding(_RELATIVE):
            _enter_relative(ledger, benchmark, theirs)
        pair = _aligned_returns(ledger, benchmark, own, theirs)
        _enter_beta(ledger, pair)
        _require_one_currency(ledger, benchmark)
        _enter_alpha(ledger, pair, risk_free_id)


def _require_one_currency(ledger: BarLedger, benchmark: BarLedger) -> None:
    if ledger.currency != benchmark.currency:
        raise Shortfall("unit_mismatch", f"its returns are in {ledger.currency}, those of {benchmark.bars.symbol} in {benchmark.currency}")


def _enter_beta(ledger: BarLedger, pair: _Pair) -> None:
    beta, correlation = risk.beta(pair.asset, pair.market), risk.correlation(pair.asset, pair.market)
    formula = f"covariance with the benchmark ÷ variance of the benchmark, {pair.words}"
    ledger.figure(_BETA, beta, "ratio", formula=formula, inputs=pair.inputs, period="1y", undefined=_FLAT)
    formula = f"Pearson's correlation, {pair.words}"
    ledger.figure(_CORRELATION, correlation, "ratio", formula=formula, inputs=pair.inputs, period="1y", undefined=_FLAT)


def _enter_alpha(ledger: BarLedger, pair: _Pair, risk_free_id: str) -> None:
    rate = ledger.require(risk_free_id)
    daily = (1 + rate / 100) ** (1 / MARKET_PERIODS) - 1
    alpha = risk.alpha(pair.asset, pair.market, risk_free=daily, periods_per_year=MARKET_PERIODS) * 100
    compounded = f"((1 + mean(return − rate) − beta × mean(return of the benchmark − rate)) ^ {MARKET_PERIODS} − 1) × 100"
    formula = f"{compounded}, {pair.words}, rate = (1 + {risk_free_id} ÷ 100) ^ (1 ÷ {MARKET_PERIODS}) − 1"
    ledger.figure(_ALPHA, alpha, "percent", formula=formula, inputs=(_BETA.id, *pair.inputs, risk_free_id), period="1y", undefined=_FLAT)


def _enter_short_volatility(ledger: BarLedger) -> None:
    with ledger.withholding(_SHORT):
        window = ledger.last_bars(SHORT_DAYS + 1)
        if not ledger.bars.adjacent[-SHORT_DAYS:].all():
            raise Shortfall("not_reported", f"closes are missing among the last {SHORT_DAYS + 1} trading days")
        returns = ledger.bars.growth[-SHORT_DAYS:] - 1
        value = risk.volatility(returns, periods_per_year=ledger.periods_per_year) * 100
        formula = f"sample standard deviation of the last {SHORT_DAYS} daily total returns × √{ledger.periods_per_year} × 100"
        ledger.figure(_SHORT, value, "percent", formula=formula, inputs=ledger.total_return_span(window), period="30d")


def _year_of_returns(ledger: BarLedger) -> _Sample:
    """The last year's daily returns whose two closes stand on successive bars."""
    window = ledger.window("1y")
    returns = ledger.bars.growth[window.first : window.last] - 1
    kept = returns[ledger.bars.adjacent[window.first + 1 : window.last + 1]]
    _require_enough(len(kept), ledger.periods_per_year)
    return _Sample(kept, ledger.total_return_span(window))


def _require_enough(count: int, expected: int) -> None:
    needed = expected * 4 // 5
    if count < needed:
        raise Shortfall("insufficient_history", f"{count} daily returns in the window, {needed} needed")


def _enter_year(ledger: BarLedger, sample: _Sample) -> None:
    returns, periods = sample.returns, ledger.periods_per_year
    spread = risk.volatility(returns, periods_per_year=periods)
    rows = (
        (_VOLATILITY, spread, f"sample standard deviation of daily total returns × √{periods} × 100"),
        (_VAR, risk.value_at_risk(returns), "5 % quantile of daily total returns × 100, linear between neighbours"),
        (_WORST, float(returns.min()), "lowest daily total return × 100"),
        (_BEST, float(returns.max()), "highest daily total return × 100"),
        (_POSITIVE, float((returns > 0.0).mean()), "days with a total return above zero ÷ days × 100"),
    )
    for name, value, formula in rows:
        ledger.figure(name, value * 100, "percent", formula=formula + _KEPT, inputs=sample.inputs, period="1y")


def _enter_ratios(ledger: BarLedger, sample: _Sample, risk_free_id: str) -> None:
    periods = ledger.periods_per_year
    daily = (1 + ledger.require(risk_free_id) / 100) ** (1 / periods) - 1
    excess = f"excess = daily total return − ((1 + {risk_free_id} ÷ 100) ^ (1 ÷ {periods}) − 1){_KEPT}"
    inputs = (*sample.inputs, risk_free_id)
    sharpe = risk.sharpe(sample.returns, risk_free=daily, periods_per_year=periods)
    formula = f"mean excess ÷ sample standard deviation of excess × √{periods}, {excess}"
    ledger.figure(_SHARPE, sharpe, "ratio", formula=formula, inputs=inputs, period="1y", undefined="the returns do not vary")
    sortino = risk.sortino(sample.returns, risk_free=daily, periods_per_year=periods)
    formula = f"mean excess ÷ √(mean of min(excess, 0)²) × √{periods}, {excess}"
    ledger.figure(_SORTINO, sortino, "ratio", formula=formula, inputs=inputs, period="1y", undefined="no return was below the risk-free rate")


def _enter_drawdown(ledger: BarLedger, period: str) -> None:
    depth = Name(f"price.max_drawdown_{period}", f"Deepest fall, {WINDOW_WORDS[period]}")
    now = Name(f"price.drawdown_now_{period}", f"Fall from the highest value so far, {WINDOW_WORDS[period]}")
    days = (_PEAK, _TROUGH) if period == "5y" else ()
    with ledger.withholding(depth, now, *days):
        window = ledger.window(period)
        returns = ledger.bars.growth[window.first : window.last] - 1
        worst = risk.max_drawdown(returns)
        inputs = ledger.total_return_span(window)
        ledger.figure(depth, worst.depth * 100, "percent", formula=f"lowest {_WEALTH}{_REINVESTED}", inputs=inputs, period=period)
        current = float(risk.drawdowns(returns)[-1])
        ledger.figure(now, current * 100, "percent", formula=f"{_WEALTH} on the last day{_REINVESTED}", inputs=inputs, period=period)
        if days and worst.depth == 0.0:
            raise Shortfall("not_applicable", "its value never fell in the window")
        texts = ("day of the highest wealth before the deepest fall", "day of the lowest wealth in the deepest fall")
        for name, offset, formula in zip(days, (worst.peak, worst.trough), texts, strict=False):
            ledger.day_figure(name, window.first + offset, formula=formula, inputs=(depth.id, *inputs), period=period)


def _enter_calmar(ledger: BarLedger, period: str) -> None:
    name = Name(f"price.calmar_{period}", f"Calmar ratio, {WINDOW_WORDS[period]}")
    with ledger.withholding(name):
        gain = "price.total_return_1y" if period == "1y" else f"price.total_cagr_{period}"
        fall = f"price.max_drawdown_{period}"
        value = risk.calmar(ledger.require(gain), ledger.require(fall))
        formula = f"{gain} ÷ size of {fall}"
        ledger.figure(name, value, "ratio", formula=formula, inputs=(gain, fall), period=period, undefined="its value never fell in the window")


def _enter_relative(ledger: BarLedger, benchmark: BarLedger, theirs: Window) -> None:
    gain = (float(benchmark.bars.wealth[theirs.last] / benchmark.bars.wealth[theirs.first]) - 1) * 100
    ends = (benchmark.bar("close", theirs.first), benchmark.bar("close", theirs.last))
    formula = f"(product of (close + dividend) ÷ close before, of {benchmark.bars.symbol} over the window, − 1) × 100"
    benchmark.figure(_BENCHMARK, gain, "percent", formula=formula, inputs=(*ends, *benchmark.total_return_span(theirs)), period="1y")
    _require_one_currency(ledger, benchmark)
    own = "price.total_return_1y"
    formula = f"{own} − {_BENCHMARK.id}, in percentage points"
    ledger.figure(_RELATIVE, ledger.require(own) - gain, "percent", formula=formula, inputs=(own, _BENCHMARK.id), period="1y")


def _aligned_returns(ledger: BarLedger, benchmark: BarLedger, own: Window, theirs: Window) -> _Pair:
    """Total returns of both between successive common days; a hole longer than any closure is left out."""
    mine, other = ledger.bars, benchmark.bars
    days, at_mine, at_other = np.intersect1d(mine.days[own.first :], other.days[theirs.first :], assume_unique=True, return_indices=True)
    kept = np.diff(days) <= LONGEST_CLOSURE_DAYS
    asset = risk.simple_returns(mine.wealth[own.first :][at_mine])[kept]
    market = risk.simple_returns(other.wealth[theirs.first :][at_other])[kept]
    _require_enough(len(asset), MARKET_PERIODS)
    inputs = (*ledger.total_return_span(own), *benchmark.total_return_span(theirs))
    apart = "" if ledger.currency == benchmark.currency else f", in {ledger.currency} and {benchmark.currency}"
    return _Pair(asset, market, inputs, f"daily total returns over the days on which it and {other.symbol} have a close{apart}")
