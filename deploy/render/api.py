"""Render's API as far as deploys go: one patient request function and the few calls that deploying and rolling back need."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import requests

BASE_URL = "https://api.render.com/v1"
REQUEST_TIMEOUT_S = 30
LONGEST_WAIT_S = 60.0
PAGE, PAGES = 20, 10


class RenderError(Exception):
    """Render refused or cannot be reached; the message says what to do. `code` is the exit code for it."""

    code = 1


class Refused(RenderError):
    """The request is wrong: key, service, image or deploy."""

    code = 2


class Unreachable(RenderError):
    """Render does not answer, or only with errors of its own."""

    code = 5


class TimedOut(RenderError):
    """The time given is over; the deploy may still become live."""

    code = 3


class Unanswered(RenderError):
    """A request that starts something may or may not have arrived."""

    code = 5


@dataclass(frozen=True)
class Deploy:
    """One deploy of a service, as Render describes it."""

    id: str
    status: str
    commit: str
    image: str
    digest: str
    trigger: str
    created_at: str
    finished_at: str

    @classmethod
    def of(cls, body: dict[str, Any]) -> "Deploy":
        """Read Render's form, in which everything but the id may be missing."""
        image = body.get("image") or {}
        return cls(
            id=str(body["id"]),
            status=str(body.get("status") or "created"),
            commit=str((body.get("commit") or {}).get("id") or ""),
            image=str(image.get("ref") or ""),
            digest=str(image.get("sha") or ""),
            trigger=str(body.get("trigger") or ""),
            created_at=str(body.get("createdAt") or ""),
            finished_at=str(body.get("finishedAt") or ""),
        )

    def runs(self, *, image: str | None, commit: str | None) -> bool:
        """Whether this deploy is of that image (by digest where it has one) or of that commit; of neither, when neither is named."""
        if commit:
            return self.commit.startswith(commit)
        if not image:
            return False
        digest = image.partition("@")[2]
        return digest in {self.digest, self.image.partition("@")[2]} if digest else self.image == image


@dataclass
class Clock:
    """Time that tests can move."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


@dataclass
class RenderApi:
    """The calls.

    Args:
        key: the API key.
        base_url: where the API is.
        deadline: on the clock, when to give up.
        clock: tells and spends time.
    """

    key: str
    base_url: str
    deadline: float
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        """Open the session."""
        self._session = requests.Session()
        self._session.headers.update({"Authorization": f"Bearer {self.key}", "Accept": "application/json"})

    def start(self, service: str, *, image: str | None, commit: str | None) -> Deploy | None:
        """Ask for a deploy; None when Render only says that it is queued.

        Raises:
            Refused: the service or the image is wrong.
            Unanswered: the request may or may not have arrived.
        """
        body = {"imageUrl": image} if image is not None else {"commitId": commit}
        answer = self._request("POST", f"/services/{service}/deploys", body)
        return Deploy.of(answer) if answer else None

    def roll_back(self, service: str, deploy_id: str) -> Deploy:
        """Deploy once more what `deploy_id` was."""
        return Deploy.of(self._request("POST", f"/services/{service}/rollback", {"deployId": deploy_id}))

    def deploy(self, service: str, deploy_id: str) -> Deploy:
        """One deploy."""
        return Deploy.of(self._request("GET", f"/services/{service}/deploys/{deploy_id}"))

    def deploys(self, service: str) -> Iterator[Deploy]:
        """The service's deploys, newest first, page after page; the last two hundred at most."""
        cursor = ""
        for _ in range(PAGES):
            page = self._request("GET", f"/services/{service}/deploys?limit={PAGE}" + (f"&cursor={cursor}" if cursor else "")) or []
            yield from (Deploy.of(item.get("deploy") or item) for item in page)
            if len(page) < PAGE:
                return
            cursor = page[-1]["cursor"]

    def wait(self, seconds: float) -> None:
        """Spend time.

        Raises:
            TimedOut: the deadline would be passed.
        """
        if self.clock.now() + seconds > self.deadline:
            raise TimedOut("the time given is over; `status` shows how it went on, and --timeout gives more")
        self.clock.sleep(seconds)

    def _request(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        pause = 1.0
        while True:
            problem, wait_s = self._try(method, path, body)
            if wait_s is None:
                return problem
            self.wait(min(LONGEST_WAIT_S, max(wait_s, pause)))
            pause = min(LONGEST_WAIT_S, pause * 2)

    def _try(self, method: str, path: str, body: dict[str, Any] | None) -> tuple[Any, float | None]:
        """The answer and None, or the seconds to wait before trying again."""
        try:
            answer = self._session.request(method, self.base_url + path, json=body, timeout=REQUEST_TIMEOUT_S, allow_redirects=False)
        except requests.RequestException as error:
            return self._failed(method, f"Render cannot be reached at {self.base_url}: {type(error).__name__}")
        if answer.status_code == requests.codes.too_many_requests:
            return None, _seconds(answer.headers.get("Retry-After") or answer.headers.get("Ratelimit-Reset"))
        if answer.status_code >= requests.codes.internal_server_error:
            return self._failed(method, f"Render answered {answer.status_code}")
        if not answer.ok or answer.is_redirect:
            raise Refused(_explain(method, path, answer))
        try:
            return (answer.json() if answer.content.strip() else None), None
        except requests.JSONDecodeError:
            raise Unreachable(f"{self.base_url} does not speak Render's API: {method} {path} answered {answer.text[:100]!r}") from None

    def _failed(self, method: str, problem: str) -> tuple[None, float]:
        if method != "GET":  # to ask twice could deploy twice
            raise Unanswered(problem)
        if self.clock.now() + 1 > self.deadline:
            raise Unreachable(problem)
        return None, 1.0


def _seconds(text: str | None) -> float:
    try:
        return max(0.0, float(text or 0))
    except ValueError:
        return 0.0


def _explain(method: str, path: str, answer: requests.Response) -> str:
    hints = {
        401: "RENDER_API_KEY is not valid: make a new one in the dashboard under Account Settings, API Keys",
        403: "RENDER_API_KEY may not do this: it belongs to another workspace",
        404: "there is no such service or deploy: check RENDER_SERVICE_ID and RENDER_WORKER_SERVICE_ID (srv-…)",
    }
    try:
        said = str(answer.json().get("message", ""))
    except (requests.JSONDecodeError, AttributeError):
        said = answer.text[:200]
    return f"Render refused {method} {path.partition('?')[0]} with {answer.status_code}: {said or 'no reason given'}" + (
        f". {hints[answer.status_code]}" if answer.status_code in hints else ""
    )
