"""Model objects of each provider as CrewAI makes them, with the libraries' own retries off and their timeouts ours."""

from collections.abc import Callable
from typing import Any, NamedTuple

from crewai import LLM, BaseLLM

from crew.agents.building import finish_bases
from crew.agents.provider_errors import PROVIDER_KEYS
from crew.errors import ConfigurationError

CONNECT_S = 10.0
_ANY_KEY = "not-needed"


class Wanted(NamedTuple):
    """What is asked of a model object."""

    name: str
    provider: str
    base_url: str | None
    timeout_s: float
    max_output_tokens: int
    stream: bool
    reasoning: bool


def make_client(wanted: Wanted) -> BaseLLM:
    """A model object that makes one request per call and gives up after the timeout.

    Raises:
        ConfigurationError: CrewAI does not speak to such a model, or a variable is missing; the message names it.
    """
    arguments: dict[str, Any] = {"model": wanted.name, "stream": wanted.stream, **_answers(wanted), **_patience(wanted)}
    if wanted.base_url:
        arguments["base_url"] = wanted.base_url
    try:
        made: BaseLLM = LLM(**arguments)
        if wanted.base_url and not made.api_key:
            made = LLM(**arguments, api_key=_ANY_KEY)
    except (ImportError, ValueError) as error:
        raise _unusable(wanted, str(error)) from error
    _FINISHED.get(wanted.provider, _with_key)(made, wanted)
    finish_bases()
    return made


def _answers(wanted: Wanted) -> dict[str, Any]:
    """How each provider takes the longest answer; reasoning models refuse a temperature and count their answer under another name."""
    if wanted.reasoning:
        return {"max_completion_tokens": wanted.max_output_tokens}
    longest = "max_output_tokens" if wanted.provider in {"gemini", "google"} else "max_tokens"
    return {longest: wanted.max_output_tokens, "temperature": 0}


def _patience(wanted: Wanted) -> dict[str, Any]:
    """How each library takes a timeout, and that it makes one request only. Azure's and Bedrock's clients are made anew below."""
    if wanted.provider in {"gemini", "google"}:
        return {"client_params": {"http_options": {"timeout": round(wanted.timeout_s * 1000), "retry_options": {"attempts": 1}}}}
    if wanted.provider in _FINISHED:
        return {}
    return {"timeout": wanted.timeout_s, "max_retries": 0}


def _with_key(made: Any, wanted: Wanted) -> None:
    if not made.api_key:
        raise _missing(wanted)


def _with_azure(made: Any, wanted: Wanted) -> None:
    """CrewAI passes neither timeout nor retries on, and the library would try ten times by itself."""
    if not made.endpoint:
        raise ConfigurationError(f"model {wanted.name!r} needs an endpoint: set AZURE_ENDPOINT")
    _with_key(made, wanted)
    from azure.ai.inference import ChatCompletionsClient  # noqa: PLC0415 - each provider's library is loaded for its own models alone

    patience: dict[str, Any] = {"retry_total": 0, "connection_timeout": CONNECT_S, "read_timeout": wanted.timeout_s}
    made._client = ChatCompletionsClient(**made._make_client_kwargs(), **patience)  # noqa: SLF001 - CrewAI has no argument for it


def _with_bedrock(made: Any, wanted: Wanted) -> None:
    """CrewAI fixes three tries and five minutes."""
    from boto3.session import Session  # noqa: PLC0415
    from botocore.config import Config  # noqa: PLC0415

    session = Session(
        aws_access_key_id=made.aws_access_key_id,
        aws_secret_access_key=made.aws_secret_access_key,
        aws_session_token=made.aws_session_token,
        region_name=made.region_name,
    )
    if session.get_credentials() is None:
        raise _missing(wanted)
    patience = Config(connect_timeout=CONNECT_S, read_timeout=wanted.timeout_s, retries={"total_max_attempts": 1}, tcp_keepalive=True)
    made._client = session.client("bedrock-runtime", config=patience)  # noqa: SLF001 - CrewAI has no argument for it


_FINISHED: dict[str, Callable[[Any, Wanted], None]] = {
    "azure": _with_azure,
    "azure_openai": _with_azure,
    "bedrock": _with_bedrock,
    "aws": _with_bedrock,
}


def _missing(wanted: Wanted) -> ConfigurationError:
    return ConfigurationError(f"model {wanted.name!r} needs a key: set {PROVIDER_KEYS.get(wanted.provider, 'its API key')}")


def _unusable(wanted: Wanted, problem: str) -> ConfigurationError:
    """The library's long message in one sentence that says what to set."""
    key = PROVIDER_KEYS.get(wanted.provider)
    if key and key in problem:
        return _missing(wanted)
    if "LiteLLM" in problem:
        hint = f"use a model of {', '.join(sorted(PROVIDER_KEYS))}, ollama or hosted_vllm, or openai/NAME with OPENAI_BASE_URL"
        return ConfigurationError(f"model {wanted.name!r} cannot be used, there is no client for it: {hint}")
    return ConfigurationError(f"model {wanted.name!r} cannot be used: {' '.join(problem.split())[:300]}")
