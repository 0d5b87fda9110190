"""Three scenarios of the discounted cash flow, their probabilities, and the value weighted by them."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from crew.analytics import assumptions as assumed
from crew.analytics.dcf_drivers import PREFIX
from crew.analytics.dcf_model import Model, cited, positive
from crew.analytics.figures import Figures, percent_of
from crew.analytics.listing import Listing
from crew.domain.evidence import Unit
from crew.domain.factsheet import Scenario

EXPECTED = "valuation.scenario.expected"


@dataclass(frozen=True)
class _Driver:
    """A driver of a scenario: the base's figure `base` changed by the assumption `by`."""

    name: str
    label: str
    unit: Unit
    base: str
    by: str
    change: Callable[[float, float], float]
    formula: str


_DRIVERS = (
    _Driver(
        "growth",
        "Growth in the first year",
        "percent",
        "growth_start",
        "growth_shift",
        lambda base, by: base + by,
        "growth of the base + points of the scenario",
    ),
    _Driver(
        "discount_rate",
        "Discount rate",
        "percent",
        "discount_rate",
        "discount_shift",
        lambda base, by: base + by,
        "discount rate of the base + points of the scenario",
    ),
    _Driver(
        "cash_flow",
        "Cash flow it starts from",
        "currency",
        "base_cash_flow",
        "cash_flow_factor",
        lambda base, by: base * by,
        "cash flow of the base × factor of the scenario",
    ),
)


def enter_scenarios(listing: Listing, model: Model) -> tuple[Scenario, ...]:
    """Enter `valuation.scenario.*`; the scenarios are returned only when all have a value, so that probabilities add up to 100."""
    figures = listing.figures
    known = [item for shift in assumed.SCENARIOS if (item := _enter_scenario(listing, model, shift)) is not None]
    names = [f"valuation.scenario.{shift.name}" for shift in assumed.SCENARIOS]
    count = len(names)
    figures.derive(
        f"{EXPECTED}.per_share",
        "Value per share weighted by probability",
        "currency_per_share",
        lambda *values: sum(value * weight / 100 for value, weight in zip(values[:count], values[count:], strict=True)),
        (*(f"{name}.per_share" for name in names), *(f"{name}.probability" for name in names)),
        formula="sum of value per share × probability ÷ 100",
    )
    enter_upside(figures, f"{EXPECTED}.upside", "Upside to the value weighted by probability", f"{EXPECTED}.per_share")
    return tuple(known) if len(known) == count else ()


def enter_upside(figures: Figures, key: str, label: str, value: str) -> None:
    """Enter how far a value per share lies above the last price."""
    formula = "100 × (value per share ÷ last price − 1)"
    figures.derive(key, label, "percent", lambda worth, price: percent_of(worth, price) - 100, (value, "price.last"), formula=formula)


def _enter_scenario(listing: Listing, model: Model, shift: assumed.ScenarioShift) -> Scenario | None:
    figures, prefix, title = listing.figures, f"valuation.scenario.{shift.name}", f"{shift.name} scenario"
    _assume(figures, shift, prefix, title)
    for driver in _DRIVERS:
        figures.derive(
            f"{prefix}.{driver.name}",
            f"{driver.label}, {title}",
            driver.unit,
            driver.change,
            (f"{PREFIX}.{driver.base}", f"{prefix}.{driver.by}"),
            formula=driver.formula,
            currency=listing.reported.currency,
        )
    drivers = tuple(f"{prefix}.{driver.name}" for driver in _DRIVERS)

    def value(growth: float, discount: float, flow: float, *_: float) -> float:
        return positive(replace(model, cash_flow=flow, growth=growth / 100, discount=discount / 100).per_share)

    figures.derive(
        f"{prefix}.per_share",
        f"Value per share, {title}",
        "currency_per_share",
        value,
        (*drivers, *cited(listing, "terminal_growth", "claims", "shares")),
        formula="the discounted cash flow with the scenario's drivers",
    )
    enter_upside(figures, f"{prefix}.upside", f"Upside, {title}", f"{prefix}.per_share")
    if not figures.book.has(f"{prefix}.per_share"):
        return None
    return Scenario(name=shift.name, probability=shift.probability, drivers=drivers, per_share=f"{prefix}.per_share")


def _assume(figures: Figures, shift: assumed.ScenarioShift, prefix: str, title: str) -> None:
    book, reason = figures.book, "assumed difference from the base"
    book.assume(f"{prefix}.probability", f"Probability, {title}", shift.probability, "percent", reason="assumed weight; the three add up to 100")
    book.assume(f"{prefix}.growth_shift", f"Points added to growth, {title}", shift.growth, "points", reason=reason)
    book.assume(f"{prefix}.discount_shift", f"Points added to the discount rate, {title}", shift.discount_rate, "points", reason=reason)
    book.assume(f"{prefix}.cash_flow_factor", f"Factor on the cash flow, {title}", shift.cash_flow, "ratio", reason=reason)
