"""Runs the real server over in-memory jobs: `python -m fakes.api_server`, with a few finished and one running analysis in it."""

import sys

from fakes.jobs import FakeJobs
from fakes.reports import small_report
from flask import Flask

from api.app import create_app
from api.server import serve
from crew.domain.analysis import AnalysisRequest
from crew.settings import Settings, load_settings
from crew.store.engine import make_engine
from crew.store.migrate import upgrade

RUNNING = "an_" + "a" * 26
FINISHED = "an_aghk4lnbpj7rhfabk5gvk43pku"  # the id that the OpenAPI document gives as an example


def prepare(settings: Settings) -> None:
    """Our own tables, for what the door itself keeps."""
    upgrade(make_engine(settings))


def make_app(settings: Settings) -> Flask:
    """The application with AAPL running and MSFT finished."""
    jobs = FakeJobs(RUNNING, FINISHED)
    running = jobs.submit(AnalysisRequest(symbol="AAPL"), tenant="local").analysis.id
    jobs.start(running)
    finished = jobs.submit(AnalysisRequest(symbol="MSFT"), tenant="local").analysis.id
    jobs.start(finished)
    jobs.finish(finished, "succeeded", report=small_report(finished, "MSFT"))
    return create_app(settings, jobs=jobs)


if __name__ == "__main__":
    sys.exit(serve(load_settings(), prepare=prepare, make_app=make_app))
