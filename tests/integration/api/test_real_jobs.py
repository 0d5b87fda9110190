"""The door over the real job client and a real SQLite file, without a worker: jobs wait, and nothing is lost."""

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from api.app import create_app
from api.services import of
from crew.jobs.migrate import migrate
from crew.settings import Settings

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = Settings(data_dir=tmp_path, stream_max_s=1)
    migrate(made)
    return made


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    made = create_app(settings)
    yield made
    of(made).jobs.close()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def test_without_a_worker_jobs_wait_and_readyz_says_so(client: FlaskClient) -> None:
    """The post is accepted, the analysis is queued and listed, its log has begun, and readyz names the missing worker."""
    made = client.post("/v1/analyses", json={"symbol": "aapl"})
    id = made.get_json()["id"]
    ready = client.get("/readyz")

    assert made.status_code == 202
    assert client.get(f"/v1/analyses/{id}").get_json()["status"] == "queued"
    assert [event["type"] for event in client.get(f"/v1/analyses/{id}/events").get_json()["data"]] == ["analysis.queued"]
    assert "event: snapshot" in client.get(f"/v1/analyses/{id}/events", headers={"Accept": "text/event-stream"}).get_data(as_text=True)
    assert client.get(f"/v1/analyses/{id}/report").get_json()["code"] == "report_not_ready"
    assert (ready.status_code, ready.get_json()["status"]) == (200, "degraded")
    assert "wait" in ready.get_json()["checks"]["worker"]["detail"]


def test_what_was_accepted_survives_a_restart(settings: Settings, client: FlaskClient) -> None:
    """A new process finds every analysis that the one before accepted."""
    made = [client.post("/v1/analyses", json={"symbol": symbol}).get_json()["id"] for symbol in ("AAPL", "MSFT", "NVDA")]
    second = create_app(settings)
    listed = second.test_client().get("/v1/analyses?limit=2").get_json()
    rest = second.test_client().get(f"/v1/analyses?limit=2&cursor={listed['next_cursor']}").get_json()
    of(second).jobs.close()

    assert [item["id"] for item in listed["data"] + rest["data"]] == made[::-1]


def test_two_hundred_posts_of_one_request_at_once_are_one_analysis(app: Flask, client: FlaskClient) -> None:
    """However many ask for the same at the same time, it is carried out once, and every asker is told which it is."""
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: app.test_client().post("/v1/analyses", json={"symbol": "AAPL"}), range(200)))

    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.get_json()["id"] for answer in answers}) == 1
    assert len(client.get("/v1/analyses").get_json()["data"]) == 1


def test_canceling_what_waits_ends_it(client: FlaskClient) -> None:
    """A queued analysis is canceled at once; its stream ends with done, and a reconnect is told to stop."""
    id = client.post("/v1/analyses", json={"symbol": "AAPL"}).get_json()["id"]
    canceled = client.post(f"/v1/analyses/{id}/cancel")
    stream = client.get(f"/v1/analyses/{id}/events", headers={"Accept": "text/event-stream"}).get_data(as_text=True)
    last = max(int(line.removeprefix("id: ")) for line in stream.splitlines() if line.startswith("id: "))
    over = client.get(f"/v1/analyses/{id}/events", headers={"Accept": "text/event-stream", "Last-Event-ID": str(last)})

    assert (canceled.status_code, canceled.get_json()["status"]) == (200, "canceled")
    assert stream.rstrip().splitlines()[-2] == "event: done"
    assert over.status_code == 204


def test_a_document_is_attached_by_its_id_and_kept_while_it_is_needed(client: FlaskClient) -> None:
    """An unknown id is 422 and named by its place; an attached document cannot be deleted until the analysis has ended."""
    document = client.post("/v1/documents?name=notes.txt&as_of=2026-02-01", data="Net sales rose.", content_type="text/plain").get_json()["id"]
    unknown = client.post("/v1/analyses", json={"symbol": "AAPL", "documents": [document, "do_" + "a" * 26]})
    late = client.post("/v1/analyses", json={"symbol": "AAPL", "as_of": "2026-01-31", "documents": [document]})
    made = client.post("/v1/analyses", json={"symbol": "AAPL", "documents": [document]})
    in_use = client.delete(f"/v1/documents/{document}")
    client.post(f"/v1/analyses/{made.get_json()['id']}/cancel")

    assert [(answer.status_code, answer.get_json()["code"]) for answer in (unknown, late)] == [(422, "invalid_request")] * 2
    assert [error["pointer"] for answer in (unknown, late) for error in answer.get_json()["errors"]] == ["#/documents/1", "#/documents/0"]
    assert "2026-01-31" in late.get_json()["detail"]
    assert (made.status_code, made.get_json()["documents"]) == (202, [document])
    assert (in_use.status_code, in_use.get_json()["code"]) == (409, "document_in_use")
    assert client.delete(f"/v1/documents/{document}").status_code == 204
    assert len(client.get("/v1/analyses").get_json()["data"]) == 1


def test_a_database_that_goes_away_is_503_and_comes_back(settings: Settings, client: FlaskClient) -> None:
    """While the tables are gone every request is 503; nothing of the database's insides is told."""
    file = settings.data_dir / "stockcrew.db"
    kept = file.read_bytes()
    for path in settings.data_dir.glob("stockcrew.db*"):
        path.unlink()
    file.write_bytes(b"this is no database" * 100)
    broken = client.post("/v1/analyses", json={"symbol": "AAPL"})
    ready = client.get("/readyz")
    for path in settings.data_dir.glob("stockcrew.db*"):
        path.unlink()
    file.write_bytes(kept)

    assert (broken.status_code, broken.get_json()["code"]) == (503, "store_unavailable")
    assert str(settings.data_dir) not in broken.get_data(as_text=True)
    assert ready.status_code == 503


def test_a_data_folder_that_is_a_file_is_one_clear_sentence(tmp_path: Path) -> None:
    """The server does not start where no folder can be, and says which variable to set."""
    (tmp_path / "data").write_text("x")
    assert_refused(tmp_path / "data")


def test_a_read_only_place_is_one_clear_sentence() -> None:
    """The server does not start where nothing can be written, not even by root."""
    assert_refused(Path("/proc/stockcrew"))


def assert_refused(folder: Path) -> None:
    environment = {**os.environ, "STOCKCREW_DATA_DIR": str(folder), "PORT": "0"}
    run = subprocess.run([sys.executable, "-m", "api.server"], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)

    sentences = [line for line in run.stderr.splitlines() if line.startswith("stockcrew: ")]
    assert run.returncode in {1, 2}
    assert len(sentences) == 1
    assert "STOCKCREW_DATA_DIR" in sentences[0]
    assert "Traceback" not in run.stderr
