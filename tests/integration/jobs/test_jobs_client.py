"""Submitting, joining, reusing, listing and canceling, on SQLite and PostgreSQL."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from crew.domain.analysis import AnalysisRequest
from crew.errors import NotCancelable, NotFound, ReportNotReady, StoreUnavailable
from crew.jobs.client import JobClient
from crew.settings import Settings, inherited_environment
from crew.store.analyses import AnalysisStore
from crew.store.engine import make_engine

if TYPE_CHECKING:
    from conftest import Service

ROOT = Path(__file__).resolve().parents[3]
REQUEST = AnalysisRequest(symbol="AAPL")


def test_the_probe_before_traffic_loads_the_job_engine(sqlite_service: "Service") -> None:
    """A process that was asked whether it is ready has the engine loaded, so that no first post waits seconds for it."""
    program = (
        "import sys\nfrom crew.settings import load_settings\nfrom crew.jobs.client import JobClient\n"
        "client = JobClient(load_settings())\nbefore = 'dbos' in sys.modules\nclient.readiness()\nprint(before, 'dbos' in sys.modules)"
    )
    environment = inherited_environment(PYTHONPATH=str(ROOT), **sqlite_service.variables)
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=60, check=True)

    assert done.stdout.split() == ["False", "True"]


def test_the_same_request_under_way_is_joined(service: "Service") -> None:
    """A second post of a request that waits or runs gives the same analysis; another tenant's does not."""
    first = service.client.submit(REQUEST, tenant="a")
    second = service.client.submit(REQUEST, tenant="a")
    other = service.client.submit(REQUEST, tenant="b")

    assert (second.outcome, second.analysis.id) == ("joined", first.analysis.id)
    assert (other.outcome, other.analysis.id == first.analysis.id) == ("created", False)


