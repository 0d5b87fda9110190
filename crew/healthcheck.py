"""`python -m crew.healthcheck api|worker|all`: what a container's health check runs; 0 when well, 1 with one sentence when not."""

import json
import re
import sys
import time
import urllib.error
import urllib.request

from crew.errors import ConfigurationError
from crew.settings import Settings, load_settings

PARTS = ("api", "worker", "all")
TIMEOUT_S = 4.0
_ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - an address that is looked up, not bound
_BEAT = re.compile(r"^stockcrew_worker_last_heartbeat_timestamp_seconds (\S+)$", re.MULTILINE)


def unhealthy(part: str, settings: Settings, *, now: float) -> str | None:
    """What is wrong with the process on this machine, None when nothing is.

    The API is well when it serves requests, the worker when its last heartbeat is younger than `dead_after_s`, both when the API says
    that it is `ready`, which includes a living worker.

    Args:
        part: `api`, `worker` or `all`.
        settings: names the ports.
        now: seconds since the epoch.
    """
    host = _ANYWHERE.get(settings.host, settings.host)
    if part == "worker":
        if settings.worker_metrics_port == 0:
            return "the worker's health is read from its metrics: set STOCKCREW_WORKER_METRICS_PORT"
        return _silent(f"http://{host}:{settings.worker_metrics_port}/metrics", settings.dead_after_s, now)
    return _not_ready(f"http://{host}:{settings.port}/readyz", needs_worker=part == "all")


def _silent(url: str, dead_after_s: float, now: float) -> str | None:
    status, body = _get(url)
    beat = _BEAT.search(body)
    if status != 200 or beat is None:
        return f"{url} does not answer: {body[:200] or status}"
    if float(beat.group(1)) == 0:
        return "the worker has not had a heartbeat yet"
    age = now - float(beat.group(1))
    return f"the worker's last heartbeat is {age:.0f} s old" if age > dead_after_s else None


def _not_ready(url: str, *, needs_worker: bool) -> str | None:
    status, body = _get(url)
    if status != 200:
        return f"{url} does not answer 200: {body[:500] or status}"
    state = json.loads(body)["status"]
    return f"the service is {state}: no worker is alive" if needs_worker and state != "ready" else None


def _get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_S) as answer:  # noqa: S310 - an address of this machine, from our settings
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(errors="replace")
    except OSError as error:
        return 0, str(error)


def main(arguments: list[str]) -> int:
    """Look once; 2 when called wrongly or the settings are wrong."""
    if len(arguments) != 1 or arguments[0] not in PARTS:
        sys.stderr.write(f"usage: python -m crew.healthcheck {'|'.join(PARTS)}\n")
        return 2
    try:
        problem = unhealthy(arguments[0], load_settings(), now=time.time())
    except ConfigurationError as error:
        sys.stderr.write(f"{error.message}\n")
        return 2
    if problem is not None:
        sys.stderr.write(f"{problem}\n")
    return 0 if problem is None else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
