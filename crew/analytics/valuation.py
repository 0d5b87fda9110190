"""Valuation evidence: a discounted cash flow with its checks and sensitivity, what today's price implies, and three scenarios."""

from collections.abc import Iterator
from dataclasses import replace

from crew.analytics import assumptions as assumed
from crew.analytics import dcf
from crew.analytics.dcf_drivers import PREFIX, enter_drivers
from crew.analytics.dcf_model import Model, cited, model_of, positive
from crew.analytics.figures import Figures, Undefined, percent_of
from crew.analytics.listing import Listing
from crew.analytics.scenarios import enter_scenarios, enter_upside
from crew.domain.evidence import GapReason
from crew.domain.factsheet import QualityFlag, SensitivityGrid, Valuation

_PER_SHARE = "Value per share by discounted cash flow"
_UPSIDE = "Upside to the discounted cash flow"
_IMPLIED = "Growth that today's price implies"
_HEADLINES = (
    (f"{PREFIX}.per_share", _PER_SHARE),
    (f"{PREFIX}.upside", _UPSIDE),
    ("valuation.reverse_dcf.implied_growth", _IMPLIED),
    *((f"valuation.scenario.{shift.name}.per_share", f"Value per share, {shift.name} scenario") for shift in assumed.SCENARIOS),
    ("valuation.scenario.expected.per_share", "Value per share weighted by probability"),
    ("valuation.scenario.expected.upside", "Upside to the value weighted by probability"),
)
_GRID_STEPS = (-1.0, -0.5, 0.0, 0.5, 1.0)
LOWEST_IMPLIED, HIGHEST_IMPLIED = -0.6, 1.0


def withhold_valuation(figures: Figures, reason: GapReason, detail: str) -> Valuation:
    """Enter the headline figures of a valuation as gaps."""
    for key, label in _HEADLINES:
        figures.book.gap(key, label, reason, detail)
    return Valuation()


def enter_valuation(listing: Listing) -> Valuation:
    """Enter `valuation.dcf.*`, `valuation.reverse_dcf.*` and `valuation.scenario.*`, and return what belongs together."""
    figures = listing.figures
    if listing.reported.is_financial:
        detail = "a bank's or insurer's cash flow follows its deposits and lending, so a free-cash-flow valuation says nothing"
        return withhold_valuation(figures, "not_applicable", detail)
    enter_drivers(listing)
    try:
        model = model_of(listing)
    except Undefined as undefined:
        return withhold_valuation(figures, undefined.reason, undefined.detail)
    _enter_firm(listing, model)
    _enter_per_share(listing)
    _enter_reverse(listing, model)
    return Valuation(scenarios=enter_scenarios(listing, model), sensitivity=_grid(listing, model), checks=tuple(_checks(figures)))


def _enter_firm(listing: Listing, model: Model) -> None:
    figures, currency = listing.figures, listing.reported.currency
    flows = _enter_forecast(listing, model)
    rates = (f"{PREFIX}.discount_rate", f"{PREFIX}.terminal_growth")
    figures.derive(
        f"{PREFIX}.explicit_value",
        "Value today of the forecast cash flows",
        "currency",
        lambda *_: model.worth().explicit,
        (*flows, rates[0]),
        formula="sum of cash flow ÷ (1 + discount rate) ^ year",
        currency=currency,
    )
    figures.derive(
        f"{PREFIX}.terminal_value",
        "Value today of all cash flows after the forecast",
        "currency",
        lambda *_: model.worth().terminal,
        (flows[-1], *rates),
        formula="last cash flow × (1 + terminal growth) ÷ (discount rate − terminal growth) ÷ (1 + discount rate) ^ years",
        currency=currency,
    )
    parts = (f"{PREFIX}.explicit_value", f"{PREFIX}.terminal_value")
    whole = f"{PREFIX}.enterprise_value"
    formula = "value of the forecast + value after it"
    figures.derive(whole, "Value of the firm", "currency", lambda *values: sum(values), parts, formula=formula, currency=currency)
    formula = "100 × value after the forecast ÷ value of the firm"
    figures.derive(
        f"{PREFIX}.terminal_share", "Share of the value that lies after the forecast", "percent", percent_of, (parts[1], whole), formula=formula
    )


