"""What providers' errors mean: whether another request can help, how long to wait for it, and the error of ours that says what to do."""

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from crew.errors import ModelRateLimited, ModelRejected, ModelUnavailable, OutputInvalid, StockcrewError
from crew.logs import hide
from crew.settings import provider_secrets

LONGEST_WAIT_S = 30.0
FIRST_WAIT_S = 0.5
PROVIDER_KEYS = {
    "openai": "OPENAI_API_KEY",
    "anthropic": "ANTHROPIC_API_KEY",
    "gemini": "GEMINI_API_KEY",
    "google": "GEMINI_API_KEY",
    "claude": "ANTHROPIC_API_KEY",
    "azure": "AZURE_API_KEY",
    "azure_openai": "AZURE_API_KEY",
    "bedrock": "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    "aws": "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    "openrouter": "OPENROUTER_API_KEY",
    "deepseek": "DEEPSEEK_API_KEY",
    "cerebras": "CEREBRAS_API_KEY",
    "dashscope": "DASHSCOPE_API_KEY",
    "deepinfra": "DEEPINFRA_API_KEY",
}
_NETWORK = ("Timeout", "ConnectError", "ConnectionError", "ConnectionReset", "ConnectionClosed", "RemoteProtocolError", "ReadError", "WriteError")


class EmptyAnswer(Exception):
    """The provider answered with nothing at all."""


class Refusal(Exception):
    """The provider states that the model or a filter refuses to answer."""


_PASSING = (EmptyAnswer, AttributeError, KeyError, IndexError, json.JSONDecodeError)


def status_of(error: BaseException) -> int | None:
    """The HTTP status behind `error`, in whichever of the libraries' shapes."""
    for cause in _causes(error):
        response = getattr(cause, "response", None)
        metadata = response.get("ResponseMetadata", {}) if isinstance(response, dict) else {}
        for status in (
            getattr(cause, "status_code", None),
            getattr(response, "status_code", None),
            metadata.get("HTTPStatusCode"),
            getattr(cause, "code", None),
        ):
            if isinstance(status, int) and 100 <= status < 600:
                return status
    return None


def retry_after_of(error: BaseException) -> float | None:
    """Seconds that the provider asks to wait, None when it does not say."""
    for cause in _causes(error):
        text = _retry_header(getattr(cause, "response", None)) or _retry_delay(getattr(cause, "details", None))
        if text:
            return _seconds(text)
    return None


def _retry_header(response: Any) -> str | None:
    """The header, of a response or of what Bedrock's library keeps of one."""
    headers: Any = response.get("ResponseMetadata", {}).get("HTTPHeaders") if isinstance(response, dict) else getattr(response, "headers", None)
    text = headers.get("retry-after") if hasattr(headers, "get") else None
    return str(text) if text else None


def _retry_delay(details: Any) -> str | None:
    """Gemini says it in the body: error.details[].retryDelay, such as "7s"."""
    problem = details.get("error") if isinstance(details, dict) else None
    parts = problem.get("details") if isinstance(problem, dict) else None
    delays = [str(part["retryDelay"]) for part in parts or () if isinstance(part, dict) and part.get("retryDelay")]
    return delays[0].removesuffix("s") if delays else None


def wait_before_retry(error: BaseException, attempt: int) -> float | None:
    """Seconds to wait before another request, with jitter; None when another would be of no use.

    Args:
        error: what the request ended with.
        attempt: how many requests have been made, from 1.
    """
    if not _passes(error):
        return None
    stated = retry_after_of(error)
    if stated is None:
        stated = float(FIRST_WAIT_S * 2 ** (attempt - 1))
    elif stated > LONGEST_WAIT_S:
        return None
    return stated + random.uniform(0.05, 0.25) * max(stated, 1.0)  # noqa: S311 - jitter is no secret


def translated(error: BaseException, model: str) -> StockcrewError:
    """The error of ours that says what happened and what to do."""
    status, provider = status_of(error), model.split("/", 1)[0]
    if status in {401, 403}:
        key = PROVIDER_KEYS.get(provider, f"the API key of {provider}")
        return ModelRejected(f"{provider} refuses the key ({status}): set {key} to a valid one")
    if status == 429:
        return ModelRateLimited(f"{model} refuses further requests for now", retry_after_s=retry_after_of(error))
    if status is not None and 400 <= status < 500 and status != 408:
        return ModelRejected(f"{model} rejects the request ({status}): {first_line(error)}")
    if isinstance(error, Refusal):
        return ModelRejected(f"{model}: {error}")
    if isinstance(error, EmptyAnswer):
        return OutputInvalid(f"{model} keeps giving empty answers")
    if status is not None or _is_network(error):
        return ModelUnavailable(f"{model} cannot be reached or keeps failing ({status or first_line(error)})", retry_after_s=retry_after_of(error))
    return OutputInvalid(f"{model} gave an answer that cannot be used: {first_line(error)}")


def first_line(error: BaseException) -> str:
    """The first line of the error's own words, else its type. Some providers repeat the key that they refuse: it is blanked."""
    return hide((str(error).strip().splitlines() or [type(error).__name__])[0], provider_secrets())[:200]


def _passes(error: BaseException) -> bool:
    """Whether the failure may be gone a moment later."""
    status = status_of(error)
    if status is not None:
        return status in {408, 409, 425, 429} or status >= 500
    return isinstance(error, _PASSING) or _is_network(error)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    # Libraries raise an error again while handling it, which can close its chain to a ring.
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _is_network(error: BaseException) -> bool:
    return any(part in type(cause).__name__ for cause in _causes(error) for part in _NETWORK)


def _seconds(text: str) -> float | None:
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return None
