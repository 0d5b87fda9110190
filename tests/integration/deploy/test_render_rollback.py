"""Rolling Render back, against a loopback stand-in for its API."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from fakes.render_desk import DEPLOY, NEW, NEWER, OLD, WEB, WORKER, Desk
from fakes.render_server import KEY, serve_render

ROOT = Path(__file__).resolve().parents[3]


def test_a_rollback_goes_to_what_was_live_before(desk: Desk) -> None:
    """Not to the newest other deploy, which failed, nor to one before that."""
    desk.render.add(WEB, "build_failed", image=NEW)
    desk.run(*DEPLOY)
    run = desk.run("rollback")

    assert run.code == 0
    assert run.out[WEB] == {"deploy": "dep-0005", "target": "dep-0001", "changed": True}
    assert desk.render.live(WEB).image == OLD


def test_a_rollback_finds_its_goal_on_a_later_page(desk: Desk) -> None:
    """Fifty failed deploys lie between what is live and what was."""
    desk.render.deploys[WEB][0].status = "deactivated"
    for _ in range(50):
        desk.render.add(WEB, "canceled", image=NEW)
    desk.render.add(WEB, "live", image=NEW)

    assert desk.run("previous").out[WEB]["id"] == "dep-0001"


def test_a_rollback_takes_the_worker_along(desk: Desk) -> None:
    """The worker goes to the same image as the web service, even when that is not the one it ran last."""
    desk.run(*DEPLOY, RENDER_WORKER_SERVICE_ID=WORKER)
    run = desk.run("rollback", RENDER_WORKER_SERVICE_ID=WORKER)

    assert run.code == 0
    assert [desk.render.live(service).image for service in (WEB, WORKER)] == [OLD, OLD]


def test_a_rollback_of_services_that_never_ran_the_same_changes_nothing(desk: Desk) -> None:
    """When the worker never ran the image, nothing is rolled back by half."""
    desk.run(*DEPLOY)
    desk.render.deploys[WORKER] = []
    run = desk.run("rollback", RENDER_WORKER_SERVICE_ID=WORKER)

    assert run.code == 2
    assert desk.render.live(WEB).image == NEW


def test_a_second_rollback_does_not_bring_the_bad_release_back(desk: Desk) -> None:
    """What was live before a rollback is what was left; without a target nothing happens, with one it does."""
    desk.run(*DEPLOY)
    desk.run("rollback")
    second = desk.run("rollback")
    named = desk.run("rollback", "--to", "dep-0003")

    assert second.code == 2
    assert "was rolled back already" in second.err
    assert (named.code, desk.render.live(WEB).image) == (0, NEW)


def test_a_release_that_was_deployed_twice_is_left_for_another_one(desk: Desk) -> None:
    """A pipeline run again deploys the same image once more: the deploy before is as bad, and going to it would change nothing."""
    desk.run(*DEPLOY)
    desk.run(*DEPLOY)
    run = desk.run("rollback")

    assert (run.code, run.out[WEB]["target"]) == (0, "dep-0001")
    assert desk.render.live(WEB).image == OLD


def test_a_release_that_was_left_is_no_goal(desk: Desk) -> None:
    """Old, bad, a rollback from it that failed, a newer one: it goes to the old one. So it does over a rollback to what is live once more."""
    render = desk.render
    render.deploys[WEB][0].status = "deactivated"
    render.add(WEB, "deactivated", image=NEW)
    render.add(WEB, "update_failed", image=OLD, trigger="rollback")
    render.add(WEB, "live", image=NEWER)
    assert desk.run("previous").out[WEB]["id"] == "dep-0001"

    render.live(WEB).status = "deactivated"
    render.add(WEB, "deactivated", image=NEW)
    render.add(WEB, "deactivated", image=NEWER, trigger="rollback")
    render.add(WEB, "live", image=NEWER)
    assert desk.run("previous").out[WEB]["id"] == "dep-0001"


def test_a_rollback_to_what_is_live_does_nothing(desk: Desk) -> None:
    """Run twice, it rolls back once."""
    desk.run(*DEPLOY)
    first = desk.run("rollback", "--to", "dep-0001")
    second = desk.run("rollback", "--to", "dep-0001")

    assert (first.code, first.out[WEB]["changed"]) == (0, True)
    assert (second.code, second.out[WEB]["changed"]) == (0, False)


@pytest.mark.parametrize("given", ["", "dep-0001"])
def test_the_rollback_script_of_render(desk: Desk, given: str) -> None:
    """`deploy/rollback/render.sh` rolls back to the deploy it is given, or to the one before, and logs the reason as one plain line."""
    desk.run(*DEPLOY)
    desk.render.outcomes[WEB] = [("live",)]
    with serve_render(desk.render) as url:
        environment = {**os.environ, "RENDER_API_KEY": KEY, "RENDER_SERVICE_ID": WEB, "RENDER_API_URL": url, "PYTHON": sys.executable}
        environment |= {"ROLLBACK_REASON": "p95 over 500 ms\n::add-mask::x", "ROLLBACK_TARGET": given}
        done = subprocess.run(["bash", "deploy/rollback/render.sh"], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)[WEB]["target"] == "dep-0001"
    assert "\n::" not in done.stderr
