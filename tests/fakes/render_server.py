"""A loopback stand-in for Render's deploy API, with the oddities that its documentation and clients tell of."""

import json
import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

KEY = "rnd_test"
GOOD = ("created", "build_in_progress", "pre_deploy_in_progress", "update_in_progress", "live")


@dataclass
class Made:
    """A deploy and the states it will still go through, one with each look at it."""

    id: str
    ahead: list[str]
    status: str
    image: str = ""
    commit: str = ""
    trigger: str = "api"
    hidden_for: int = 0

    def body(self) -> dict[str, Any]:
        """Render's form: only what applies is there."""
        shown: dict[str, Any] = {"id": self.id, "status": self.status, "trigger": self.trigger, "createdAt": "2026-11-25T10:00:00Z"}
        if self.image:
            shown["image"] = {"ref": self.image, "sha": self.image.partition("@")[2]}
        if self.commit:
            shown["commit"] = {"id": self.commit, "message": "A commit"}
        return shown


@dataclass
class FakeRender:
    """The state. `outcomes` gives the states of the next deploys by service; `faults` are answers to give before doing anything."""

    outcomes: dict[str, list[Sequence[str]]] = field(default_factory=lambda: defaultdict(list))
    deploys: dict[str, list[Made]] = field(default_factory=dict)
    image_name: str = "docker.io/me/stockcrew"
    queued: bool = False
    drop_after_post: bool = False
    faults: list[tuple[str, int, dict[str, str]]] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    count: int = 0

    def add(self, service: str, status: str, *, image: str = "", commit: str = "", trigger: str = "api") -> str:
        """A deploy of the past."""
        self.count += 1
        made = Made(f"dep-{self.count:04d}", [], status, image, commit, trigger)
        self.deploys.setdefault(service, []).insert(0, made)
        return made.id

    def begin(self, service: str, *, image: str = "", commit: str = "", trigger: str = "api", hidden_for: int = 0) -> Made:
        """A new deploy."""
        states = list(self.outcomes[service].pop(0) if self.outcomes[service] else GOOD)
        self.count += 1
        made = Made(f"dep-{self.count:04d}", states[1:], states[0], image, commit, trigger, hidden_for)
        self.deploys[service].insert(0, made)
        return made

    def advance(self, service: str, made: Made) -> None:
        """One step; what becomes live deactivates what was."""
        if made.ahead:
            made.status = made.ahead.pop(0)
            if made.status == "live":
                for other in self.deploys[service]:
                    if other is not made and other.status == "live":
                        other.status = "deactivated"

    def live(self, service: str) -> Made:
        """What serves."""
        return next(made for made in self.deploys[service] if made.status == "live")


class Door(BaseHTTPRequestHandler):
    """The HTTP side."""

    render: ClassVar[FakeRender]

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _answer(self, status: int, body: Any = None, **headers: str) -> None:
        payload = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(payload)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(payload)

    def do_GET(self) -> None:
        """Lists and single deploys."""
        self._serve()

    def do_POST(self) -> None:
        """Deploys and rollbacks."""
        self._serve()

    def _serve(self) -> None:
        render = self.render
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or "{}")
        with render.lock:
            render.requests.append(f"{self.command} {self.path.partition('?')[0]}")
            if self.headers["Authorization"] != f"Bearer {KEY}":
                self._answer(401, {"id": "", "message": "Unauthorized"})
                return
            for number, (method, status, headers) in enumerate(render.faults):
                if method == self.command:
                    del render.faults[number]
                    self._answer(status, {"message": "fault"}, **headers)
                    return
            self._route(urlsplit(self.path), body)

    def _route(self, url: Any, body: dict[str, Any]) -> None:
        render = self.render
        _, _, service, *rest = url.path.strip("/").split("/")
        if service not in render.deploys:
            self._answer(404, {"message": f"service {service} not found"})
        elif self.command == "POST" and rest == ["deploys"]:
            self._deploy(service, body)
        elif self.command == "POST":
            self._roll_back(service, body)
        elif len(rest) == 2:
            self._one(service, rest[1])
        else:
            self._list(service, parse_qs(url.query))

    def _deploy(self, service: str, body: dict[str, Any]) -> None:
        render = self.render
        image = body.get("imageUrl", "")
        if image and image.partition("@")[0] != render.image_name:
            self._answer(400, {"message": "image host, repository and name must match the service's image"})
            return
        hidden = 2 if render.queued or render.drop_after_post else 0
        made = render.begin(service, image=image, commit=body.get("commitId", ""), hidden_for=hidden)
        if render.drop_after_post:
            render.drop_after_post = False
            self.close_connection = True
        elif render.queued:
            self._answer(202)
        else:
            self._answer(201, made.body())

    def _roll_back(self, service: str, body: dict[str, Any]) -> None:
        goal = next((made for made in self.render.deploys[service] if made.id == body["deployId"]), None)
        if goal is None:
            self._answer(404, {"message": "deploy not found"})
            return
        self._answer(201, self.render.begin(service, image=goal.image, commit=goal.commit, trigger="rollback").body())

    def _one(self, service: str, id: str) -> None:
        made = next((made for made in self.render.deploys[service] if made.id == id), None)
        if made is None:
            self._answer(404, {"message": "deploy not found"})
            return
        self.render.advance(service, made)
        self._answer(200, made.body())

    def _list(self, service: str, query: dict[str, list[str]]) -> None:
        shown = []
        for made in self.render.deploys[service]:
            if made.hidden_for > 0:
                made.hidden_for -= 1
            else:
                shown.append(made)
        begin = int(query.get("cursor", ["0"])[0])
        page = shown[begin : begin + int(query["limit"][0])]
        self._answer(200, [{"cursor": str(begin + number + 1), "deploy": made.body()} for number, made in enumerate(page)])


@contextmanager
def serve_render(render: FakeRender) -> Iterator[str]:
    """Serve it on a free loopback port and yield the API's base URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("BoundDoor", (Door,), {"render": render}))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()
