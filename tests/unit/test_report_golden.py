"""The representations of one small report, byte for byte."""

import pytest
from golden.golden_report import FOLDER, renderings


@pytest.mark.parametrize("name", ["report.md", "report.html", "report.json"])
def test_a_representation_is_what_was_last_looked_at(name: str) -> None:
    """A change of the page shows up here; after looking at it, run `python tests/golden/golden_report.py --update`."""
    assert renderings()[name] == (FOLDER / name).read_text(encoding="utf-8")
