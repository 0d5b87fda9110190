"""docs/changing-the-crew.md: its examples load, and it names every field, tool, placeholder and schema there is."""

import re
from pathlib import Path

from crew.blueprint.catalog import PLACEHOLDERS, TOOLS
from crew.blueprint.loader import load_blueprint
from crew.blueprint.model import AgentSpec, Limits, TaskSpec
from crew.domain.draft import SCHEMAS

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "changing-the-crew.md").read_text(encoding="utf-8")


def example(kind: str) -> str:
    """The page's YAML block of that kind."""
    found = re.search(rf"```yaml {kind}\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    return found.group(1)


def test_the_fourth_agent_of_the_page_joins_the_shipped_crew(tmp_path: Path) -> None:
    """Appended as the page says, the example is a valid crew of four whose new task runs beside the first three."""
    for name in ("agents", "tasks"):
        shipped = (ROOT / f"{name}.yaml").read_text(encoding="utf-8")
        (tmp_path / f"{name}.yaml").write_text(f"{shipped}\n{example(name)}", encoding="utf-8")
    blueprint = load_blueprint(tmp_path / "agents.yaml", tmp_path / "tasks.yaml")

    assert list(blueprint.agents)[-1] == "governance_analyst"
    assert blueprint.order() == (("research", "fundamentals", "technicals", "governance"), ("report",))


def test_another_model_for_one_agent_is_one_line(tmp_path: Path) -> None:
    """The line that the page shows for the reporter changes that agent's model and no other."""
    line = example("model").splitlines()[1]
    before, reporter = (ROOT / "agents.yaml").read_text(encoding="utf-8").split("\nreporter:", 1)
    (tmp_path / "agents.yaml").write_text(f"{before}\nreporter:{reporter.replace('  model: default', line)}", encoding="utf-8")
    blueprint = load_blueprint(tmp_path / "agents.yaml", ROOT / "tasks.yaml")

    assert {name: agent.model for name, agent in blueprint.agents.items()} == {
        "researcher": "default",
        "analyst": "default",
        "reporter": "openai/gpt-5-mini",
    }


def test_the_page_names_everything_that_may_be_written() -> None:
    """Every field, tool, placeholder and schema is on the page."""
    fields = [field.alias or name for spec in (AgentSpec, TaskSpec) for name, field in spec.model_fields.items()]
    names = [*fields, *(f"limits.{name}" for name in Limits.model_fields), *TOOLS, *(f"{{{name}}}" for name in PLACEHOLDERS), *SCHEMAS]

    assert [name for name in names if name not in PAGE] == []
