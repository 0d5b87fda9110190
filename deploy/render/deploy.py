"""Deploy to Render, look, roll back: `python deploy/render/deploy.py deploy --image NAME@sha256:… | --commit SHA`, `status`, `previous`, `rollback`.

The key comes from RENDER_API_KEY, the services from RENDER_SERVICE_ID (web) and, where there is one, RENDER_WORKER_SERVICE_ID.
The web service goes first, because its pre-deploy command migrates the database; when the worker then fails, the web service is rolled back.
Progress goes to standard error, the result as one JSON object to standard output. Exit codes: 0 done, 1 the deploy failed, 2 the request or
the configuration is wrong, 3 the time is over, 4 another deploy took its place, 5 Render cannot be reached.
"""

import argparse
import dataclasses
import json
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

if not __package__:  # run as a file: the checkout takes the place of this folder on the path
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from deploy.render.api import BASE_URL, Clock, Deploy, Refused, RenderApi, RenderError, TimedOut, Unanswered

LIVE = "live"
MEANING = {
    "created": "Render knows of it and has not begun",
    "queued": "it waits for another deploy to end",
    "build_in_progress": "the image is pulled or built",
    "pre_deploy_in_progress": "the database is migrated",
    "update_in_progress": "new instances start and must pass the health check; the old ones still serve",
    LIVE: "it serves",
    "build_failed": "the image could not be pulled or built; the deploy before still serves",
    "pre_deploy_failed": "the migration failed; the deploy before still serves",
    "update_failed": "new instances did not pass the health check; the deploy before still serves",
    "canceled": "somebody canceled it; the deploy before still serves",
    "deactivated": "it was live and another deploy has taken its place",
}
FAILED = ("build_failed", "pre_deploy_failed", "update_failed", "canceled")
SUPERSEDED = "deactivated"
ROLLBACK = "rollback"
FIND_TRIES = 12
TAKE_BACK_S = 900
_IMAGE = re.compile(r"[a-z0-9][a-z0-9._/:-]*@sha256:[0-9a-f]{64}")
_COMMIT = re.compile(r"[0-9a-f]{7,40}")


class DeployFailed(RenderError):
    """Render could not make the deploy live; what was live before still serves."""


class Superseded(RenderError):
    """Another deploy took its place."""

    code = 4


@dataclasses.dataclass(frozen=True)
class Target:
    """What to deploy: an image by digest or a commit."""

    image: str | None
    commit: str | None

    def __post_init__(self) -> None:
        """Refuse what would not always mean the same.

        Raises:
            Refused: it is a tag, or no commit.
        """
        if self.image is not None and not _IMAGE.fullmatch(self.image):
            raise Refused(f"--image must name a digest, such as docker.io/me/stockcrew@sha256:…, not {self.image[:100]!r}: a tag may move")
        if self.commit is not None and not _COMMIT.fullmatch(self.commit):
            raise Refused(f"--commit must be 7 to 40 hexadecimal digits, not {self.commit[:50]!r}")


def say(text: str) -> None:
    """Tell a person how it goes."""
    print(text, file=sys.stderr, flush=True)


def current(api: RenderApi, service: str) -> Deploy | None:
    """The live deploy, None before the first one."""
    return next((deploy for deploy in api.deploys(service) if deploy.status == LIVE), None)


def previous(api: RenderApi, service: str) -> Deploy:
    """Where a rollback goes: the newest deploy that was live before the one that is live now, runs something else, and was not left by a rollback.

    Raises:
        Refused: there is none, or what is live is a rollback itself: going back once more would bring back what was left.
    """
    live: Deploy | None = None
    avoided: list[Deploy] = []
    is_left = False
    for deploy in api.deploys(service):
        if deploy.status == LIVE:
            if deploy.trigger == ROLLBACK:
                raise Refused(
                    f"{service} was rolled back already, to {deploy.id}: name the deploy to go to (--to dep-…), `status` and the dashboard list them"
                )
            live = deploy
            avoided.append(deploy)
            is_left = False
        elif deploy.status == SUPERSEDED:
            if not is_left and not any(_same(deploy, other) for other in avoided):
                return deploy
            avoided.append(deploy)
            is_left = deploy.trigger == ROLLBACK
        elif deploy.trigger == ROLLBACK and live is not None:
            is_left = True  # tried and failed, from what comes next in the list: somebody wanted to leave it
    raise Refused(f"{service} has no earlier deploy to go back to")


