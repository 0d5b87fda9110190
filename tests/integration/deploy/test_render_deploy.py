"""Deploying to Render and rolling back, against a loopback stand-in for its API."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from fakes.render_desk import DEPLOY, NEW, OLD, WEB, WORKER, Desk
from fakes.render_server import GOOD, KEY, serve_render

from deploy.render.deploy import FAILED

ROOT = Path(__file__).resolve().parents[3]


class _Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>Welcome</title>")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def a_web_page() -> Iterator[str]:
    """A server that answers everything with a page."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Page) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_deploy_goes_live_and_names_what_was_before(desk: Desk) -> None:
    """Every state on the way is told with its meaning, and the result names the deploy and the one before."""
    run = desk.run(*DEPLOY)

    assert run.code == 0
    assert run.out == {WEB: {"deploy": "dep-0003", "previous": "dep-0001", "image": NEW, "commit": ""}}
    assert all(f"dep-0003: {state} (" in run.err for state in GOOD)
    assert desk.render.live(WEB).image == NEW


def test_a_commit_can_be_deployed(desk: Desk) -> None:
    """A service built from a repository takes a commit in place of an image."""
    run = desk.run("deploy", "--commit", "0123abc")

    assert run.code == 0
    assert desk.render.live(WEB).commit == "0123abc"


@pytest.mark.parametrize("state", FAILED)
def test_every_bad_end_is_told(desk: Desk, state: str) -> None:
    """Each state in which a deploy fails ends the wait with exit code 1 and says what it means; the old deploy stays."""
    desk.render.outcomes[WEB] = [("created", "build_in_progress", state)]
    run = desk.run(*DEPLOY)

    assert run.code == 1
    assert f"{state}: " in run.err.splitlines()[-1]
    assert desk.render.live(WEB).image == OLD


def test_a_deploy_that_another_one_replaced_is_no_success(desk: Desk) -> None:
    """`deactivated` means that it was live once; that is told as exit code 4, not as success."""
    desk.render.outcomes[WEB] = [("created", "update_in_progress", "deactivated")]

    assert desk.run(*DEPLOY).code == 4


def test_an_unknown_state_is_waited_through(desk: Desk) -> None:
    """A state that Render may add one day is named and does not end the wait."""
    desk.render.outcomes[WEB] = [("created", "warming_up", "live")]
    run = desk.run(*DEPLOY)

    assert run.code == 0
    assert "warming_up (a state that this program does not know" in run.err


def test_a_queued_deploy_without_a_body_is_found_in_the_list(desk: Desk) -> None:
    """202 with an empty body: the deploy appears in the list a little later."""
    desk.render.queued = True
    run = desk.run(*DEPLOY)

    assert (run.code, run.out[WEB]["deploy"]) == (0, "dep-0003")


def test_a_deploy_of_somebody_else_is_not_taken_for_ours(desk: Desk) -> None:
    """While ours is queued another image appears in the list: it is not the one that is waited for."""
    desk.render.queued = True
    begin = desk.render.begin

    def begin_two(service: str, **what: Any) -> Any:
        made = begin(service, **what)
        desk.render.add(service, "build_failed", image=OLD)
        return made

    desk.render.begin = begin_two  # type: ignore[method-assign]
    run = desk.run(*DEPLOY)

    assert (run.code, run.out[WEB]["deploy"]) == (0, "dep-0003")


def test_a_connection_lost_after_the_request_does_not_deploy_twice(desk: Desk) -> None:
    """The answer is lost, the deploy was begun: it is found and followed, and asked for once only."""
    desk.render.drop_after_post = True
    run = desk.run(*DEPLOY)

    assert run.code == 0
    assert desk.render.requests.count(f"POST /v1/services/{WEB}/deploys") == 1


def test_too_many_requests_are_waited_out(desk: Desk) -> None:
    """429 waits as long as the header says, and longer each time without one; nothing is lost."""
    desk.render.faults = [("POST", 429, {"Ratelimit_Reset": "17"}), ("POST", 429, {}), ("POST", 429, {"Ratelimit_Reset": "soon"})]
    run = desk.run(*DEPLOY)

    assert run.code == 0
    assert desk.time.slept[:3] == [17, 2, 4]


def test_errors_of_render_while_waiting_are_borne(desk: Desk) -> None:
    """A look that fails with 500 is repeated."""
    desk.render.faults = [("GET", 503, {}), ("GET", 500, {}), ("GET", 502, {})]

    assert desk.run(*DEPLOY).code == 0


def test_the_time_given_is_kept(desk: Desk) -> None:
    """A deploy that never ends gives exit code 3 after the time given, not later."""
    desk.render.outcomes[WEB] = [["build_in_progress"] * 1000]
    run = desk.run("--timeout", "120", *DEPLOY)

    assert run.code == 3
    assert 110 <= desk.time.monotonic() <= 120


