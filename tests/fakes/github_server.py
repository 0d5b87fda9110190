"""A loopback stand-in for the parts of GitHub's REST API that alerts use, and for a chat webhook."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

TOKEN = "token-of-the-workflow"


@dataclass
class World:
    """What the server knows and was told. `broken` names paths that are answered with 500."""

    url: str = ""
    deployments: list[dict[str, str]] = field(default_factory=list)
    issues: list[dict[str, Any]] = field(default_factory=list)
    comments: list[tuple[int, str]] = field(default_factory=list)
    webhook: list[dict[str, Any]] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)

    @property
    def environment(self) -> dict[str, str]:
        """The runner's variables that lead here."""
        return {
            "GITHUB_API_URL": self.url,
            "GITHUB_REPOSITORY": "someone/stockcrew",
            "GITHUB_TOKEN": TOKEN,
            "GITHUB_SERVER_URL": "https://github.example",
            "GITHUB_RUN_ID": "77",
            "ALERT_WEBHOOK_URL": f"{self.url}/hook/secret-part",
        }

    def open_issue(self, title: str, *labels: str) -> None:
        self.issues.append({"number": len(self.issues) + 1, "title": title, "state": "open", "labels": [{"name": label} for label in labels]})


class _Api(BaseHTTPRequestHandler):
    world: ClassVar[World]

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _answer(self, status: int, body: Any = None) -> None:
        content = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _path(self) -> str | None:
        path = urlsplit(self.path).path.removeprefix("/repos/someone/stockcrew/")
        if path.split("/")[0] in self.world.broken or (self.path.startswith("/hook") and "hook" in self.world.broken):
            self._answer(500)
            return None
        if not self.path.startswith("/hook") and self.headers["Authorization"] != f"Bearer {TOKEN}":
            self._answer(401)
            return None
        return path

    def do_GET(self) -> None:
        path, query = self._path(), parse_qs(urlsplit(self.path).query)
        if path == "deployments":
            self._answer(200, [one for one in self.world.deployments if one["environment"] == query["environment"][0]][:1])
        elif path == "issues":
            wanted = set(query["labels"][0].split(","))
            self._answer(
                200, [issue for issue in self.world.issues if issue["state"] == "open" and wanted <= {label["name"] for label in issue["labels"]}]
            )
        elif path is not None:
            self._answer(404)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        path = self._path()
        if path is None:
            return
        parts = path.strip("/").split("/")
        if parts[0] == "hook":
            self.world.webhook.append(body)
            self._answer(204)
        elif parts == ["issues"]:
            self.world.open_issue(body["title"], *body["labels"])
            self.world.comments.append((len(self.world.issues), body["body"]))
            self._answer(201, self.world.issues[-1])
        elif parts[2] == "comments":
            self.world.comments.append((int(parts[1]), body["body"]))
            self._answer(201, {})
        else:
            issue = self.world.issues[int(parts[1]) - 1]
            issue["labels"] += [{"name": label} for label in body["labels"]]
            self._answer(200, issue["labels"])


@contextmanager
def github() -> Iterator[World]:
    """A running server and what it knows."""
    world = World()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (_Api,), {"world": world}))
    world.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield world
    finally:
        server.shutdown()
        server.server_close()
