"""The rules writer's arguments: each fires when its figure passes a stated threshold, and names what would prove it wrong."""

from dataclasses import dataclass
from typing import Any, Literal

from crew.agents.rules_page import Page, cited


@dataclass(frozen=True)
class Argument:
    """One possible argument. It is made when the figure under `stem` is at least `above` or at most `below`.

    `wrong_if` is the threshold, in the unit of the figure, on whose other side the argument falls; `text` cites the figure first.
    """

    stem: str
    side: Literal["bull", "bear"]
    text: str
    strength: int
    wrong_if: float
    above: float | None = None
    below: float | None = None


FUNDAMENTALS = (
    Argument(
        "growth.revenue_yoy.*",
        "bull",
        "Sales are growing at [[growth.revenue_yoy.*]] a year, which leaves room for earnings to follow.",
        4,
        3,
        above=8,
    ),
    Argument(
        "growth.revenue_yoy.*", "bear", "Sales change by only [[growth.revenue_yoy.*]] a year, so earnings have to come from costs.", 3, 6, below=3
    ),
    Argument("margin.operating.*", "bull", "An operating margin of [[margin.operating.*]] points to pricing power.", 4, 18, above=25),
    Argument("margin.operating.*", "bear", "An operating margin of [[margin.operating.*]] leaves little to absorb a bad year.", 3, 12, below=8),
    Argument("margin.net.*", "bull", "The company keeps [[margin.net.*]] of its revenue as profit.", 3, 12, above=20),
    Argument("returns.roic.*", "bull", "Invested capital earns [[returns.roic.*]], well above a usual cost of capital.", 4, 10, above=15),
    Argument("returns.roe.*", "bull", "Shareholders' equity earns [[returns.roe.*]].", 3, 10, above=15),
    Argument("returns.roe.*", "bear", "Shareholders' equity earns only [[returns.roe.*]].", 3, 10, below=8),
    Argument("margin.fcf.*", "bull", "Free cash flow amounts to [[margin.fcf.*]] of revenue, so that profits are backed by cash.", 3, 10, above=15),
    Argument(
        "margin.fcf.*", "bear", "Free cash flow is [[margin.fcf.*]] of revenue: investment takes nearly all the cash that comes in.", 3, 8, below=4
    ),
    Argument(
        "leverage.net_debt_to_ebitda.*",
        "bear",
        "Net debt stands at [[leverage.net_debt_to_ebitda.*]] EBITDA, which narrows the room for error.",
        4,
        2,
        above=3,
    ),
    Argument("valuation.pe", "bear", "At [[valuation.pe]] earnings the shares already ask for years of growth.", 4, 22, above=28),
    Argument("valuation.pe", "bull", "At [[valuation.pe]] earnings the shares do not ask for much growth.", 3, 20, below=15),
    Argument("valuation.dcf.upside", "bull", "The discounted cash flow lies above the price, by [[valuation.dcf.upside]].", 3, 0, above=10),
    Argument("valuation.dcf.upside", "bear", "The discounted cash flow lies apart from the price by [[valuation.dcf.upside]].", 4, 0, below=-10),
    Argument("valuation.fcf_yield", "bear", "A free-cash-flow yield of [[valuation.fcf_yield]] pays little while one waits.", 2, 5, below=3),
    Argument("valuation.pb", "bear", "At [[valuation.pb]] book value the balance sheet is no floor under the shares.", 2, 2, above=3),
)
TECHNICALS = (
    Argument("technical.price_vs_sma_200", "bull", "The price holds above its long average, by [[technical.price_vs_sma_200]].", 4, 0, above=2),
    Argument("technical.price_vs_sma_200", "bear", "The price stands below its long average: [[technical.price_vs_sma_200]].", 4, 0, below=-2),
    Argument("price.return_6m", "bull", "The last half-year brought [[price.return_6m]].", 3, 0, above=8),
    Argument("price.return_6m", "bear", "The last half-year brought [[price.return_6m]].", 3, 0, below=-8),
    Argument("price.return_1y", "bull", "Over a year the shares returned [[price.return_1y]].", 3, 0, above=10),
    Argument("price.return_1y", "bear", "Over a year the shares returned [[price.return_1y]].", 3, 0, below=-5),
    Argument("technical.rsi_14", "bear", "A relative strength index of [[technical.rsi_14]] says that the rise is stretched.", 2, 55, above=70),
    Argument("technical.rsi_14", "bull", "A relative strength index of [[technical.rsi_14]] says that selling is stretched.", 2, 45, below=30),
    Argument("price.volatility_1y", "bear", "Volatility of [[price.volatility_1y]] a year asks for a small position.", 2, 25, above=35),
    Argument("price.from_high_52w", "bear", "The price has come away from its high of the year: [[price.from_high_52w]].", 2, -5, below=-10),
    Argument(
        "technical.macd_histogram", "bull", "Momentum is turning up, with a MACD histogram of [[technical.macd_histogram]].", 1, 0, above=0.0001
    ),
    Argument(
        "technical.macd_histogram", "bear", "Momentum is turning down, with a MACD histogram of [[technical.macd_histogram]].", 1, 0, below=-0.0001
    ),
    Argument("price.sharpe_1y", "bull", "A Sharpe ratio of [[price.sharpe_1y]] over the year paid for the risk taken.", 2, 0.3, above=0.8),
)
ASSET = (
    Argument("price.max_drawdown_5y", "bear", "The deepest fall of the period was [[price.max_drawdown_5y]].", 2, -15, below=-20),
    Argument("price.total_return_1y", "bull", "With dividends the year brought [[price.total_return_1y]].", 2, 0, above=0),
    Argument("price.last", "bull", "The shares last traded at [[price.last]], and no figure here speaks against them more than that.", 1, 0, above=0),
)


def claims(page: Page, arguments: tuple[Argument, ...], *, at_most: int) -> list[dict[str, Any]]:
    """The arguments that the figures make, the strongest first, both sides represented where both have one."""
    made = [claim for argument in arguments if (claim := _claim(page, argument)) is not None]
    made.sort(key=lambda claim: -claim["strength"])
    chosen = made[:at_most]
    for side in ("bull", "bear"):
        if not any(claim["side"] == side for claim in chosen):
            chosen = chosen[: at_most - 1] + [claim for claim in made if claim["side"] == side][:1]
    return chosen


def _claim(page: Page, argument: Argument) -> dict[str, Any] | None:
    text = page.say(argument.text)
    if text is None:
        return None
    id = cited(text)[0]
    value = page.number(id)
    if value is None or not _fires(argument, value):
        return None
    return {
        "text": text,
        "side": argument.side,
        "evidence": cited(text),
        "direction": "up" if value > 0 else "down" if value < 0 else "flat",
        "wrong_if": {"evidence": id, "operator": "<" if argument.above is not None else ">", "threshold": argument.wrong_if},
        "strength": argument.strength,
    }


def _fires(argument: Argument, value: float) -> bool:
    high = argument.above is not None and value >= argument.above and value >= argument.wrong_if
    low = argument.below is not None and value <= argument.below and value <= argument.wrong_if
    return high or low
