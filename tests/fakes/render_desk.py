"""What the tests of deploying to Render share: the services, two images, and one run of the program."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fakes.manual_time import ManualTime
from fakes.render_server import FakeRender

WEB, WORKER = "srv-web", "srv-worker"
OLD, NEW, NEWER = (f"docker.io/me/stockcrew@sha256:{digit * 64}" for digit in "abc")
DEPLOY = ("deploy", "--image", NEW)


@dataclass
class Run:
    """What one run of the program left."""

    code: int
    out: Any
    err: str


@dataclass
class Desk:
    """A stand-in with a web service and a worker, both live with the old image, and the program to run against it."""

    render: FakeRender
    time: ManualTime
    run: Callable[..., Run]
