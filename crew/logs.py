"""Logging for every process: structlog and the standard library's records through one chain, JSON lines or readable text."""

import json
import logging
import re
import sys
from collections.abc import Callable, MutableMapping, Sequence
from typing import Any, TextIO
from urllib.parse import unquote

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from crew.settings import Settings, provider_secrets

_KEY = re.compile(r"sk_[a-z]+_[A-Za-z0-9]{12}_[A-Za-z0-9]+")
_HIDDEN = "[hidden]"


class _Line:
    """Writes finished lines of the logger `name`, whatever their level: in one call, so that lines of several threads do not mix."""

    def __init__(self, name: str, stream: TextIO) -> None:
        self.name = name
        self._stream = stream

    def write(self, line: str) -> None:
        """Write `line`. A broken standard error must not break what was to be logged."""
        try:
            self._stream.write(line + "\n")
            self._stream.flush()
        except (OSError, ValueError):
            return

    debug = info = warning = error = critical = exception = write


def configure(settings: Settings) -> None:
    """Send every log line of this process through one chain to standard error, with the settings' secrets hidden."""
    stream = sys.stderr
    render: Processor = _json if settings.log_format == "json" else structlog.dev.ConsoleRenderer(colors=False)
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        hide_secrets(secrets_of(settings)),
    ]
    # Our own lines are rendered here and written at once. The standard library's way to the same stream costs as much as answering the request.
    structlog.configure(
        processors=[*shared, render],
        logger_factory=lambda *names: _Line(str(names[0]) if names else "", stream),
        wrapper_class=structlog.make_filtering_bound_logger(settings.log_level),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render])
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.log_level)
    for noisy in ("alembic", "dbos"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, root.level))


_encode: Callable[[object], str] = json.JSONEncoder(default=repr).encode


def _json(_logger: WrappedLogger, _method: str, line: MutableMapping[str, Any]) -> str:
    return _encode(line)


def secrets_of(settings: Settings) -> list[str]:
    """Every secret that must never be seen: the keys, ours and the model providers', and the passwords in the addresses of database and Redis."""
    found = [secret.get_secret_value() for secret in (settings.secret_key, settings.bootstrap_key) if secret is not None]
    redis = settings.redis_url.get_secret_value() if settings.redis_url is not None else ""
    for address in (settings.database_url, redis, settings.model_base_url or ""):
        password = re.search(r"://[^:/@]*:([^@]+)@", address)
        found += [password.group(1), unquote(password.group(1))] if password else []
    return sorted({text for text in [*found, *provider_secrets()] if text}, key=len, reverse=True)


def hide_secrets(secrets: Sequence[str]) -> Processor:
    """A processor that blanks `secrets` and anything spelled like an API key, wherever a line carries text."""

    def blank(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
        return {name: _hidden(value, secrets) for name, value in line.items()}

    return blank


def _hidden(value: object, secrets: Sequence[str]) -> object:
    if isinstance(value, dict):
        return {name: _hidden(part, secrets) for name, part in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_hidden(part, secrets) for part in value]
    if isinstance(value, str | BaseException):
        return hide(str(value), secrets)
    return value


def hide(text: str, secrets: Sequence[str]) -> str:
    """`text` with `secrets` and everything that is spelled like an API key blanked."""
    for secret in secrets:
        text = text.replace(secret, _HIDDEN)
    return hide_keys(text)


def hide_keys(text: str) -> str:
    """`text` with everything that is spelled like an API key blanked."""
    return _KEY.sub(_HIDDEN, text) if "sk_" in text else text
