"""Discounting as pure functions: rates are fractions (0.1 is ten percent), flows are yearly, oldest first."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

# Discounting at less than this above the terminal growth multiplies the last flow by 200 or more: no valuation.
LEAST_SPREAD = 0.005
_STEPS = 200


class Worth(NamedTuple):
    """The value of a stream of flows: that of the stated flows, the terminal value at its end, that value today, and their sum."""

    explicit: float
    terminal_value: float
    terminal: float
    enterprise: float


def npv(rate: float, flows: Sequence[float], *, first_period: int = 0) -> float:
    """Net present value; the first flow is discounted by `first_period` years (0: it is today's; Excel's NPV takes 1)."""
    return sum(flow / (1 + rate) ** period for period, flow in enumerate(flows, start=first_period))


def irr(flows: Sequence[float]) -> float:
    """The rate between -99 % and 1000 % at which the flows are worth nothing, the first one being today's.

    Raises:
        ValueError: the flows have the same sign at both ends of that range, so that no single rate can be named.
    """
    return bisect(lambda rate: npv(rate, flows), -0.99, 10.0)


def terminal_value(last_flow: float, rate: float, growth: float) -> float:
    """Gordon's value, at the time of the last flow, of all flows after it: last flow × (1 + growth) ÷ (rate − growth).

    Raises:
        ValueError: the rate is not above the growth.
    """
    if rate - growth < LEAST_SPREAD:
        raise ValueError("the discount rate must be above the terminal growth by half a point or more")
    return last_flow * (1 + growth) / (rate - growth)


def wacc(*, equity_weight: float, cost_of_equity: float, cost_of_debt: float, tax: float) -> float:
    """Weighted average cost of capital; what is not equity is debt, whose interest saves tax."""
    return equity_weight * cost_of_equity + (1 - equity_weight) * cost_of_debt * (1 - tax)


def free_cash_flow(*, ebit: float, tax: float, depreciation: float, capex: float, working_capital: float) -> float:
    """EBIT after tax + depreciation − capital expenditure − growth of working capital (`capex` as a positive amount)."""
    return ebit * (1 - tax) + depreciation - capex - working_capital


def worth(flows: Sequence[float], rate: float, growth: float) -> Worth:
    """Value today of `flows` at the ends of the coming years and of everything after them, growing at `growth`.

    Raises:
        ValueError: the rate is not above the growth.
    """
    explicit = npv(rate, flows, first_period=1)
    final = terminal_value(flows[-1], rate, growth)
    today = final / (1 + rate) ** len(flows)
    return Worth(explicit, final, today, explicit + today)


def faded_growth(start: float, terminal: float, years: int) -> tuple[float, ...]:
    """Growth of each year, in equal steps from `start` in the first to `terminal` in the last."""
    return tuple(start + (terminal - start) * year / (years - 1) for year in range(years))


def projected(flow: float, growth: Sequence[float]) -> tuple[float, ...]:
    """Flows of the coming years when `flow` grows by each rate in turn."""
    flows = []
    for rate in growth:
        flow *= 1 + rate
        flows.append(flow)
    return tuple(flows)


def bisect(function: Callable[[float], float], low: float, high: float) -> float:
    """The argument between `low` and `high` at which `function` is zero, to the precision of a float.

    Raises:
        ValueError: the function has the same sign at both ends.
    """
    at_low, at_high = function(low), function(high)
    if at_low == 0:
        return low
    if at_high == 0:
        return high
    if (at_low > 0) == (at_high > 0):
        raise ValueError(f"no sign change between {low} and {high}")
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        if (function(middle) > 0) == (at_low > 0):
            low = middle
        else:
            high = middle
    return (low + high) / 2
