"""The scorecard: rules, pillars, the total and the rating that follows from it."""

import pytest
from fakes.companies import AS_OF, company, history, instrument
from hypothesis import given
from hypothesis import strategies as st

from crew.analytics.factsheet import fact_sheet
from crew.analytics.scorecard import RATING_RULE, rate
from crew.analytics.scorecard_rules import BOUNDS, RULES, WEIGHTS, Rule


def test_a_rule_gives_nothing_everything_and_a_straight_line_between() -> None:
    """Points grow in a straight line between the two values of the rule, and not beyond them."""
    rule = Rule("growth", "revenue_growth", "growth.revenue_yoy.{year}", 0.0, 20.0, 30)

    assert [rule.score(value) for value in (-5, 0, 10, 20, 90)] == [0, 0, 15, 30, 30]


def test_a_rule_may_want_a_small_figure() -> None:
    """Where less is better the line runs the other way."""
    rule = Rule("value", "ev_to_ebitda", "valuation.ev_ebitda", 25.0, 7.0, 18)

    assert [rule.score(value) for value in (30, 16, 7, 3)] == [0, 9, 18, 18]


def test_a_rule_is_stated_with_its_values_and_their_unit() -> None:
    """The words give both ends of the line and which side of them counts, in the unit of the figure."""
    assert Rule("growth", "g", "growth.x", -5.0, 25.0, 25).stated("EPS growth") == (
        "EPS growth: 0 points at −5 % or less, 25 at 25 % or more, in a straight line between"
    )
    assert Rule("value", "v", "valuation.x", 25.0, 7.0, 15, unit="multiple").stated("EV to EBITDA") == (
        "EV to EBITDA: 0 points at 25× or more, 15 at 7× or less, in a straight line between"
    )


@pytest.mark.parametrize("sector", ["Industrials", "Financial Services"])
def test_a_rules_unit_is_that_of_its_figure(sector: str) -> None:
    """What a rule states its values in is what the figure it looks at is stated in, for companies and for banks."""
    sheet = fact_sheet(company(instrument=instrument(sector=sector)), as_of=AS_OF)
    units = {rule.name: rule.unit for rule in RULES}
    seen = [rule for pillar in sheet.scorecard.pillars for rule in pillar.rules if rule.evidence]

    assert len(seen) > 10
    assert {rule.name: sheet.by_id[rule.evidence[0]].unit for rule in seen} == {rule.name: units[rule.name] for rule in seen}


@given(total=st.floats(0, 100))
def test_the_rating_is_the_best_whose_bound_is_reached(total: float) -> None:
    """Bounds fall from the best rating to the worst, and a total has exactly one rating."""
    rating = rate(total)
    reached = [name for name, bound in BOUNDS if total >= bound]

    assert rating == (reached[0] if reached else "strong_sell")
    assert rate(None) == "not_rated"


def test_the_rule_is_stated_in_words_with_its_numbers() -> None:
    """The stated rule names every weight and every bound, so that a reader can apply it."""
    assert all(f"{pillar} {weight:g}" in RATING_RULE for pillar, weight in WEIGHTS.items())
    assert all(f"{rating} from {bound:g}" in RATING_RULE for rating, bound in BOUNDS)
    assert sum(WEIGHTS.values()) == 100


def test_rules_have_names_of_their_own() -> None:
    """A rule's name occurs once, and every pillar has rules for companies and for banks."""
    assert len({rule.name for rule in RULES}) == len(RULES)
    for kind in ("industrial", "financial"):
        assert {rule.pillar for rule in RULES if rule.companies in {"all", kind}} == set(WEIGHTS)


def test_the_card_can_be_recomputed_from_what_it_shows() -> None:
    """Points of the rules give the pillars, the pillars the total, and the total the rating; each rule cites its figure."""
    sheet = fact_sheet(company(), as_of=AS_OF)
    card = sheet.scorecard
    for pillar in card.pillars:
        applied = [rule for rule in pillar.rules if rule.points is not None]
        score = 100 * sum(rule.points or 0 for rule in applied) / sum(rule.maximum for rule in applied)
        assert pillar.score == pytest.approx(score)
        assert sheet.by_id[f"scorecard.{pillar.pillar}"].number == pytest.approx(score)
        assert all(name in sheet.by_id for rule in applied for name in rule.evidence)
    total = sum((pillar.score or 0) * WEIGHTS[pillar.pillar] for pillar in card.pillars) / 100
    assert card.total == pytest.approx(total)
    assert card.rating == rate(total)


def test_too_little_known_is_not_rated() -> None:
    """With a handful of prices and two years of statements, too few pillars can be scored."""
    young = company(prices=history(bars=15), benchmark=None)
    few = young.model_copy(
        update={"statements": tuple(part for part in young.statements if part.period_end.year == 2025 and part.frequency == "annual")}
    )
    sheet = fact_sheet(few, as_of=AS_OF)

    assert sheet.scorecard.rating == "not_rated"
    assert sheet.scorecard.total is None
    assert "scorecard.total" in {gap.id for gap in sheet.gaps}


def test_missing_figures_take_no_points_and_give_none() -> None:
    """A rule whose figure is missing is shown without points and does not count."""
    bare = company(benchmark=None)
    sheet = fact_sheet(bare, as_of=AS_OF)
    missing = [rule for pillar in sheet.scorecard.pillars for rule in pillar.rules if rule.points is None]

    assert [rule.name for rule in missing] == ["upside_to_cash_flow_value"]
    assert missing[0].evidence == ()
    assert missing[0].statement.startswith("Upside to the value weighted by probability: 0 points at ")
