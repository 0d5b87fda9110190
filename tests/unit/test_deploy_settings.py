"""What compose.yaml, the Render blueprints and the Dockerfile set are settings that exist, with values that the service takes."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import AliasChoices

from crew.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
COMPOSE, RENDER, FREE = "compose.yaml", "deploy/render/render.yaml", "deploy/render/render.free.yaml"
PROVIDERS = {"OPENAI_API_KEY", "OPENAI_BASE_URL", "ANTHROPIC_API_KEY", "GEMINI_API_KEY"}
OTHERS = {"POSTGRES_USER", "POSTGRES_DB", "POSTGRES_PASSWORD"}
STAND_INS = {
    "STOCKCREW_SECRET_KEY": "k" * 44,
    "POSTGRES_PASSWORD": "p" * 20,
    "STOCKCREW_BOOTSTRAP_KEY": "sk_production_x",
    "connectionString": "postgres://u:p@host/db",
}
Case = tuple[str, str, dict[str, str], float | None]


def names_of_settings() -> set[str]:
    """The environment variable of every setting."""
    found = set()
    for name, field in Settings.model_fields.items():
        alias = field.validation_alias
        found.add(str(alias.choices[0]) if isinstance(alias, AliasChoices) else f"STOCKCREW_{name.upper()}")
    return found


def _filled(text: str) -> str:
    """`${NAME:-default}` and `${NAME:?message}` as compose fills them in, with stand-ins for what has no default."""

    def fill(match: re.Match[str]) -> str:
        name, kind, rest = match.groups()
        return rest if kind == ":-" else STAND_INS[name]

    return re.sub(r"\$\{(\w+)(:-|:\?)([^}]*)\}", fill, text)


def _seconds(text: str | None) -> float | None:
    if text is None:
        return None
    number, unit = re.fullmatch(r"(\d+)([sm])", text).groups()  # type: ignore[union-attr]
    return float(number) * {"s": 1, "m": 60}[unit]


def _of_compose() -> Iterator[Case]:
    for name, service in yaml.safe_load((ROOT / COMPOSE).read_text())["services"].items():
        if "stockcrew" in service["image"]:
            values = {key: _filled(str(value)) for key, value in service["environment"].items() if value is not None}
            yield COMPOSE, name, values, _seconds(service.get("stop_grace_period"))


def _value(file: str, variable: dict[str, Any]) -> str:
    if "value" in variable:
        assert isinstance(variable["value"], str), f"{file}: quote the value of {variable['key']}"
        return str(variable["value"])
    if "fromService" in variable:
        return "redis://host:6379"
    return STAND_INS["connectionString"] if "fromDatabase" in variable else STAND_INS.get(variable["key"], "x" * 40)


def _of_render(file: str) -> Iterator[Case]:
    blueprint = yaml.safe_load((ROOT / file).read_text())
    groups = {group["name"]: group["envVars"] for group in blueprint.get("envVarGroups", [])}
    for service in blueprint["services"]:
        if "envVars" in service:
            variables = [one for entry in service["envVars"] for one in (groups[entry["fromGroup"]] if "fromGroup" in entry else [entry])]
            yield file, service["name"], {one["key"]: _value(file, one) for one in variables}, service.get("maxShutdownDelaySeconds", 30)


CASES = [*_of_compose(), *_of_render(RENDER), *_of_render(FREE)]


@pytest.mark.parametrize(("file", "service", "values", "grace_s"), CASES, ids=[f"{case[0]}:{case[1]}" for case in CASES])
def test_a_service_is_given_settings_that_exist_and_fit(
    file: str, service: str, values: dict[str, str], grace_s: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No name is misspelt, the values make valid production settings, and what drains does so within the platform's grace period."""
    for name in names_of_settings():
        monkeypatch.delenv(name, raising=False)
    image = dict(re.findall(r"^\s+(STOCKCREW_\w+)=(\S+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE))
    for name, value in {**image, **values}.items():
        monkeypatch.setenv(name, value)
    settings = Settings()

    assert set(values) - names_of_settings() - PROVIDERS == set()
    assert settings.env == "production"
    assert settings.host == "0.0.0.0"
    assert file == FREE or not settings.is_sqlite
    assert grace_s is None or settings.drain_s + 10 <= grace_s


def test_the_image_sets_what_exists() -> None:
    """Every STOCKCREW_ variable of the Dockerfile is a setting."""
    named = set(re.findall(r"\b(STOCKCREW_[A-Z_]+)\b", (ROOT / "Dockerfile").read_text()))

    assert named - names_of_settings() == set()
    assert {"STOCKCREW_ENV", "STOCKCREW_HOST", "STOCKCREW_DATA_DIR"} <= named


@pytest.mark.parametrize("file", [COMPOSE, RENDER])
def test_what_several_processes_must_share_is_there(file: str) -> None:
    """And back: the settings without which more than one process cannot work are set, and the secrets have no value in the file."""
    cases = [case for case in CASES if case[0] == file]
    shared = [values["STOCKCREW_SECRET_KEY"] for _, _, values, _ in cases]
    text = (ROOT / file).read_text()

    assert all(
        {"STOCKCREW_ENV", "STOCKCREW_SECRET_KEY", "DATABASE_URL", "STOCKCREW_MODEL", "STOCKCREW_MARKET_DATA"} <= set(case[2]) for case in cases
    )
    assert len(set(shared)) == 1
    assert any("REDIS_URL" in case[2] for case in cases)
    assert not re.search(r"(SECRET_KEY|PASSWORD|API_KEY|BOOTSTRAP_KEY)(: |\n\s+value: )[\"']?[A-Za-z0-9]", text)


def test_the_blueprints_have_the_parts_that_they_promise() -> None:
    """The full one has four, migrates before it deploys and answers the health check; the free one says that it forgets."""
    full, free = (yaml.safe_load((ROOT / file).read_text()) for file in (RENDER, FREE))
    web, worker, keyvalue = full["services"]

    assert [web["type"], worker["type"], keyvalue["type"], len(full["databases"])] == ["web", "worker", "keyvalue", 1]
    assert web["preDeployCommand"] == "stockcrew migrate"
    assert web["healthCheckPath"] == "/readyz"
    assert web["image"] == worker["image"]
    assert keyvalue["ipAllowList"] == full["databases"][0]["ipAllowList"] == []
    assert [(one["type"], one["plan"]) for one in free["services"]] == [("web", "free")]
    assert "ITS DISK FORGETS" in (ROOT / FREE).read_text()


def test_compose_locks_its_containers_down() -> None:
    """Read-only, no capabilities, no new privileges, a limit of memory, and only the API's port, on loopback."""
    services = yaml.safe_load((ROOT / COMPOSE).read_text())["services"]
    ours = [service for service in services.values() if "stockcrew" in service["image"]]

    assert all(one["read_only"] and one["cap_drop"] == ["ALL"] and one["security_opt"] == ["no-new-privileges:true"] for one in ours)
    assert [port for one in services.values() for port in one.get("ports", [])] == ["127.0.0.1:${STOCKCREW_PORT:-8000}:8000"]
    assert set(services["postgres"]["environment"]) <= OTHERS
