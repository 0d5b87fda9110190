"""agents.yaml and tasks.yaml: what is accepted, what is refused and in which words."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from crew.blueprint.catalog import FACT_FAMILIES, PLACEHOLDERS, TOOLS
from crew.blueprint.loader import load_blueprint
from crew.blueprint.model import Blueprint
from crew.blueprint.placeholders import fill, placeholders
from crew.errors import BlueprintError

ROOT = Path(__file__).resolve().parents[2]

AGENTS = """\
analyst:
  role: Equity analyst
  goal: Judge {company}.
  backstory: You trust figures with a source.
editor:
  role: Editor
  goal: Write the summary.
  backstory: You keep sentences short.
  model: openai/gpt-5-mini
  tools: [fact_lookup]
  limits:
    max_iterations: 3
"""
TASKS = """\
variables:
  answer: Answer as {schema}.
judge:
  title: Judgement
  description: Judge {symbol} by {facts}.
  expected_output: "{answer}"
  agent: analyst
  schema: fundamentals
  facts: [price, margin.*.TTM]
report:
  title: Summary
  description: Sum up {upstream}
  expected_output: One JSON object {schema}
  agent: editor
  context: [judge]
  schema: report
"""


def load(folder: Path, agents: str = AGENTS, tasks: str = TASKS, **names: Any) -> Blueprint:
    """Write both files and load them."""
    (folder / "agents.yaml").write_text(agents, encoding="utf-8")
    (folder / "tasks.yaml").write_text(tasks, encoding="utf-8")
    return load_blueprint(folder / "agents.yaml", folder / "tasks.yaml", **names)


def problems(folder: Path, agents: str = AGENTS, tasks: str = TASKS) -> list[str]:
    """The lines of the error that loading raises."""
    with pytest.raises(BlueprintError) as caught:
        load(folder, agents, tasks)
    return caught.value.message.splitlines()


def test_the_shipped_files_are_valid_and_the_three_tasks_are_independent() -> None:
    """The shipped crew has the three agents, and its first three tasks may run at the same time."""
    blueprint = load_blueprint(ROOT / "agents.yaml", ROOT / "tasks.yaml")

    assert list(blueprint.agents) == ["researcher", "analyst", "reporter"]
    assert blueprint.order() == (("research", "fundamentals", "technicals"), ("report",))


def test_the_shipped_facts_fit_a_small_prompt(tmp_path: Path) -> None:
    """Every fact family that a shipped task names is known, and no task asks for a whole statement history."""
    blueprint = load_blueprint(ROOT / "agents.yaml", ROOT / "tasks.yaml")

    named = {prefix.split(".")[0] for task in blueprint.tasks.values() for prefix in task.facts}
    assert named <= set(FACT_FAMILIES)
    assert not any(task.wants("income.cost_of_revenue.Q3-2024") for task in blueprint.tasks.values())


def test_defaults_and_given_values(tmp_path: Path) -> None:
    """What is left out has a default; what is given is taken, with variables filled in and placeholders kept."""
    blueprint = load(tmp_path)

    assert (blueprint.agents["analyst"].model, blueprint.agents["analyst"].tools, blueprint.agents["analyst"].limits.max_iterations) == (
        "default",
        (),
        6,
    )
    assert (blueprint.agents["editor"].model, blueprint.agents["editor"].limits.max_iterations) == ("openai/gpt-5-mini", 3)
    assert blueprint.tasks["judge"].expected_output == "Answer as {schema}."
    assert blueprint.tasks["judge"].description == "Judge {symbol} by {facts}."


def test_a_role_and_a_text_change_without_python(tmp_path: Path) -> None:
    """Other words in the files are other words in the blueprint, and another configuration hash."""
    before = load(tmp_path)
    after = load(tmp_path, AGENTS.replace("Equity analyst", "Credit analyst"), TASKS.replace("Judge {symbol}", "Weigh {symbol}"))

    assert (after.agents["analyst"].role, after.tasks["judge"].description) == ("Credit analyst", "Weigh {symbol} by {facts}.")
    assert before.config_hash != after.config_hash


def test_one_agent_gets_another_model_without_python(tmp_path: Path) -> None:
    """A model line on one agent leaves the others at the default."""
    blueprint = load(tmp_path, AGENTS.replace("  backstory: You trust", "  model: anthropic/claude-x\n  backstory: You trust"))

    assert (blueprint.agents["analyst"].model, blueprint.agents["editor"].model) == ("anthropic/claude-x", "openai/gpt-5-mini")


def test_a_fourth_agent_with_its_task_needs_no_python(tmp_path: Path) -> None:
    """The shipped crew grows by an agent and a task of the free schema, and the task runs beside the first three."""
    agents = (ROOT / "agents.yaml").read_text(encoding="utf-8")
    tasks = (ROOT / "tasks.yaml").read_text(encoding="utf-8")
    agents += "\nesg:\n  role: Governance analyst\n  goal: Judge how {company} is run.\n  backstory: You read proxy statements.\n"
    tasks += (
        "\ngovernance:\n  title: Governance\n  description: |-\n    Say how {company} treats its owners. Facts:\n    {facts}\n    {rules}\n"
        '  expected_output: "{answer}"\n  agent: esg\n  schema: section\n  facts: [shares.change_yoy, cashflow.buybacks.TTM]\n'
    )
    blueprint = load(tmp_path, agents, tasks)

    assert "governance" in blueprint.order()[0]
    assert blueprint.tasks["governance"].agent == "esg"


def test_the_hash_ignores_layout_and_sees_order(tmp_path: Path) -> None:
    """Comments and quoting do not change the hash; the order of tasks, which is the order of the report, does."""
    usual = load(tmp_path).config_hash

    assert load(tmp_path, "# a comment\n" + AGENTS.replace("Equity analyst", "'Equity analyst'")).config_hash == usual
    head, judge, report = TASKS.partition("judge:")[0], TASKS[TASKS.index("judge:") : TASKS.index("report:\n")], TASKS[TASKS.index("report:\n") :]
    assert load(tmp_path, tasks=head + report + judge).config_hash != usual


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("  role: Editor", "  roel: Editor", "agents.yaml:6: editor.roel: unknown field; did you mean 'role'?"),
        ("    max_iterations: 3", "    max_itr: 3", "agents.yaml:12: editor.limits.max_itr: unknown field; did you mean 'max_iterations'?"),
        ("    max_iterations: 3", "    max_iterations: many", "agents.yaml:12: editor.limits.max_iterations: must be a whole number, not this"),
        ("    max_iterations: 3", "    max_iterations: 0", "agents.yaml:12: editor.limits.max_iterations: must be greater than or equal to 1"),
        ("[fact_lookup]", "[fact_lokup]", "agents.yaml:10: editor.tools[0]: unknown tool 'fact_lokup'; did you mean 'fact_lookup'?"),
        ("[fact_lookup]", "fact_lookup", "agents.yaml:10: editor.tools: must be a list, not this"),
        ("  goal: Write the summary.\n", "", "agents.yaml:5: editor.goal: is missing"),
        ("role: Editor", "role: {company}", "agents.yaml:6: editor.role: must be a text, not a mapping; put it in quotes"),
        ("role: Editor", "role: 12", "agents.yaml:6: editor.role: must be a text, not a number; put it in quotes"),
        ("role: Editor", "role: no", "agents.yaml:6: editor.role: must be a text, not a yes/no value; put it in quotes"),
        ("role: Editor", "role: ' '", "agents.yaml:6: editor.role: must be one line of text"),
        (
            "openai/gpt-5-mini",
            "defualt",
            "is no model: use `default`, `rules` or PROVIDER/NAME, for example openai/gpt-5-mini; did you mean 'default'?",
        ),
        ("Judge {company}.", "Judge {compny}.", "agents.yaml:3: analyst.goal: unknown placeholder {compny}; did you mean 'company'?"),
        ("Judge {company}.", "Judge {facts}.", "agents.yaml:3: analyst.goal: unknown placeholder {facts}"),
        ("  role: Editor\n", "  role: Editor\n  role: Writer\n", "agents.yaml:7: editor.role: is there twice; the first is on line 6"),
        ("editor:\n", "Editor!:\n", "agents.yaml:5: Editor!: is no name: use up to 40 of a-z 0-9 _ and begin with a letter"),
    ],
)
def test_a_slip_in_the_agents_is_named_with_line_field_and_nearest_name(tmp_path: Path, old: str, new: str, expected: str) -> None:
    """One slip in agents.yaml gives a line that says where it is and what would be right."""
    assert any(expected in line for line in problems(tmp_path, agents=AGENTS.replace(old, new, 1)))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("agent: analyst", "agent: anlyst", "tasks.yaml:7: judge.agent: unknown agent 'anlyst'; did you mean 'analyst'?"),
        ("schema: fundamentals", "schema: fundamental", "tasks.yaml:8: judge.schema: unknown schema 'fundamental'; did you mean 'fundamentals'?"),
        ("context: [judge]", "context: [jugde]", "tasks.yaml:15: report.context[0]: unknown task 'jugde'; did you mean 'judge'?"),
        ("context: [judge]", "context: [report]", "tasks.yaml:15: report.context: the tasks wait for each other: report → report"),
        ("context: [judge]", "context: [judge, judge]", "tasks.yaml:15: report.context[1]: 'judge' is there twice"),
        ("facts: [price,", "facts: [prise,", "tasks.yaml:9: judge.facts[0]: unknown facts 'prise'; did you mean 'price'?"),
        ("facts: [price,", "facts: ['price last',", "tasks.yaml:9: judge.facts[0]: is no prefix of evidence ids"),
        ("{symbol}", "{symbl}", "tasks.yaml:5: judge.description: unknown placeholder {symbl}; did you mean 'symbol'?"),
        ("{symbol}", "{ symbol }", "tasks.yaml:5: judge.description: write {symbol} without spaces"),
        (" by {facts}", "", "tasks.yaml:9: judge.facts: is never shown: the description has no {facts}"),
        ("Sum up {upstream}", "Sum up", "tasks.yaml:15: report.context: is never shown: the description has no {upstream}"),
        (
            "Sum up {upstream}",
            "Sum up {upstream} {facts}",
            "tasks.yaml:12: report.description: {facts} has nothing to show: the task names no `facts`",
        ),
        (
            "One JSON object {schema}",
            "One JSON object",
            "tasks.yaml:13: report.expected_output: never shows the model what to hand in: put {schema} into it",
        ),
        ('"{answer}"', '"{schema}"', "tasks.yaml:2: variables.answer: is used in no task"),
        ("  answer: Answer", "  facts: Answer", "tasks.yaml:2: variables.facts: is the name of a placeholder that every task has; choose another"),
        ("schema: report", "schema: section", "tasks.yaml:1: no task has `schema: report`; one must write the summary"),
        ("schema: fundamentals", "schema: report", "tasks.yaml:16: report.schema: only one task may have the schema report; judge has it already"),
        ("variables:\n  answer: Answer as {schema}.", "variables: [a]", "tasks.yaml:1: variables: must be a mapping of names to texts"),
        ("title: Judgement", "title: Judgement: final", "tasks.yaml:4: is not valid YAML: mapping values are not allowed here (quote a text"),
    ],
)
def test_a_slip_in_the_tasks_is_named_with_line_field_and_nearest_name(tmp_path: Path, old: str, new: str, expected: str) -> None:
    """One slip in tasks.yaml gives a line that says where it is and what would be right."""
    assert any(expected in line for line in problems(tmp_path, tasks=TASKS.replace(old, new, 1)))


def test_an_agent_without_a_task_is_an_error(tmp_path: Path) -> None:
    """An agent that no task names is reported at its own line."""
    idle = AGENTS + "idler:\n  role: Idler\n  goal: None.\n  backstory: None.\n"

    assert problems(tmp_path, agents=idle) == ["agents.yaml:13: idler: has no task; give it one in tasks.yaml or remove it"]


def test_a_cycle_is_shown_as_the_way_round(tmp_path: Path) -> None:
    """A longer cycle is one problem that names the tasks in order."""
    tasks = TASKS.replace("  schema: fundamentals", "  context: [more]\n  schema: fundamentals").replace("by {facts}", "by {facts} and {upstream}")
    tasks += (
        "more:\n  title: More\n  description: On {upstream}\n  expected_output: '{schema}'\n  agent: analyst\n  context: [judge]\n  schema: section\n"
    )

    assert [line for line in problems(tmp_path, tasks=tasks) if "wait" in line] == [
        "tasks.yaml:8: judge.context: the tasks wait for each other: judge → more → judge"
    ]


def test_all_problems_come_in_one_run_in_the_order_of_the_files(tmp_path: Path) -> None:
    """Slips in both files, of shape and of reference, are all listed, one line each."""
    lines = problems(
        tmp_path,
        AGENTS.replace("role: Editor", "roel: Editor").replace("fact_lookup", "calculator"),
        TASKS.replace("agent: editor", "agent: editr").replace("schema: fundamentals", "schema: fundamental"),
    )

    assert [line.split(": ")[0] for line in lines] == ["agents.yaml:5", "agents.yaml:5", "agents.yaml:6", "tasks.yaml:8", "tasks.yaml:14"]


def test_the_caller_names_the_tools_and_schemas(tmp_path: Path) -> None:
    """A tool or schema that the caller does not know is refused although the catalogue has it."""
    with pytest.raises(BlueprintError, match="unknown tool 'fact_lookup'"):
        load(tmp_path, tools=("other",))
    with pytest.raises(BlueprintError, match="unknown schema 'report'"):
        load(tmp_path, schemas=("fundamentals",))


def test_wants_follows_dots_and_stars() -> None:
    """A prefix takes its id and what lies below a dot of it, a star any part, and nothing that only begins alike."""
    task = (
        load_blueprint(ROOT / "agents.yaml", ROOT / "tasks.yaml")
        .tasks["report"]
        .model_copy(update={"facts": ("price.last", "margin.*.TTM", "scorecard")})
    )

    wanted = [name for name in ("price.last", "price.last_date", "margin.net.TTM", "margin.net.FY2025", "scorecard.value") if task.wants(name)]
    assert wanted == ["price.last", "margin.net.TTM", "scorecard.value"]


def test_filling_is_one_pass_and_leaves_json_alone() -> None:
    """A filled value that looks like a placeholder stays as it is, and braces of JSON are no placeholders."""
    text = 'Use {"a": 1} for {symbol} and {company}'

    assert placeholders(text) == ["symbol", "company"]
    assert fill(text, {"symbol": "{company}", "company": "Acme"}) == 'Use {"a": 1} for {company} and Acme'


def test_the_shipped_texts_use_only_known_placeholders_and_state_no_figure() -> None:
    """The shipped prompts hold no figure of their own that a model could repeat as a fact."""
    tasks = yaml.safe_load((ROOT / "tasks.yaml").read_text(encoding="utf-8"))
    wishes = [tasks.pop("emphasis"), *(depth.get("instruction", "") for depth in tasks.pop("depths").values())]
    texts = [*wishes, *tasks.pop("variables").values(), *(task["description"] for task in tasks.values())]

    assert {name for text in texts for name in placeholders(text)} <= {*PLACEHOLDERS, "rules", "claims", "answer", "focus"}
    assert not any(character.isdigit() for text in texts for character in text)
    assert set(TOOLS) == {"fact_lookup", "statement_history", "price_history", "compare_peers", "search_documents"}
