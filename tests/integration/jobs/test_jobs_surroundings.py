"""The jobs in bad surroundings: full disk, locked file, missing or read-only folder, a database that was never migrated."""

import json
import signal
import sqlite3
import subprocess
import sys
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from crew.domain.analysis import AnalysisRequest
from crew.errors import ConfigurationError, StoreUnavailable
from crew.jobs.client import JobClient
from crew.jobs.migrate import ensure_migrated, migrate
from crew.loopback import free_port
from crew.settings import Settings, inherited_environment
from crew.store.engine import make_engine
from crew.store.tables import analyses, metadata

if TYPE_CHECKING:
    from conftest import Service

ROOT = Path(__file__).resolve().parents[3]
REQUEST = AnalysisRequest(symbol="AAPL")
FILL = """
import resource, sys
from crew.domain.analysis import AnalysisRequest
from crew.errors import StoreUnavailable
from crew.jobs.client import JobClient
from crew.settings import load_settings
client = JobClient(load_settings())
client.submit(AnalysisRequest(symbol="A0"))
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), int(sys.argv[1])))
accepted = 1
try:
    for number in range(1, 3000):
        client.submit(AnalysisRequest(symbol=f"A{number}"))
        accepted += 1
except StoreUnavailable as error:
    print(accepted, error.message)
"""


def _rows(service: "Service", table: str) -> int:
    with make_engine(service.settings).connect() as connection:
        return int(connection.execute(sa.text(f"SELECT count(*) FROM {table}")).scalar_one())


def test_a_full_disk_refuses_and_loses_nothing(sqlite_service: "Service") -> None:
    """When the file can grow no more a post fails by name, what was accepted stays, and no half of an analysis is left."""
    size = (sqlite_service.settings.data_dir / "stockcrew.db").stat().st_size
    environment = inherited_environment(PYTHONPATH=str(ROOT), **sqlite_service.variables)
    run = subprocess.run([sys.executable, "-c", FILL, str(size + 400_000)], env=environment, capture_output=True, text=True, timeout=120, check=True)
    accepted, problem = run.stdout.strip().split(" ", 1)

    assert int(accepted) >= 3
    assert problem.startswith("the database cannot be used")
    assert _rows(sqlite_service, "analyses") == int(accepted)
    assert _rows(sqlite_service, "workflow_status") == int(accepted)
    assert _rows(sqlite_service, "events") == int(accepted)


def test_a_locked_file_refuses_by_name_and_recovers(sqlite_service: "Service") -> None:
    """While somebody holds the write lock a post fails as unavailable, reading goes on, and afterwards posts work again."""
    client = JobClient(sqlite_service.settings, patience_s=0.2)
    kept = client.submit(REQUEST).analysis.id
    holder = sqlite3.connect(sqlite_service.settings.data_dir / "stockcrew.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="locked"):
        client.submit(AnalysisRequest(symbol="MSFT"))
    assert client.get(kept).status == "queued"
    assert client.readiness().checks["database"].ok
    holder.execute("ROLLBACK")
    holder.close()

    assert client.submit(AnalysisRequest(symbol="MSFT")).outcome == "created"
    client.close()


def test_production_refuses_a_database_that_was_not_migrated(tmp_path: Path) -> None:
    """Outside of `local` nothing migrates by itself: the error names the command; after it all is well."""
    settings = Settings(env="production", secret_key="k" * 32, data_dir=tmp_path)
    with pytest.raises(ConfigurationError, match="run `stockcrew migrate` first"):
        ensure_migrated(settings)
    migrate(settings)
    ensure_migrated(settings)


def test_production_refuses_a_folder_that_is_missing(tmp_path: Path) -> None:
    """In production a missing data folder is an unmounted disk, not a reason to begin afresh."""
    settings = Settings(env="production", secret_key="k" * 32, data_dir=tmp_path / "unmounted")
    with pytest.raises(ConfigurationError, match="does not exist"):
        migrate(settings)
    assert not (tmp_path / "unmounted").exists()


def test_a_read_only_folder_is_named() -> None:
    """A folder that cannot be written gives one error that names it and the variable to set. /proc refuses even root."""
    settings = Settings(data_dir=Path("/proc/self/stockcrew"))
    with pytest.raises(StoreUnavailable, match=r"/stockcrew cannot be written .* STOCKCREW_DATA_DIR"):
        migrate(settings)


def test_processes_may_migrate_at_the_same_time(empty_database: dict[str, str]) -> None:
    """API and worker that start together on an empty database both come up."""
    program = "from crew.jobs.migrate import migrate\nfrom crew.settings import load_settings\nmigrate(load_settings())"
    environment = inherited_environment(PYTHONPATH=str(ROOT), **empty_database)
    command = [sys.executable, "-c", program]
    runs = [subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    errors = [run.communicate(timeout=90)[1] for run in runs]

    assert [run.returncode for run in runs] == [0, 0, 0, 0], [error[-800:] for error in errors]


def test_the_migrations_lead_to_the_tables(service: "Service") -> None:
    """The tables that the migrations make are those that the code declares."""
    ours = set(metadata.tables)
    with make_engine(service.settings).connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"include_name": lambda name, kind, _parents: kind != "table" or name in ours, "compare_type": True}
        )
        assert compare_metadata(context, metadata) == []


