"""The scorecard's rules: one table of what each rule looks at and which values give nothing and everything."""

from dataclasses import dataclass
from typing import Literal

from crew.domain.evidence import Unit
from crew.domain.factsheet import Pillar, Rating

WEIGHTS: dict[Pillar, float] = {"value": 25.0, "quality": 25.0, "growth": 20.0, "momentum": 15.0, "safety": 15.0}

# Lowest total of each rating, best first; below the last it is strong_sell.
BOUNDS: tuple[tuple[Rating, float], ...] = (("strong_buy", 80.0), ("buy", 62.0), ("hold", 40.0), ("sell", 25.0))

# A pillar needs rules worth this share of its points, the card this many pillars.
LEAST_SHARE = 0.5
LEAST_PILLARS = 4


_MARKS: dict[Unit, str] = {"percent": " %", "multiple": "×"}


@dataclass(frozen=True)
class Rule:
    """A figure scored in a straight line: no points at `nothing`, all at `everything`, whichever is larger.

    `figure` is an evidence id; `{year}` stands for the newest fiscal year, `{flow}` for the newest twelve months and
    `{balance}` for the newest balance sheet. `companies` says whom the rule applies to, `unit` is that of the figure.
    """

    pillar: Pillar
    name: str
    figure: str
    nothing: float
    everything: float
    points: float
    companies: Literal["all", "industrial", "financial"] = "all"
    unit: Unit = "percent"

    def score(self, value: float) -> float:
        """Points for `value`."""
        share = (value - self.nothing) / (self.everything - self.nothing)
        return self.points * min(max(share, 0.0), 1.0)

    def stated(self, subject: str) -> str:
        """The rule in words: `Earnings yield: 0 points at 1 % or less, 20 at 8 % or more, in a straight line between`."""
        mark = _MARKS.get(self.unit, "")
        low, high = ("less", "more") if self.nothing < self.everything else ("more", "less")
        nothing, everything = (f"{value:g}{mark}".replace("-", "−") for value in (self.nothing, self.everything))
        return f"{subject}: 0 points at {nothing} or {low}, {self.points:g} at {everything} or {high}, in a straight line between"


RULES: tuple[Rule, ...] = (
    Rule("value", "earnings_yield", "valuation.earnings_yield", 1.0, 8.0, 20),
    Rule("value", "fcf_yield", "valuation.fcf_yield", 0.0, 8.0, 20, "industrial"),
    Rule("value", "ev_to_ebitda", "valuation.ev_ebitda", 25.0, 7.0, 15, "industrial", "multiple"),
    Rule("value", "price_to_earnings_against_history", "valuation.pe_vs_history", 40.0, -40.0, 15),
    Rule("value", "upside_to_cash_flow_value", "valuation.scenario.expected.upside", -50.0, 50.0, 30, "industrial"),
    Rule("value", "price_to_book", "valuation.pb", 3.0, 0.8, 40, "financial", "multiple"),
    Rule("value", "dividend_yield", "valuation.dividend_yield", 0.0, 5.0, 25, "financial"),
    Rule("quality", "return_on_invested_capital", "returns.roic.{flow}", 4.0, 25.0, 30, "industrial"),
    Rule("quality", "return_on_equity", "returns.roe.{flow}", 5.0, 25.0, 15, "industrial"),
    Rule("quality", "operating_margin", "margin.operating.{flow}", 0.0, 30.0, 20, "industrial"),
    Rule("quality", "cash_conversion", "quality.cash_conversion.{flow}", 50.0, 110.0, 15, "industrial"),
    Rule("quality", "accruals", "quality.accruals.{flow}", 10.0, -5.0, 10, "industrial"),
    Rule("quality", "share_count", "shares.change_yoy.{year}", 4.0, -2.0, 10),
    Rule("quality", "bank_return_on_equity", "returns.roe.{flow}", 4.0, 16.0, 50, "financial"),
    Rule("quality", "bank_return_on_assets", "returns.roa.{flow}", 0.2, 1.4, 30, "financial"),
    Rule("growth", "revenue_growth", "growth.revenue_yoy.{year}", 0.0, 20.0, 30),
    Rule("growth", "revenue_growth_three_years", "growth.revenue_cagr_3y", 0.0, 20.0, 25),
    Rule("growth", "earnings_growth", "growth.eps_yoy.{year}", -5.0, 25.0, 25),
    Rule("growth", "earnings_growth_three_years", "growth.eps_cagr_3y", 0.0, 20.0, 20),
    Rule("momentum", "return_of_a_year", "price.return_1y", -20.0, 40.0, 25),
    Rule("momentum", "return_of_six_months", "price.return_6m", -15.0, 25.0, 20),
    Rule("momentum", "above_200_day_average", "technical.price_vs_sma_200", -10.0, 10.0, 20),
    Rule("momentum", "average_50_over_200_days", "technical.sma_50_vs_200", -5.0, 5.0, 15),
    Rule("momentum", "distance_from_high", "price.from_high_52w", -30.0, -2.0, 20),
    Rule("safety", "net_debt_to_ebitda", "leverage.net_debt_to_ebitda.{flow}", 4.0, 0.0, 30, "industrial", "multiple"),
    Rule("safety", "interest_cover", "leverage.interest_cover.{flow}", 1.5, 12.0, 15, "industrial", "multiple"),
    Rule("safety", "current_ratio", "liquidity.current_ratio.{balance}", 0.6, 1.6, 15, "industrial", "ratio"),
    Rule("safety", "volatility", "price.volatility_1y", 60.0, 18.0, 20),
    Rule("safety", "deepest_fall", "price.max_drawdown_5y", -65.0, -20.0, 20),
    Rule("safety", "equity_ratio", "leverage.equity_ratio.{balance}", 4.0, 10.0, 40, "financial"),
)