def start(api: RenderApi, service: str, target: Target) -> Deploy:
    """Begin a deploy; where Render only says that it is queued, or does not say, find it in the list.

    Raises:
        TimedOut: it does not appear there.
    """
    known = {deploy.id for deploy in api.deploys(service)}
    try:
        begun = api.start(service, image=target.image, commit=target.commit)
    except Unanswered as error:
        say(f"  {error}; looking whether the deploy was begun")
        begun = None
    if begun is not None:
        return begun
    for _ in range(FIND_TRIES):
        new = [deploy for deploy in api.deploys(service) if deploy.id not in known and deploy.runs(image=target.image, commit=target.commit)]
        if new:
            return new[-1]
        api.wait(5)
    raise TimedOut(f"{service}: the deploy was requested and does not appear in the list of deploys; look in the dashboard before trying again")


def follow(api: RenderApi, service: str, deploy: Deploy, *, poll_s: float) -> Deploy:
    """Wait until the deploy is live.

    Raises:
        DeployFailed: it ended otherwise.
        Superseded: another one took its place.
        TimedOut: it did neither in time.
    """
    shown = ""
    while True:
        if deploy.status != shown:
            shown = deploy.status
            say(f"  {service} {deploy.id}: {shown} ({MEANING.get(shown, 'a state that this program does not know; it goes on waiting')})")
        if deploy.status == LIVE:
            return deploy
        if deploy.status in FAILED:
            raise DeployFailed(f"{service} {deploy.id}: {deploy.status}: {MEANING[deploy.status]}; see its log in the dashboard")
        if deploy.status == SUPERSEDED:
            raise Superseded(f"{service} {deploy.id}: {MEANING[SUPERSEDED]}")
        api.wait(poll_s)
        deploy = api.deploy(service, deploy.id)


def go(api: RenderApi, services: list[str], target: Target, *, poll_s: float) -> dict[str, Any]:
    """Deploy to each service in turn; when a later one fails, take the earlier ones back, so that all run the same."""
    result: dict[str, Any] = {}
    before: dict[str, Deploy | None] = {}
    for service in services:
        live = current(api, service)
        say(f"{service}: deploying {target.image or target.commit}")
        try:
            done = follow(api, service, start(api, service, target), poll_s=poll_s)
            if not done.runs(image=target.image, commit=target.commit) and (done.image or done.commit):
                raise DeployFailed(f"{service} {done.id} is live with {done.image or done.commit}, which is not what was asked for")
        except RenderError:
            # The time may be over; taking back has time of its own.
            _take_back(dataclasses.replace(api, deadline=api.clock.now() + TAKE_BACK_S), before, poll_s=poll_s)
            raise
        before[service] = live
        result[service] = {"deploy": done.id, "previous": live.id if live else None, "image": done.image, "commit": done.commit}
    return result


def _take_back(api: RenderApi, before: Mapping[str, Deploy | None], *, poll_s: float) -> None:
    for service, live in before.items():
        if live is None:
            say(f"{service}: stays at what was just deployed, because nothing was live before")
            continue
        say(f"{service}: rolling back to {live.id}, because a later service failed")
        try:
            follow(api, service, api.roll_back(service, live.id), poll_s=poll_s)
        except RenderError as error:
            say(f"{service}: could not be rolled back: {error}")