def test_a_database_out_of_reach_is_told_not_raised() -> None:
    """Readiness with an unreachable database says so, and a post fails as unavailable, within seconds."""
    client = JobClient(Settings(database_url="postgresql://nobody@127.0.0.1:9/none"))

    assert not client.readiness().checks["database"].ok
    with pytest.raises(StoreUnavailable):
        client.submit(REQUEST)


def test_checkpoints_are_json(service: "Service") -> None:
    """Nothing that the engine stores for a job is a pickle: every value names our serializer and is JSON."""
    id = service.client.submit(REQUEST).analysis.id
    service.start_worker()
    service.finished(id)
    schema = "" if service.settings.is_sqlite else "dbos."
    service.wait_for(lambda: _rows(service, f"{schema}workflow_status WHERE status = 'SUCCESS'"))  # which the engine notes after the last step
    queries = (
        f"SELECT output, serialization FROM {schema}operation_outputs",
        f"SELECT o.output, w.serialization FROM {schema}workflow_status w JOIN {schema}workflow_output o USING (workflow_uuid)",
        f"SELECT i.inputs, w.serialization FROM {schema}workflow_status w JOIN {schema}workflow_input i USING (workflow_uuid)",
    )
    with make_engine(service.settings).connect() as connection:
        stored = [row for query in queries for row in connection.execute(sa.text(query)).all()]

    assert {row[1] for row in stored} == {"stockcrew_json"}
    assert len(stored) >= 10
    for row in stored:
        json.loads(row[0])


def test_old_analyses_go_with_the_engines_rows(service: "Service") -> None:
    """The worker deletes what ended longer ago than the retention, ours and the engine's, and keeps the rest."""
    old, kept = (service.client.submit(AnalysisRequest(symbol=symbol)).analysis.id for symbol in ("AAPL", "MSFT"))
    service.client.cancel(old)
    long_ago = datetime.now(UTC) - timedelta(days=31)
    with make_engine(service.settings).begin() as connection:
        connection.execute(sa.update(analyses).where(analyses.c.id == old).values(finished_at=long_ago))
    service.start_worker()
    service.finished(kept)
    service.wait_for(lambda: [analysis.id for analysis in service.client.list()] == [kept])
    schema = "" if service.settings.is_sqlite else "dbos."

    assert _rows(service, f"{schema}workflow_status") == 1
    assert _rows(service, "events WHERE analysis_id <> '" + kept + "'") == 0


def test_the_worker_serves_its_metrics(sqlite_service: "Service") -> None:
    """The worker's own port tells of steps, model calls, tokens and ended analyses."""
    id, port = sqlite_service.client.submit(REQUEST).analysis.id, free_port()
    worker = sqlite_service.start_worker(STOCKCREW_WORKER_METRICS_PORT=str(port))
    sqlite_service.finished(id)
    # Counted once the end is in the database, so that it may be read a moment too early.
    sqlite_service.wait_for(lambda: 'stockcrew_analyses_ended_total{status="succeeded"} 1.0' in _get(f"http://127.0.0.1:{port}/metrics"))
    text = _get(f"http://127.0.0.1:{port}/metrics")

    assert 'stockcrew_model_calls_total{agent="analyst",model="fake",outcome="ok"} 4.0' in text
    assert 'stockcrew_model_tokens_total{kind="prompt",model="fake"} 80.0' in text
    assert 'stockcrew_step_duration_seconds_count{step="compute"} 1.0' in text
    worker.send_signal(signal.SIGINT)
    assert worker.wait(timeout=30) == 0


def _get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=5) as answer:
        return str(answer.read().decode())


def test_counts_tell_the_queue(service: "Service") -> None:
    """Metrics get the number of analyses by status and the age of the oldest that waits."""
    now = datetime.now(UTC)
    times: list[Any] = [now - timedelta(seconds=40), now - timedelta(seconds=30)]
    client = JobClient(service.settings, clock=lambda: times.pop(0) if times else now)
    id = client.submit(REQUEST).analysis.id
    service.client.cancel(service.client.submit(AnalysisRequest(symbol="MSFT")).analysis.id)
    counts = client.counts()
    client.close()

    assert counts.by_status == {"queued": 1, "canceled": 1}
    assert 25 <= counts.oldest_waiting_s <= 45
    assert service.client.get(id).status == "queued"
