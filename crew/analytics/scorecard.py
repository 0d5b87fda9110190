"""The scorecard: named rules over evidence, five pillars, one weighted total, and the rating that follows from it alone."""

from collections.abc import Sequence
from dataclasses import dataclass

from crew.analytics.figures import Figures
from crew.analytics.listing import Listing
from crew.analytics.scorecard_rules import BOUNDS, LEAST_PILLARS, LEAST_SHARE, RULES, WEIGHTS, Rule
from crew.domain.evidence import GapReason
from crew.domain.factsheet import Pillar, PillarScore, Rating, RuleResult, Scorecard

RATING_RULE = (
    "The total is the mean of the pillar scores weighted "
    + ", ".join(f"{pillar} {weight:g}" for pillar, weight in WEIGHTS.items())
    + ". "
    + "Ratings: "
    + "; ".join(f"{rating} from {bound:g}" for rating, bound in BOUNDS)
    + f"; strong_sell below. A pillar counts when rules worth half of its points could be applied; with fewer than {LEAST_PILLARS} pillars,"
    " or anything but a company, it is not_rated."
)


@dataclass(frozen=True)
class _Periods:
    year: str
    flow: str
    balance: str

    def resolve(self, rule: Rule, figures: Figures) -> str:
        """The figure's id; where the newest twelve months lack it, that of the newest fiscal year."""
        newest, yearly = (rule.figure.format(year=self.year, flow=flow, balance=self.balance) for flow in (self.flow, self.year))
        return yearly if figures.book.has(yearly) and not figures.book.has(newest) else newest


def unrated() -> Scorecard:
    """The card of an instrument that is not a company with statements."""
    return Scorecard(
        pillars=tuple(PillarScore(pillar=pillar, score=None, rules=()) for pillar in WEIGHTS), total=None, rating="not_rated", rating_rule=RATING_RULE
    )


def withhold_scores(figures: Figures, reason: GapReason, detail: str) -> Scorecard:
    """Enter every `scorecard.*` figure as a gap and return the empty card."""
    for name in (*WEIGHTS, "total"):
        figures.book.gap(f"scorecard.{name}", f"Score: {name}", reason, detail)
    return unrated()


def enter_scorecard(listing: Listing) -> Scorecard:
    """Enter `scorecard.*` and return the card with every rule's result."""
    figures, reported = listing.figures, listing.reported
    periods = _Periods(reported.annual[0].label if reported.annual else "FY", listing.basis or "TTM", listing.balance or "none")
    kind = "financial" if reported.is_financial else "industrial"
    applicable = [rule for rule in RULES if rule.companies in {"all", kind}]
    pillars = tuple(_score_pillar(figures, pillar, [rule for rule in applicable if rule.pillar == pillar], periods) for pillar in WEIGHTS)
    total = _enter_total(figures, pillars)
    return Scorecard(pillars=pillars, total=total, rating=rate(total), rating_rule=RATING_RULE)


def rate(total: float | None) -> Rating:
    """The rating that follows from a total."""
    if total is None:
        return "not_rated"
    return next((rating for rating, bound in BOUNDS if total >= bound), "strong_sell")


def _score_pillar(figures: Figures, pillar: Pillar, rules: Sequence[Rule], periods: _Periods) -> PillarScore:
    results = tuple(_apply(figures, rule, periods.resolve(rule, figures)) for rule in rules)
    applied = [result for result in results if result.points is not None]
    reached = sum(result.maximum for result in applied)
    key, label = f"scorecard.{pillar}", f"Score: {pillar}"
    if not applied or reached < LEAST_SHARE * sum(result.maximum for result in results):
        figures.book.gap(key, label, "insufficient_history", "too few of its rules could be applied: their figures are missing")
        return PillarScore(pillar=pillar, score=None, rules=results)
    score = 100 * sum(result.points or 0.0 for result in applied) / reached
    inputs = tuple(dict.fromkeys(name for result in applied for name in result.evidence))
    formula = "100 × points ÷ points to be had, over the rules whose figures are known"
    figures.book.derive(key, label, score, "points", formula=formula, inputs=inputs)
    return PillarScore(pillar=pillar, score=score, rules=results)


def _apply(figures: Figures, rule: Rule, figure: str) -> RuleResult:
    item = figures.book.get(figure)
    value = figures.book.number(figure)
    gap = figures.book.find_gap(figure)
    statement = rule.stated(item.label if item is not None else gap.label if gap is not None else figure)
    points = rule.score(value) if value is not None else None
    return RuleResult(name=rule.name, statement=statement, evidence=(figure,) if item is not None else (), points=points, maximum=rule.points)


def _enter_total(figures: Figures, pillars: Sequence[PillarScore]) -> float | None:
    known = [pillar for pillar in pillars if pillar.score is not None]
    if len(known) < LEAST_PILLARS:
        detail = f"{len(known)} of {len(WEIGHTS)} pillars could be scored, {LEAST_PILLARS} are needed"
        figures.book.gap("scorecard.total", "Score: total", "insufficient_history", detail)
        return None
    weights = [WEIGHTS[pillar.pillar] for pillar in known]
    return figures.derive(
        "scorecard.total",
        "Score: total",
        "points",
        lambda *scores: sum(score * weight for score, weight in zip(scores, weights, strict=True)) / sum(weights),
        tuple(f"scorecard.{pillar.pillar}" for pillar in known),
        formula="mean of the pillar scores weighted " + ", ".join(f"{pillar} {weight:g}" for pillar, weight in WEIGHTS.items()),
    )
