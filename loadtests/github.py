"""The little of GitHub's REST API that alerts need: deployments, and issues with labels. Standard library only."""

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

TIMEOUT_S = 15


class Unreachable(Exception):
    """GitHub or a webhook did not answer as it should; the message says what and how, without any secret."""


def send(request: urllib.request.Request, *, what: str) -> Any:
    """Send and return the answer's JSON, None for an empty answer or one that is no JSON.

    Raises:
        Unreachable: no answer, or an error. The URL is left out, for a webhook's is a secret.
    """
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310 - the scheme is checked where the URL comes in
            content = answer.read()
    except urllib.error.HTTPError as error:
        raise Unreachable(f"{what} was answered {error.code}") from None
    except OSError as error:
        raise Unreachable(f"{what} was not answered ({type(error).__name__})") from None
    try:
        return json.loads(content) if content else None
    except ValueError:
        return None


def check_url(url: str, *, what: str) -> str:
    """`url` when it is http(s).

    Raises:
        Unreachable: it is not.
    """
    if not url.startswith(("https://", "http://")):
        raise Unreachable(f"{what} is not an http(s) URL")
    return url


@dataclass(frozen=True)
class GitHub:
    """One repository behind the API at `api`, as the workflow's token sees it."""

    api: str
    repository: str
    token: str = field(repr=False)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "GitHub":
        """As the runner's environment names it: GITHUB_API_URL, GITHUB_REPOSITORY and GITHUB_TOKEN.

        Raises:
            Unreachable: one is not set.
        """
        names = ("GITHUB_API_URL", "GITHUB_REPOSITORY", "GITHUB_TOKEN")
        if missing := [name for name in names if not environment.get(name)]:
            raise Unreachable(f"{', '.join(missing)} is not set")
        api, repository, token = (environment[name] for name in names)
        return cls(check_url(api, what="GITHUB_API_URL").rstrip("/"), repository, token)

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        request = urllib.request.Request(  # noqa: S310 - checked in from_environment
            f"{self.api}/repos/{self.repository}/{path}",
            data=None if body is None else json.dumps(body).encode(),
            method=method,
            headers={
                "Authorization": f"Bearer {self.token}",
                "Accept": "application/vnd.github+json",
                "X-GitHub-Api-Version": "2022-11-28",
                "Content-Type": "application/json",
            },
        )
        return send(request, what=f"{method} {path.split('?', maxsplit=1)[0]} at GitHub")

    def deployed_at(self, environment: str) -> str | None:
        """When the newest deployment to `environment` was made, in ISO 8601; None when there is none."""
        found = self._call("GET", f"deployments?{urllib.parse.urlencode({'environment': environment, 'per_page': 1})}")
        return str(found[0]["created_at"]) if found else None

    def open_issues(self, labels: Sequence[str]) -> list[dict[str, Any]]:
        """Open issues that carry all of `labels`, newest first, at most 100."""
        query = urllib.parse.urlencode({"state": "open", "labels": ",".join(labels), "per_page": 100})
        return list(self._call("GET", f"issues?{query}") or [])

    def open_issue(self, title: str, text: str, labels: Sequence[str]) -> int:
        """Open an issue and return its number."""
        return int(self._call("POST", "issues", {"title": title, "body": text, "labels": list(labels)})["number"])

    def comment(self, number: int, text: str) -> None:
        """Add a comment to issue `number`."""
        self._call("POST", f"issues/{number}/comments", {"body": text})

    def label(self, number: int, labels: Sequence[str]) -> None:
        """Add labels to issue `number`."""
        self._call("POST", f"issues/{number}/labels", {"labels": list(labels)})
