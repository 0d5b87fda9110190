"""The crew as the API describes it."""

import json
from pathlib import Path

import pytest
from fakes.jobs import FakeJobs
from flask.testing import FlaskClient

from api.app import create_app
from crew.blueprint.loader import load_blueprint
from crew.domain.analysis import FOCUSES
from crew.settings import Settings


def test_the_crew_is_what_the_files_say(client: FlaskClient, settings: Settings) -> None:
    """Agents, tasks and levels are those of agents.yaml and tasks.yaml, and the hash is theirs."""
    plan = load_blueprint(settings.agents_file, settings.tasks_file)
    body = client.get("/v1/crew").get_json()

    assert body["config_hash"] == plan.config_hash
    assert [agent["name"] for agent in body["agents"]] == list(plan.agents)
    assert [task["name"] for task in body["tasks"]] == list(plan.tasks)
    assert [set(level) for level in body["levels"]] == [set(level) for level in plan.order()]
    assert (body["depths"], body["focus"]) == (["quick", "standard", "deep"], list(FOCUSES))
    assert {agent["model"] for agent in body["agents"]} <= {"rules", *(agent.model for agent in plan.agents.values())}


@pytest.mark.parametrize("path", ["/v1/crew", "/v1/agents", "/v1/agents/researcher", "/v1/tasks", "/v1/tasks/report", "/v1/tools", "/v1/providers"])
def test_no_instruction_is_shown_and_the_rest_is_cacheable(client: FlaskClient, settings: Settings, path: str) -> None:
    """Descriptions, backstories and expected outputs stay private; an unchanged crew is 304."""
    plan = load_blueprint(settings.agents_file, settings.tasks_file)
    first = client.get(path)

    assert first.status_code == 200
    private = [agent.backstory for agent in plan.agents.values()] + [task.description for task in plan.tasks.values()]
    assert not any(json.dumps(text)[1:60] in first.get_data(as_text=True) for text in private)
    assert client.get(path, headers={"If-None-Match": first.headers["ETag"]}).status_code == 304


@pytest.mark.parametrize("path", ["/v1/agents/nobody", "/v1/tasks/nothing", "/v1/agents/..%2fagents.yaml"])
def test_unknown_names_are_404(client: FlaskClient, path: str) -> None:
    """A name that the files do not have is not found."""
    assert client.get(path).status_code == 404


def test_an_edited_crew_is_seen_and_a_broken_one_is_not_explained_to_clients(settings: Settings, jobs: FakeJobs, tmp_path: Path) -> None:
    """The files may change while the service runs; what is wrong in them is for the log, not for clients."""
    agents = tmp_path / "agents.yaml"
    agents.write_text(settings.agents_file.read_text().replace("role:", "role: Very", 1))
    client = create_app(settings.model_copy(update={"agents_file": agents}), jobs=jobs).test_client()
    assert client.get("/v1/agents").get_json()["data"][0]["role"].startswith("Very")

    agents.write_text("researcher: [a secret typo")
    response = client.get("/v1/agents")
    assert (response.status_code, response.get_json()["code"]) == (500, "blueprint_error")
    assert "typo" not in response.get_data(as_text=True)
