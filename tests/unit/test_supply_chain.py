"""The gate's judgement of licences and of pip-audit's findings."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]


def _load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / ".ci" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


audit, licences = _load("audit"), _load("licences")
CLEAN = {"name": "flask", "version": "3.1", "vulns": []}
UNKNOWN = {"name": "flask", "skip_reason": "Dependency not found on PyPI"}
FLAWED = {"name": "jinja2", "version": "2.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2.1"]}]}


@pytest.mark.parametrize(
    ("found", "passed", "said"),
    [
        ([CLEAN] * 10, True, "10 of 10 installed packages looked up"),
        ([CLEAN] * 9 + [FLAWED], False, "VULNERABLE: jinja2 2.0: PYSEC-1, fixed in 2.1"),
        ([UNKNOWN] * 9 + [FLAWED], False, "VULNERABLE"),
        ([UNKNOWN] * 10, True, "SKIPPED: no advisory source answers here (0 of 10"),
        ([UNKNOWN] * 5 + [CLEAN] * 5, True, "SKIPPED"),
        ([], True, "SKIPPED"),
    ],
)
def test_an_audit_that_could_not_look_is_not_taken_for_a_clean_one(found: list[dict[str, Any]], passed: bool, said: str) -> None:
    """pip-audit says that nothing was found when it could ask nobody; that is told as skipped. What is vulnerable fails in any case."""
    result, lines = audit.judge({"dependencies": found})

    assert result is passed
    assert lines[0].startswith(said) or said in lines[0]


def test_a_missing_audit_is_skipped_loudly(tmp_path: Path) -> None:
    """pip-audit that wrote nothing at all is told the same way, by the program as it runs in the gate."""
    command = [sys.executable, ".ci/audit.py"]
    none = subprocess.run([*command, str(tmp_path / "none.json")], cwd=ROOT, capture_output=True, text=True, timeout=60)
    (tmp_path / "bad.json").write_text(json.dumps({"dependencies": [FLAWED]}))
    bad = subprocess.run([*command, str(tmp_path / "bad.json")], cwd=ROOT, capture_output=True, text=True, timeout=60)

    assert (none.returncode, bad.returncode) == (0, 1)
    assert "SKIPPED" in none.stdout
    assert "PYSEC-1" in bad.stderr


@pytest.mark.parametrize("licence", ["MIT", "BSD-3-Clause", "Apache-2.0 OR MIT", "LGPL-3.0-only", "Mozilla Public License 2.0 (MPL 2.0)", "PSF-2.0"])
def test_a_licence_that_may_ship(licence: str) -> None:
    """Permissive ones, and those that bind the package only."""
    assert licences.accepted(licence)


@pytest.mark.parametrize(
    "licence", ["not stated", "AGPL-3.0", "GPL-3.0-or-later", "GNU General Public License", "MIT AND GPL-2.0", "Proprietary", "BUSL-1.1"]
)
def test_a_licence_that_may_not_ship(licence: str) -> None:
    """Nothing unknown, and nothing that would bind StockCrew or forbid a use."""
    assert not licences.accepted(licence)


def test_the_page_of_licences_is_compared_row_by_row() -> None:
    """A missing row, a wrong one and one too many are each told."""
    row = "| flask | 3.1 | BSD-3-Clause |"
    page = licences.HEAD + row + "\n"

    assert licences.problems(page, {"flask": row}, {"flask": "3.1"}) == []
    assert licences.problems(page, {}, {"flask": "3.1"}) == []
    assert "listed and not pinned" in licences.problems(page, {}, {})[0]
    assert "missing" in licences.problems(licences.HEAD, {"flask": row}, {"flask": "3.1"})[0]
    assert "should be" in licences.problems(page, {"flask": "| flask | 3.2 | BSD-3-Clause |"}, {"flask": "3.2"})[0]


def test_dependabot_waits_before_it_proposes() -> None:
    """Every ecosystem that the project has is watched, each with a cooldown of a week or more."""
    updates = yaml.safe_load((ROOT / ".github/dependabot.yml").read_text())["updates"]

    assert {one["package-ecosystem"] for one in updates} == {"github-actions", "pip", "docker", "docker-compose"}
    assert all(one["cooldown"]["default-days"] >= 7 for one in updates)