def roll_back(api: RenderApi, services: list[str], *, to: str | None, poll_s: float) -> dict[str, Any]:
    """Go back to deploy `to` of the first service, or to what was live before; the other services follow to the same image or commit."""
    goal = api.deploy(services[0], to) if to else previous(api, services[0])
    goals = {services[0]: goal} | {service: _counterpart(api, service, goal) for service in services[1:]}
    result: dict[str, Any] = {}
    for service, wanted in goals.items():
        live = current(api, service)
        if live is not None and (live.id == wanted.id or _same(live, wanted)):
            say(f"{service}: {live.id} is live and is what was wanted")
            result[service] = {"deploy": live.id, "target": wanted.id, "changed": False}
            continue
        say(f"{service}: rolling back from {live.id if live else 'nothing'} to {wanted.id}")
        done = follow(api, service, api.roll_back(service, wanted.id), poll_s=poll_s)
        result[service] = {"deploy": done.id, "target": wanted.id, "changed": True}
    return result


def _same(deploy: Deploy, other: Deploy) -> bool:
    if other.digest and deploy.digest:
        return deploy.digest == other.digest
    return deploy.runs(image=other.image, commit=None) if other.image else deploy.runs(image=None, commit=other.commit)


def _counterpart(api: RenderApi, service: str, goal: Deploy) -> Deploy:
    for deploy in api.deploys(service):
        if deploy.status in {LIVE, SUPERSEDED} and _same(deploy, goal):
            return deploy
    raise Refused(f"{service} never ran {goal.image or goal.commit or goal.id}, so it cannot be rolled back together with the first service")


def status(api: RenderApi, services: list[str]) -> dict[str, Any]:
    """What is live and what came last, with what its state means."""
    result: dict[str, Any] = {}
    for service in services:
        live, last = current(api, service), next(iter(api.deploys(service)), None)
        result[service] = {
            "live": dataclasses.asdict(live) if live else None,
            "last": dataclasses.asdict(last) | {"meaning": MEANING.get(last.status, "unknown")} if last else None,
        }
    return result


def _arguments(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Deploy to Render and roll back.")
    parser.add_argument("--timeout", type=float, default=1800, help="seconds for everything")
    parser.add_argument("--poll", type=float, default=10, help="seconds between looks")
    commands = parser.add_subparsers(dest="command", required=True)
    deploying = commands.add_parser("deploy", help="deploy and wait until it is live")
    what = deploying.add_mutually_exclusive_group(required=True)
    what.add_argument("--image", help="image with digest")
    what.add_argument("--commit", help="commit of the connected repository")
    commands.add_parser("status", help="what is live, what came last")
    commands.add_parser("previous", help="what a rollback would go back to")
    back = commands.add_parser("rollback", help="go back and wait until it is live")
    back.add_argument("--to", help="id of a deploy (dep-…) of the web service")
    return parser.parse_args(arguments)


def _services(environment: Mapping[str, str]) -> list[str]:
    named = [environment.get(name, "").strip() for name in ("RENDER_SERVICE_ID", "RENDER_WORKER_SERVICE_ID")]
    if not named[0]:
        raise Refused("RENDER_SERVICE_ID is not set: the id of the web service (srv-…) stands in its dashboard address")
    return [service for service in named if service]


def run(options: argparse.Namespace, environment: Mapping[str, str], clock: Clock) -> dict[str, Any]:
    """Do what was asked for."""
    key = environment.get("RENDER_API_KEY", "").strip()
    if not key:
        raise Refused("RENDER_API_KEY is not set: make one in the dashboard under Account Settings, API Keys")
    services = _services(environment)
    api = RenderApi(key, environment.get("RENDER_API_URL") or BASE_URL, clock.now() + options.timeout, clock)
    if options.command == "deploy":
        return go(api, services, Target(options.image, options.commit), poll_s=options.poll)
    if options.command == "rollback":
        return roll_back(api, services, to=options.to, poll_s=options.poll)
    if options.command == "status":
        return status(api, services)
    return {services[0]: dataclasses.asdict(previous(api, services[0]))}


def main(arguments: list[str] | None = None, environment: Mapping[str, str] = os.environ, clock: Clock | None = None) -> int:
    """Run one command; see the module's text for the exit codes."""
    options = _arguments(sys.argv[1:] if arguments is None else arguments)
    try:
        print(json.dumps(run(options, environment, clock or Clock()), indent=2))
    except RenderError as error:
        say(f"render: {error}")
        return error.code
    return 0


if __name__ == "__main__":
    sys.exit(main())
