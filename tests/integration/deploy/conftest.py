"""A stand-in for Render with two services that are live, and the program to run against it."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from fakes.manual_time import ManualTime
from fakes.render_desk import OLD, WEB, WORKER, Desk, Run
from fakes.render_server import KEY, FakeRender, serve_render

from deploy.render.api import Clock
from deploy.render.deploy import main


@pytest.fixture
def desk(capsys: pytest.CaptureFixture[str]) -> Iterator[Desk]:
    """A desk; `run` takes arguments, and environment by name."""
    render = FakeRender()
    for service in (WEB, WORKER):
        render.add(service, "live", image=OLD)
    time = ManualTime(datetime(2026, 11, 25, tzinfo=UTC))
    with serve_render(render) as url:

        def run(*arguments: str, **environment: str) -> Run:
            names = {"RENDER_API_KEY": KEY, "RENDER_SERVICE_ID": WEB, "RENDER_API_URL": url} | environment
            code = main(list(arguments), names, Clock(time.monotonic, time.sleep))
            shown = capsys.readouterr()
            return Run(code, json.loads(shown.out) if shown.out else None, shown.err)

        yield Desk(render, time, run)