def test_render_that_cannot_be_reached_is_told(desk: Desk) -> None:
    """Nothing listens: exit code 5 once the time is over."""
    run = desk.run("--timeout", "20", "status", RENDER_API_URL="http://127.0.0.1:9/v1")

    assert run.code in {3, 5}
    assert "time given is over" in run.err or "cannot be reached" in run.err


@pytest.mark.parametrize(
    ("arguments", "environment", "said"),
    [
        (DEPLOY, {"RENDER_API_KEY": ""}, "RENDER_API_KEY is not set"),
        (DEPLOY, {"RENDER_API_KEY": "wrong"}, "RENDER_API_KEY is not valid"),
        (DEPLOY, {"RENDER_SERVICE_ID": ""}, "RENDER_SERVICE_ID is not set"),
        (DEPLOY, {"RENDER_SERVICE_ID": "srv-none"}, "check RENDER_SERVICE_ID"),
        (("deploy", "--image", "docker.io/me/stockcrew:latest"), {}, "must name a digest"),
        (("deploy", "--image", NEW.replace("me/stockcrew", "you/other")), {}, "must match the service's image"),
        (("deploy", "--commit", "main"), {}, "hexadecimal"),
        (("rollback", "--to", "dep-none"), {}, "no such service or deploy"),
        (("rollback",), {}, "no earlier deploy"),
        (("previous",), {}, "no earlier deploy"),
    ],
)
def test_what_is_wrong_is_said(desk: Desk, arguments: tuple[str, ...], environment: dict[str, str], said: str) -> None:
    """A wrong request or configuration is exit code 2 and a sentence that says what to do; the key is never shown."""
    run = desk.run(*arguments, **environment)

    assert run.code == 2
    assert said in run.err
    assert KEY not in run.err
    assert "wrong" not in run.err


def test_an_address_that_is_not_renders_api_is_told(desk: Desk) -> None:
    """An answer that is no JSON is named, instead of a traceback."""
    with a_web_page() as url:
        run = desk.run("status", RENDER_API_URL=url)

    assert run.code == 5
    assert "does not speak Render's API" in run.err


def test_the_status_of_a_new_service(desk: Desk) -> None:
    """A service that was never deployed has nothing live and nothing last."""
    desk.render.deploys[WEB] = []
    run = desk.run("status")

    assert (run.code, run.out) == (0, {WEB: {"live": None, "last": None}})


def test_web_goes_before_worker(desk: Desk) -> None:
    """The web service's pre-deploy command migrates, so the worker follows it."""
    run = desk.run(*DEPLOY, RENDER_WORKER_SERVICE_ID=WORKER)

    assert run.code == 0
    assert list(run.out) == [WEB, WORKER]
    posts = [line for line in desk.render.requests if line.startswith("POST")]
    assert posts == [f"POST /v1/services/{WEB}/deploys", f"POST /v1/services/{WORKER}/deploys"]


def test_a_worker_that_fails_takes_the_web_service_back(desk: Desk) -> None:
    """Both must run the same: the web service is rolled back to what was live, and the exit code is the failure's."""
    desk.render.outcomes[WORKER] = [("created", "update_failed")]
    run = desk.run(*DEPLOY, RENDER_WORKER_SERVICE_ID=WORKER)

    assert run.code == 1
    assert [desk.render.live(service).image for service in (WEB, WORKER)] == [OLD, OLD]
    assert "rolling back to dep-0001" in run.err


def test_taking_back_has_time_of_its_own(desk: Desk) -> None:
    """Even when the worker used up all the time, the web service is rolled back."""
    desk.render.outcomes[WORKER] = [["build_in_progress"] * 1000]
    run = desk.run("--timeout", "300", *DEPLOY, RENDER_WORKER_SERVICE_ID=WORKER)

    assert run.code == 3
    assert desk.render.live(WEB).image == OLD


def test_status_tells_what_is_live_and_what_came_last(desk: Desk) -> None:
    """After a failed deploy both are shown, the last one with its meaning."""
    desk.render.outcomes[WEB] = [("created", "pre_deploy_failed")]
    desk.run(*DEPLOY)
    run = desk.run("status")

    assert run.out[WEB]["live"]["image"] == OLD
    assert run.out[WEB]["last"]["status"] == "pre_deploy_failed"
    assert "the migration failed" in run.out[WEB]["last"]["meaning"]


@pytest.mark.parametrize("command", [(sys.executable, "deploy/render/deploy.py"), (sys.executable, "-m", "deploy.render.deploy")])
def test_it_runs_as_a_file_and_as_a_module(desk: Desk, command: tuple[str, ...]) -> None:
    """Both forms find their parts and read the environment."""
    with serve_render(desk.render) as url:
        environment = {**os.environ, "RENDER_API_KEY": KEY, "RENDER_SERVICE_ID": WEB, "RENDER_API_URL": url}
        done = subprocess.run([*command, "status"], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)[WEB]["live"]["image"] == OLD
