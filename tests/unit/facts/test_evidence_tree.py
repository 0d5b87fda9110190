"""The tree under a figure, as data and as text."""

from datetime import date

import pytest
from fakes.companies import AS_OF, company

from crew.analytics.factsheet import fact_sheet
from crew.domain.evidence import Evidence
from crew.domain.tree import EvidenceTree, render_tree, unfold


def evidence(id: str, *inputs: str, value: float = 1.0) -> Evidence:
    """A figure resting on `inputs`, observed when there are none."""
    derived = {"kind": "derived", "formula": "sum", "inputs": inputs} if inputs else {"kind": "observed", "locator": "endpoint#field"}
    fields = {"label": id, "value": value, "unit": "ratio", "period": "spot", "as_of": date(2026, 1, 2), "source": "made-up"}
    return Evidence.model_validate({"id": id, **fields, **derived})


def test_a_figure_unfolds_in_the_order_of_its_formula() -> None:
    """Inputs come in order, down to what was observed."""
    tree = unfold([evidence("a.a"), evidence("b.b"), evidence("c.c", "b.b", "a.a"), evidence("d.d", "c.c", "a.a")], "d.d")

    assert [branch.evidence.id for branch in tree.inputs] == ["c.c", "a.a"]
    assert [leaf.id for leaf in tree.leaves] == ["b.b", "a.a", "a.a"]


def test_a_tree_survives_json() -> None:
    """What the API sends can be read back."""
    tree = unfold([evidence("a.a"), evidence("c.c", "a.a")], "c.c")

    assert EvidenceTree.model_validate_json(tree.model_dump_json()) == tree


def test_an_unknown_figure_is_a_key_error() -> None:
    """Asking for a figure that is not there names it."""
    with pytest.raises(KeyError, match=r"x\.x"):
        unfold([evidence("a.a")], "x.x")


def test_a_missing_input_is_told_apart() -> None:
    """A figure that rests on nothing known is an error of its own."""
    with pytest.raises(ValueError, match=r"rests on a\.a, which is not among"):
        unfold([evidence("c.c", "a.a")], "c.c")


def test_a_circle_is_refused() -> None:
    """Two figures that rest on each other do not unfold for ever."""
    with pytest.raises(ValueError, match="rests on itself"):
        unfold([evidence("a.a", "b.b"), evidence("b.b", "a.a")], "a.a")


def test_the_text_shows_values_formulas_and_sources() -> None:
    """Each figure stands with its value, and either its formula or where it was observed; repetitions are not unfolded again."""
    tree = unfold([evidence("a.a", value=2.5), evidence("c.c", "a.a"), evidence("d.d", "c.c", "c.c")], "d.d")
    lines = render_tree(tree).splitlines()

    assert lines[0] == "d.d = 1  [d.d; spot, 2026-01-02]"
    assert lines[1].strip("│ ") == "derived: sum"
    assert any("a.a = 2.5" in line for line in lines)
    assert any("observed: made-up, endpoint#field" in line for line in lines)
    assert sum("see above" in line for line in lines) == 1


def test_the_tree_of_a_real_valuation_reaches_the_statements_and_the_price() -> None:
    """The value per share rests on reported revenue, on bars, and on the stated assumptions."""
    sheet = fact_sheet(company(), as_of=AS_OF)
    tree = unfold(sheet, "valuation.dcf.per_share")
    leaves = {leaf.id: leaf.kind for leaf in tree.leaves}

    assert leaves["income.revenue.Q4-2025"] == "observed"
    assert leaves["assumption.risk_free_rate"] == "assumption"
    assert leaves["price.last"] == "observed"
    assert set(leaves.values()) == {"observed", "assumption"}
    assert "valuation.dcf.per_share = " in render_tree(tree)
