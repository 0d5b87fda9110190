"""`stockcrew doctor`: looks at everything the service relies on and says what to fix."""

import sqlite3
import sys
import tempfile
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from crew import __version__
from crew.blueprint.catalog import TOOLS
from crew.blueprint.loader import load_blueprint
from crew.domain.base import Value
from crew.domain.draft import SCHEMAS
from crew.errors import StockcrewError
from crew.settings import Settings

PACKAGES = ("crewai", "dbos", "flask", "gunicorn", "langchain", "yfinance", "requests")


class Finding(Value):
    """One thing looked at: whether it is well, and in one sentence what was seen or what to do."""

    name: str
    ok: bool
    detail: str


def examine(settings: Settings) -> list[Finding]:
    """Look at versions, folders, crew, database, market data and model. Never raises for what it finds wrong."""
    checks: dict[str, Callable[[Settings], str]] = {
        "versions": _versions,
        "data folder": _data_folder,
        "home folder": _home_folder,
        "crew": _crew,
        "database": _database,
        "market data": _market_data,
        "model": _model,
    }
    return [_run(name, check, settings) for name, check in checks.items()]


def _run(name: str, check: Callable[[Settings], str], settings: Settings) -> Finding:
    try:
        return Finding(name=name, ok=True, detail=check(settings))
    except StockcrewError as error:
        return Finding(name=name, ok=False, detail=error.message)
    except (OSError, RuntimeError) as error:
        return Finding(name=name, ok=False, detail=str(error) or type(error).__name__)


def _versions(_settings: Settings) -> str:
    missing = []
    found = [f"stockcrew {__version__}", f"Python {sys.version.split()[0]}", f"SQLite {sqlite3.sqlite_version}"]
    for package in PACKAGES:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            missing.append(package)
    if missing:
        raise RuntimeError(f"{', '.join(missing)} not installed: pip install --require-hashes -r requirements.txt")
    if sys.version_info >= (3, 12) and sqlite3.sqlite_version_info < (3, 42):
        raise RuntimeError("Python 3.12 and newer need SQLite 3.42 or newer here: use Python 3.11 or a newer SQLite")
    return ", ".join(found)


def _writable(folder: Path) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder):
        pass
    return f"{folder.resolve()} can be written"


def _data_folder(settings: Settings) -> str:
    try:
        return _writable(settings.data_dir)
    except OSError as error:
        raise RuntimeError(f"{settings.data_dir} cannot be written ({error.strerror}): set STOCKCREW_DATA_DIR to a folder that can") from None


def _home_folder(settings: Settings) -> str:
    try:
        return _writable(Path.home())
    except (OSError, RuntimeError):
        return f"HOME cannot be written; {settings.data_dir} is used in its place"


def _crew(settings: Settings) -> str:
    blueprint = load_blueprint(settings.agents_file, settings.tasks_file, tools=TOOLS, schemas=SCHEMAS)
    return f"{len(blueprint.agents)} agents and {len(blueprint.tasks)} tasks in {settings.agents_file.name} and {settings.tasks_file.name}"


def _database(settings: Settings) -> str:
    from crew.jobs.client import JobClient  # noqa: PLC0415 - a broken database must not keep the other checks from running

    client = JobClient(settings)
    try:
        readiness = client.readiness()
    finally:
        client.close()
    failing = {name: check.detail for name, check in readiness.checks.items() if not check.ok and name != "worker"}
    kind = "SQLite" if settings.is_sqlite else "PostgreSQL"
    if failing.keys() == {"migrations"}:
        if settings.env == "local":
            return f"{kind}, {failing['migrations']}: `stockcrew serve` and `stockcrew worker` migrate it when they start"
        raise RuntimeError(f"{kind} is {failing['migrations']}: run `stockcrew migrate`")
    if failing:
        raise RuntimeError("; ".join(f"{name}: {detail}" for name, detail in failing.items()))
    return kind


def _market_data(settings: Settings) -> str:
    from crew.market.factory import market_data  # noqa: PLC0415 - imports the provider's library only here

    health = market_data(settings).health()
    if not health.ok:
        raise RuntimeError(health.detail)
    return f"{settings.market_data}: {health.detail}"


def _model(settings: Settings) -> str:
    from crew.agents.models import check_model  # noqa: PLC0415 - imports CrewAI only here

    return check_model(settings.model, settings)