def test_many_posts_at_once_give_one_analysis(service: "Service") -> None:
    """Posts of one request from several processes and threads at the same time give one analysis."""
    program = (
        "from concurrent.futures import ThreadPoolExecutor\nfrom crew.settings import load_settings\nfrom crew.jobs.client import JobClient\n"
        "from crew.domain.analysis import AnalysisRequest\nclient = JobClient(load_settings())\n"
        "with ThreadPoolExecutor(8) as pool:\n"
        "    found = set(pool.map(lambda _: client.submit(AnalysisRequest(symbol='AAPL')).analysis.id, range(24)))\nprint(*found)"
    )
    environment = inherited_environment(PYTHONPATH=str(ROOT), **service.variables)
    processes = [subprocess.Popen([sys.executable, "-c", program], env=environment, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    ids = {id for process in processes for id in process.communicate(timeout=60)[0].split()}

    assert len(ids) == 1
    assert len(service.client.list()) == 1


def test_a_fresh_finished_analysis_is_reused_unless_forced(sqlite_service: "Service") -> None:
    """Within the freshness window the same request is answered by the finished analysis; `force` starts anew."""
    service = sqlite_service
    service.start_worker()
    id = service.client.submit(REQUEST).analysis.id
    service.finished(id)

    assert service.client.submit(REQUEST).outcome == "reused"
    assert service.client.submit(AnalysisRequest(symbol="AAPL", force=True)).outcome == "created"


def test_a_finished_analysis_answers_for_its_tenant_whatever_the_cap(sqlite_service: "Service") -> None:
    """A cap in money does not make a finished analysis another one, since reading it costs nothing; another tenant gets none of it."""
    service = sqlite_service
    service.start_worker()
    id = service.client.submit(REQUEST, tenant="a").analysis.id
    service.wait_for(lambda: service.client.get(id, tenant="a").is_terminal)

    capped = service.client.submit(AnalysisRequest(symbol="AAPL", max_cost_usd=0.5), tenant="a")
    assert (capped.outcome, capped.analysis.id) == ("reused", id)
    assert service.client.submit(REQUEST, tenant="b").outcome == "created"


def test_a_different_cap_does_not_join_one_under_way(service: "Service") -> None:
    """Whether an analysis under way succeeds depends on its cap."""
    first = service.client.submit(REQUEST)
    assert service.client.submit(AnalysisRequest(symbol="AAPL", max_cost_usd=0.5)).outcome == "created"
    assert service.client.submit(REQUEST).analysis.id == first.analysis.id


@pytest.mark.parametrize("change", ["model", "fallbacks", "url", "market data", "agents.yaml", "tasks.yaml"])
def test_under_another_configuration_nothing_is_reused(change: str, sqlite_service: "Service", tmp_path: Path) -> None:
    """Same means the same models, fallbacks, address, market data and crew; a comment in agents.yaml changes nothing."""
    service = sqlite_service
    service.start_worker()
    service.finished(service.client.submit(REQUEST).analysis.id)
    agents, tasks = tmp_path / "agents.yaml", tmp_path / "tasks.yaml"
    agents.write_text((ROOT / "agents.yaml").read_text() + "\n# a comment\n")
    tasks.write_text((ROOT / "tasks.yaml").read_text())
    settings = service.settings.model_copy(update={"agents_file": agents, "tasks_file": tasks})
    with closing(JobClient(settings)) as same:
        assert same.submit(REQUEST).outcome == "reused"
        for file, was in ((agents, "Equity analyst"), (tasks, "title: Summary")):
            if file.name == change:
                file.write_text(file.read_text().replace(was, f"{was} of ours"))
                os.utime(file, ns=(1, 1))
                assert same.submit(REQUEST).outcome == "created"
    changes = {
        "model": {"model": "openai/gpt-5-mini"},
        "fallbacks": {"model_fallbacks": ("openai/gpt-5-mini",), "model": "openai/gpt-5-nano"},
        "url": {"model_base_url": "http://127.0.0.1:1/v1"},
        "market data": {"market_data": "yahoo"},
    }
    if change in changes:
        with closing(JobClient(settings.model_copy(update=changes[change]))) as other:
            assert other.submit(REQUEST).outcome == "created"


def test_distinct_requests_posted_together_are_all_kept(service: "Service") -> None:
    """Forty different requests from eight threads are forty analyses afterwards."""
    day = datetime(2026, 3, 12, tzinfo=UTC).date()
    requests = [AnalysisRequest(symbol="MSFT", as_of=day - timedelta(days=number)) for number in range(40)]
    with ThreadPoolExecutor(8) as pool:
        ids = {submission.analysis.id for submission in pool.map(service.client.submit, requests)}

    assert len(ids) == 40
    assert {analysis.id for analysis in service.client.list(limit=100)} == ids


def test_the_list_pages_backwards_by_time_and_id(service: "Service") -> None:
    """Pages follow each other without gap or repeat, and filters hold."""
    for symbol in ("AAPL", "MSFT", "NVDA", "TSLA", "JPM"):
        service.client.submit(AnalysisRequest(symbol=symbol))
    newest = service.client.list(limit=3)
    last = newest[-1]
    rest = service.client.list(limit=3, before=(last.created_at, last.id))

    assert len({item.id for item in (*newest, *rest)}) == 5
    assert [item.request.symbol for item in service.client.list(symbol="JPM")] == ["JPM"]
    assert not service.client.list(status="running")


def test_another_tenants_analysis_does_not_exist(service: "Service") -> None:
    """Every look at another tenant's analysis says that there is none."""
    id = service.client.submit(REQUEST, tenant="a").analysis.id

    for look in (service.client.get, service.client.events, service.client.report, service.client.cancel):
        with pytest.raises(NotFound):
            look(id, tenant="b")


def test_a_waiting_analysis_is_canceled_at_once(service: "Service") -> None:
    """Cancel of what has not begun ends it, frees the request for a new post, and may be repeated."""
    id = service.client.submit(REQUEST).analysis.id

    assert service.client.cancel(id).status == "canceled"
    assert service.client.cancel(id).status == "canceled"
    assert service.client.submit(REQUEST).outcome == "created"
    with pytest.raises(ReportNotReady):
        service.client.report(id)


def test_what_has_succeeded_cannot_be_canceled(sqlite_service: "Service") -> None:
    """Cancel of a finished analysis is refused."""
    sqlite_service.start_worker()
    id = sqlite_service.client.submit(REQUEST).analysis.id
    sqlite_service.finished(id)

    with pytest.raises(NotCancelable):
        sqlite_service.client.cancel(id)


def test_old_analyses_are_deleted_with_all_that_is_theirs(service: "Service") -> None:
    """Retention removes ended analyses and their events, and leaves those under way."""
    old = service.client.submit(REQUEST).analysis.id
    service.client.cancel(old)
    kept = service.client.submit(AnalysisRequest(symbol="MSFT")).analysis.id
    store = AnalysisStore(make_engine(service.settings))

    found = store.finished_before(datetime.now(UTC) + timedelta(seconds=5), limit=10)
    store.delete(found)

    assert list(found) == [old]
    assert [analysis.id for analysis in service.client.list()] == [kept]
    assert store.events(old, after=0, limit=10) == []


def test_a_folder_that_is_a_file_is_named(tmp_path: Path) -> None:
    """A data folder that cannot be made gives one clear error that names it and what to set."""
    blocked = tmp_path / "file"
    blocked.write_text("in the way")

    with pytest.raises(StoreUnavailable, match=r"file/data cannot be written .* set STOCKCREW_DATA_DIR"):
        JobClient(Settings(data_dir=blocked / "data")).submit(REQUEST)
