"""Every figure that is assumed rather than observed, in one place, each with its reason. Rates are in percent."""

from dataclasses import dataclass
from typing import Literal

# Rounded yields of ten-year government bonds in spring 2026; a currency that is not here gives no Sharpe ratio and no DCF.
RISK_FREE: dict[str, float] = {
    "USD": 4.0,
    "EUR": 2.8,
    "GBP": 4.5,
    "JPY": 2.0,
    "CHF": 0.5,
    "CAD": 3.3,
    "AUD": 4.5,
    "NZD": 4.3,
    "SEK": 2.7,
    "NOK": 4.0,
    "DKK": 2.6,
    "CNY": 1.8,
    "HKD": 3.2,
    "SGD": 2.2,
    "KRW": 3.2,
    "TWD": 1.4,
    "INR": 6.6,
    "IDR": 6.3,
    "BRL": 13.5,
    "MXN": 9.0,
    "ZAR": 8.5,
    "TRY": 28.0,
    "PLN": 5.2,
    "ILS": 3.9,
}

EQUITY_RISK_PREMIUM = 4.5
CREDIT_SPREAD = 1.5
GROWTH_BELOW_RISK_FREE = 1.5
YEARS = 10

LOWEST_GROWTH, HIGHEST_GROWTH = -10.0, 20.0
LOWEST_BETA, HIGHEST_BETA = 0.5, 2.0
HIGHEST_TAX = 35.0

# A terminal value that makes up more than this share of the whole says that the forecast hardly matters.
TERMINAL_SHARE_WARNING = 75.0


@dataclass(frozen=True)
class ScenarioShift:
    """How a scenario differs from the base: points on growth and discount rate, a factor on the cash flow it starts from."""

    name: Literal["bear", "base", "bull"]
    probability: float
    growth: float
    discount_rate: float
    cash_flow: float


SCENARIOS = (
    ScenarioShift("bear", 25.0, -6.0, 1.0, 0.85),
    ScenarioShift("base", 50.0, 0.0, 0.0, 1.0),
    ScenarioShift("bull", 25.0, 4.0, -0.5, 1.1),
)
