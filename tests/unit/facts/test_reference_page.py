"""docs/facts.md documents every figure, and only what is true."""

from pathlib import Path

import pytest

from crew.analytics.reference import SECTIONS, document, families, reference_sheets
from crew.domain.factsheet import FactSheet

PAGE = Path(__file__).resolve().parents[3] / "docs" / "facts.md"


@pytest.fixture(scope="module")
def sheets() -> list[FactSheet]:
    """The sheets the page is written from."""
    return list(reference_sheets())


def test_the_page_is_what_the_code_writes(sheets: list[FactSheet]) -> None:
    """Run `python -m crew.analytics.reference > docs/facts.md` when this fails."""
    assert PAGE.read_text(encoding="utf-8") == document(sheets)


def test_every_figure_has_its_unit_and_formula(sheets: list[FactSheet]) -> None:
    """Each kind of figure stands on the page once, with a unit and where it comes from."""
    rows = [line.split(" | ") for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    documented = {row[0].strip("| `"): row for row in rows}

    assert set(families(sheets)) == set(documented)
    assert all(row[2].strip() and row[3].strip(" |") for row in rows)
    assert len(rows) > 240


def test_every_figure_belongs_to_a_section(sheets: list[FactSheet]) -> None:
    """No subject is left out of the page."""
    assert {name.partition(".")[0] for name in families(sheets)} <= set(SECTIONS)