def _enter_forecast(listing: Listing, model: Model) -> tuple[str, ...]:
    """Enter the cash flow of each forecast year and return their ids."""
    keys: list[str] = []
    for year, growth in enumerate(dcf.faded_growth(model.growth, model.terminal_growth, assumed.YEARS), start=1):
        key = f"{PREFIX}.cash_flow.Y{year}"
        listing.figures.derive(
            key,
            f"Free cash flow, forecast year {year}",
            "currency",
            lambda flow, *_, growth=growth: flow * (1 + growth),
            (keys[-1] if keys else f"{PREFIX}.base_cash_flow", f"{PREFIX}.growth_start", f"{PREFIX}.terminal_growth"),
            formula=f"cash flow of the year before × (1 + growth), which runs in equal steps from first to terminal over {assumed.YEARS} years",
            period=f"Y{year}",
            currency=listing.reported.currency,
        )
        keys.append(key)
    return tuple(keys)


def _enter_per_share(listing: Listing) -> None:
    listing.figures.derive(
        f"{PREFIX}.per_share",
        _PER_SHARE,
        "currency_per_share",
        lambda firm, claims, shares, *rate: positive((firm - claims) / shares * (rate[0] if rate else 1.0)),
        cited(listing, "enterprise_value", "claims", "shares"),
        formula="(value of the firm − claims before shareholders) ÷ shares" + (" × exchange rate" if listing.exchange.needed else ""),
    )
    enter_upside(listing.figures, f"{PREFIX}.upside", _UPSIDE, f"{PREFIX}.per_share")


def _enter_reverse(listing: Listing, model: Model) -> None:
    def implied(price: float, *_: float) -> float:
        try:
            return 100 * dcf.bisect(lambda growth: replace(model, growth=growth).per_share - price, LOWEST_IMPLIED, HIGHEST_IMPLIED)
        except ValueError as error:
            raise Undefined(f"no first-year growth between {LOWEST_IMPLIED:.0%} and {HIGHEST_IMPLIED:.0%} gives today's price") from error

    listing.figures.derive(
        "valuation.reverse_dcf.implied_growth",
        _IMPLIED,
        "percent",
        implied,
        ("price.last", *cited(listing, "base_cash_flow", "discount_rate", "terminal_growth", "claims", "shares")),
        formula="the growth in the first year of the forecast at which the value per share equals the last price, by bisection",
    )


def _grid(listing: Listing, model: Model) -> SensitivityGrid:
    def cell(rate: float, growth: float) -> float | None:
        try:
            return positive(replace(model, discount=rate / 100, terminal_growth=growth / 100).per_share)
        except Undefined:
            return None

    rows = tuple(round(model.discount * 100 + step, 4) for step in _GRID_STEPS)
    columns = tuple(round(model.terminal_growth * 100 + step, 4) for step in _GRID_STEPS if model.terminal_growth * 100 + step >= 0)
    cells = tuple(tuple(cell(rate, growth) for growth in columns) for rate in rows)
    return SensitivityGrid(rows=rows, columns=columns, cells=cells, currency=listing.exchange.listing)


def _checks(figures: Figures) -> Iterator[QualityFlag]:
    discount, terminal, share = (figures.book.number(f"{PREFIX}.{name}") for name in ("discount_rate", "terminal_growth", "terminal_share"))
    if discount is not None and terminal is not None:
        holds = discount - terminal >= 100 * dcf.LEAST_SPREAD
        message = f"growth after the forecast {'lies' if holds else 'does not lie'} below the discount rate"
        cites = (f"{PREFIX}.terminal_growth", f"{PREFIX}.discount_rate")
        yield QualityFlag(code="dcf_terminal_growth", severity="info" if holds else "serious", message=message, evidence=cites)
    if share is not None:
        heavy = share > assumed.TERMINAL_SHARE_WARNING
        message = f"value after the forecast is {'more' if heavy else 'not more'} than {assumed.TERMINAL_SHARE_WARNING:.0f} % of the whole"
        yield QualityFlag(code="dcf_terminal_share", severity="warning" if heavy else "info", message=message, evidence=(f"{PREFIX}.terminal_share",))
