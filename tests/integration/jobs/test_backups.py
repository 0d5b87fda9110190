"""Backup and restore by the commands of docs/operations.md, of a service that goes on writing meanwhile."""

import os
import re
import sqlite3
import stat
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from fakes.postgres import fresh_database

from api.app import create_app
from crew.cli import main
from crew.domain.analysis import AnalysisRequest
from crew.jobs.client import JobClient
from crew.jobs.migrate import migrate
from crew.settings import Settings, inherited_environment
from crew.store.engine import make_engine
from crew.store.keys import KeyStore

if TYPE_CHECKING:
    from conftest import Service

ROOT = Path(__file__).resolve().parents[3]
FORMS = ("application/json", "text/markdown", "text/html")


def commands(word: str) -> list[str]:
    """The commands of the documentation's console block in which `word` stands."""
    section = (ROOT / "docs/operations.md").read_text().partition("## Backups and restore")[2].partition("\n## ")[0]
    (block,) = (block for block in re.findall(r"```console\n(.*?)```", section, re.DOTALL) if word in block)
    return re.findall(r"^\$ (.+)$", block, re.MULTILINE)


def run(command: str, **variables: str) -> None:
    """Run one of them."""
    programs = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = inherited_environment(**variables) | {"PATH": programs, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(["bash", "-euc", command], env=environment, cwd="/", capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def read(service: "Service", ids: list[str]) -> dict[tuple[str, str], bytes]:
    """Reports, states and logs as the API sends them."""
    door = create_app(service.settings).test_client()
    paths = [(f"/v1/analyses/{id}/report", form) for id in ids for form in FORMS]
    paths += [(f"/v1/analyses/{id}{rest}", FORMS[0]) for id in ids for rest in ("", "/events?limit=100")]
    answers = {(path, form): door.get(path, headers={"Accept": form}) for path, form in paths}
    assert {answer.status_code for answer in answers.values()} == {200}
    return {key: answer.data for key, answer in answers.items()}


class Life:
    """What a service had when its backup was begun: `finished` ids, one `running`, and at least `queued`."""

    def __init__(self, service: "Service") -> None:
        self.service = service
        self.finished = [self._submit(symbol=symbol) for symbol in ("AAPL", "MSFT")]
        service.start_worker(STOCKCREW_WORKER_CONCURRENCY="1")
        for id in self.finished:
            assert service.finished(id).status == "succeeded"
        service.hold("research")
        self.running = self._submit(symbol="NVDA")
        service.await_end_of("fundamentals", "technicals")
        self.queued = [self._submit(symbol="JPM")]
        KeyStore(make_engine(service.settings)).issue("local", tenant="local", name="kept", scopes=["read"])

    def _submit(self, **request: Any) -> str:
        return self.service.client.submit(AnalysisRequest(**request)).analysis.id

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Analyses go on being accepted while the block runs; those accepted before it are `queued`."""
        stop, begun = threading.Event(), threading.Event()

        def write() -> None:
            for number in range(200):
                id = self._submit(symbol="TSLA", as_of=date(2026, 3, 10) - timedelta(days=number))
                if not begun.is_set():
                    self.queued.append(id)
                    if len(self.queued) > 4:
                        begun.set()
                if stop.wait(0.5 if begun.is_set() else 0.05):
                    return

        writer = threading.Thread(target=write)
        writer.start()
        assert begun.wait(30)
        try:
            yield
        finally:
            assert writer.is_alive()
            stop.set()
            writer.join()


def assert_goes_on(life: Life, restored: "Service") -> None:
    """Everything of the backup is there, unchanged, and the work that was not done goes on where it was."""
    assert read(restored, life.finished) == read(life.service, life.finished)
    ours, theirs = (KeyStore(make_engine(one.settings)).list(tenant="local") for one in (life.service, restored))
    assert [key.name for key in theirs] == ["kept"]
    assert ours == theirs
    assert restored.client.get(life.running).status == "running"
    assert {restored.client.get(id).status for id in life.queued} == {"queued"}

    restored.start_worker()
    for id in (life.running, *life.queued):
        assert restored.finished(id, seconds=60).status == "succeeded"
    done = Counter(event.data["step"] for event in restored.client.events(life.running, limit=500) if event.type == "step.finished")
    assert set(done.values()) == {1}
    copied = [one.id for one in restored.client.list(limit=300)]
    for id in copied:
        restored.finished(id, seconds=60)
    # What the running analysis had finished is begun by the others alone; what it was cut off in, once more by itself.
    others, begun = len(copied) - len(life.finished) - 1, Counter(restored.steps())
    assert [begun[f"begin {step}"] for step in ("fundamentals", "technicals", "research")] == [others, others, others + 1]
    assert read(restored, [life.running])


def test_sqlite_is_backed_up_while_it_is_written_and_restored(sqlite_service: "Service", tmp_path: Path) -> None:
    """`stockcrew backup` beside a worker and an API that write; a service in a new folder goes on from the copy."""
    backup, folder = tmp_path / "backup.db", tmp_path / "restored"
    (folder / "data").mkdir(parents=True)
    (take,) = commands("stockcrew backup")
    life = Life(sqlite_service)
    with life.writing():
        run(take, BACKUP=str(backup), STOCKCREW_DATA_DIR=str(sqlite_service.settings.data_dir))
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    for command in commands("$NEW_DATA_DIR"):
        run(command, BACKUP=str(backup), NEW_DATA_DIR=str(folder / "data"))

    restored = type(sqlite_service)(folder, "")
    try:
        assert_goes_on(life, restored)
    finally:
        restored.close()


@pytest.mark.postgres
def test_postgresql_is_backed_up_while_it_is_written_and_restored(postgres_service: "Service", tmp_path: Path) -> None:
    """pg_dump beside a worker and an API that write, pg_restore into an empty database; a service goes on there."""
    dump, *restoring = commands("pg_dump")
    life = Life(postgres_service)
    with life.writing():
        run(dump, BACKUP=str(tmp_path / "dump"), DATABASE_URL=postgres_service.settings.database_url)
    with fresh_database() as url:
        for command in restoring:
            run(command, BACKUP=str(tmp_path / "dump"), NEW_DATABASE_URL=url)
        (tmp_path / "restored").mkdir()
        restored = type(postgres_service)(tmp_path / "restored", url)
        try:
            assert_goes_on(life, restored)
        finally:
            restored.close()


@pytest.fixture
def backup(tmp_path: Path) -> Callable[..., tuple[int, str]]:
    """Runs `stockcrew backup FILE`; exit code and output."""

    def run_it(file: Path, **variables: str) -> tuple[int, str]:
        environment = {"STOCKCREW_DATA_DIR": str(tmp_path / "data"), **variables}
        done = CliRunner().invoke(main, ["backup", str(file)], env=environment)
        return done.exit_code, done.output

    return run_it


def test_a_backup_that_cannot_be_taken_says_why(backup: Callable[..., tuple[int, str]], tmp_path: Path) -> None:
    """No database, PostgreSQL, a file that exists, a folder that does not: one sentence, nothing half written, nothing overwritten."""
    file = tmp_path / "backup.db"
    code, said = backup(file)
    assert code == 2
    assert f"there is no database {tmp_path}/data/stockcrew.db" in said
    assert "pg_dump" in backup(file, DATABASE_URL="postgresql://u@h/n")[1]
    settings = Settings(data_dir=tmp_path / "data")
    migrate(settings)
    assert backup(file)[0] == 0
    kept = file.read_bytes()
    assert backup(file)[0] == 2
    assert file.read_bytes() == kept
    assert backup(tmp_path / "missing" / "backup.db")[0] == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["backup.db", "data"]

    with sqlite3.connect(file) as copy:
        assert copy.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    JobClient(settings).close()


def test_a_damaged_database_gives_no_backup(backup: Callable[..., tuple[int, str]], tmp_path: Path) -> None:
    """A copy that fails its check is not kept."""
    settings = Settings(data_dir=tmp_path / "data")
    migrate(settings)
    database = tmp_path / "data" / "stockcrew.db"
    with sqlite3.connect(database) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with database.open("r+b") as file:
        file.seek(4096 * 3)
        file.write(b"\xff" * 4096 * 4)
    code, said = backup(tmp_path / "backup.db")

    assert code == 1
    assert "store_unavailable" in said
    assert not (tmp_path / "backup.db").exists()
