"""Models by name: `rules`, or any model string that CrewAI speaks to natively, without the libraries' own retries."""

import re
from functools import lru_cache

from crewai import BaseLLM

from crew.agents.clients import Wanted, make_client
from crew.agents.names import RULES, provider_of
from crew.settings import Settings

_REASONING = re.compile(r"openai/(?:gpt-5|o\d)")


def base_url_of(name: str, settings: Settings) -> str | None:
    """The address that requests for `name` go to, None for the provider's own."""
    return settings.model_base_url if provider_of(name) == "openai" else None


def make_model(name: str, settings: Settings, *, max_output_tokens: int) -> BaseLLM:
    """A model object for one agent and one task, its usage counted from nought; the connection behind it is shared.

    Raises:
        ConfigurationError: CrewAI does not speak to such a model, or a key is missing.
    """
    template = _template(name, base_url_of(name, settings), settings.model_timeout_s, max_output_tokens, settings.model_stream)
    made = template.model_copy()
    made._token_usage = dict.fromkeys(template._token_usage, 0)  # noqa: SLF001 - a copy would count into the template
    return made


@lru_cache(maxsize=64)
def _template(name: str, base_url: str | None, timeout_s: float, max_output_tokens: int, stream: bool) -> BaseLLM:
    # Making a client costs some 70 ms of CPU, copying it next to nothing.
    reasoning = bool(_REASONING.match(name))
    return make_client(Wanted(name, provider_of(name), base_url, timeout_s, max_output_tokens, stream=stream, reasoning=reasoning))


def forget_clients() -> None:
    """Make the next model of each kind anew: keys and addresses in the environment may have changed."""
    _template.cache_clear()


def check_model(name: str, settings: Settings) -> str:
    """Say in a few words that the model can be used, without calling it.

    Raises:
        ConfigurationError: it cannot.
    """
    if name == RULES:
        return "rules: a deterministic writer, no language model"
    make_model(name, settings, max_output_tokens=16)
    return f"{name}: configured (not called)"
