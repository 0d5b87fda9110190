"""Log lines as operators read them."""

import json
import subprocess
import sys
from typing import Any

PROGRAM = """
import logging, os, sys
import structlog
from crew.logs import configure
from crew.settings import Settings
configure(Settings(secret_key="canary-" * 5, log_level="INFO"))
log = structlog.get_logger("ours")
structlog.contextvars.bind_contextvars(request_id="r1")
log.info("said", secret="a canary-canary-canary-canary-canary- b", key="sk_local_" + "a" * 12 + "_" + "b" * 49, number=3, odd={1}, text="é\\n\\"")
log.debug("unsaid")
try:
    raise ValueError("broken")
except ValueError:
    log.exception("crashed")
logging.getLogger("theirs").warning("old %s", "sk_local_" + "a" * 12 + "_" + "b" * 49)
if len(sys.argv) > 1:
    os.close(2)
    log.info("nobody reads this")
    print("alive", flush=True)
    os._exit(0)  # Python itself complains of a closed standard error when it ends
"""


def lines(*arguments: str) -> tuple[list[dict[str, Any]], str]:
    """What the program logs, and what it prints."""
    run = subprocess.run([sys.executable, "-c", PROGRAM, *arguments], capture_output=True, text=True, timeout=60, check=True)
    return [json.loads(line) for line in run.stderr.splitlines()], run.stdout


def test_both_ways_of_logging_give_the_same_kind_of_line() -> None:
    """Our lines and the standard library's are JSON with level, logger, time and context; secrets and keys are blanked; a level is kept."""
    (said, crashed, old), _ = lines()

    assert {name: said[name] for name in ("event", "level", "logger", "request_id", "number", "odd", "text")} == {
        "event": "said",
        "level": "info",
        "logger": "ours",
        "request_id": "r1",
        "number": 3,
        "odd": [1],
        "text": 'é\n"',
    }
    assert (said["secret"], said["key"]) == ("a [hidden] b", "[hidden]")
    assert crashed["level"] == "error"
    assert "ValueError: broken" in crashed["exception"]
    assert {name: old[name] for name in ("event", "level", "logger", "request_id")} == {
        "event": "old [hidden]",
        "level": "warning",
        "logger": "theirs",
        "request_id": "r1",
    }
    assert all(line["timestamp"].endswith("Z") for line in (said, crashed, old))


def test_a_closed_standard_error_breaks_nothing() -> None:
    """What cannot be logged is lost, and the program goes on."""
    assert lines("close")[1] == "alive\n"
