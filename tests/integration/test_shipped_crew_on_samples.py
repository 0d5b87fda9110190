"""The shipped tasks.yaml against the fact sheets of the shipped sample data: every prompt gets facts, and not too many."""

from functools import cache
from pathlib import Path

import pytest

from crew.analytics.factsheet import fact_sheet
from crew.blueprint.catalog import FACT_FAMILIES
from crew.blueprint.loader import load_blueprint
from crew.domain.factsheet import FactSheet
from crew.market.providers.sample import SampleMarketData
from crew.report.figures import format_figure
from crew.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
COMPANIES = ("AAPL", "MSFT", "NVDA", "TSLA", "JPM")
MOST_FACTS = 120


@cache
def sheet(symbol: str) -> FactSheet:
    """The fact sheet of a sample company."""
    return fact_sheet(SampleMarketData(Settings().sample_dir).snapshot(symbol), as_of=None)


@pytest.mark.parametrize("symbol", [*COMPANIES, "SPY", "PETR4.SA"])
def test_every_family_of_facts_is_in_the_catalogue(symbol: str) -> None:
    """A fact that is computed can be named in tasks.yaml."""
    families = {name.split(".")[0] for name in [*sheet(symbol).by_id, *(gap.id for gap in sheet(symbol).gaps)]}

    assert families <= set(FACT_FAMILIES)


@pytest.mark.parametrize("symbol", COMPANIES)
def test_every_task_gets_facts_within_the_prompts_bound(symbol: str) -> None:
    """No shipped task is left without facts on a company, and none floods its prompt."""
    blueprint = load_blueprint(ROOT / "agents.yaml", ROOT / "tasks.yaml")
    counts = {name: sum(task.wants(id) for id in sheet(symbol).by_id) for name, task in blueprint.tasks.items()}

    assert all(8 <= count <= MOST_FACTS for count in counts.values()), counts


def test_every_prefix_of_the_shipped_tasks_finds_something() -> None:
    """A prefix that matches nothing on any company of the sample is a typo; headlines, events and documents come from elsewhere."""
    blueprint = load_blueprint(ROOT / "agents.yaml", ROOT / "tasks.yaml")
    idle = {
        (name, prefix)
        for name, task in blueprint.tasks.items()
        for prefix in task.facts
        if prefix.split(".")[0] not in {"news", "event", "document"}
        and not any(task.model_copy(update={"facts": (prefix,), "without": ()}).wants(id) for symbol in COMPANIES for id in sheet(symbol).by_id)
    }

    assert idle == set()


@pytest.mark.parametrize("language", ["en", "pt-BR", "es"])
def test_every_figure_of_a_real_sheet_can_be_shown(language: str) -> None:
    """Each of the hundreds of figures formats without an error and without an empty text."""
    assert all(format_figure(item, language).strip() for item in sheet("AAPL").evidence)
