"""The yardstick: one Flask route that returns fixed bytes under the same gunicorn, `python -m tests.bench.bare_server FILE`."""

import sys
from pathlib import Path

from flask import Flask, Response

from api.server import serve
from crew.settings import Settings, load_settings


def make_app(_settings: Settings) -> Flask:
    """An application that does nothing but answer."""
    content = Path(sys.argv[1]).read_bytes()
    app = Flask("bare")

    @app.get("/bare")
    def bare() -> Response:
        return Response(content, mimetype="application/json")

    return app


if __name__ == "__main__":
    sys.exit(serve(load_settings(), prepare=lambda _settings: None, make_app=make_app))
