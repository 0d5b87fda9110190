"""Why an answer ended, as the provider states it: CrewAI reads the reason and only tells its events."""

from typing import Any

from crewai import BaseLLM

CUT_OFF = frozenset({"length", "max_tokens", "MAX_TOKENS"})
REFUSED = frozenset(
    {
        "content_filter",
        "content_filtered",
        "guardrail_intervened",
        "refusal",
        "SAFETY",
        "PROHIBITED_CONTENT",
        "BLOCKLIST",
        "SPII",
        "RECITATION",
    }
)
_TELLS = "_emit_call_completed_event"


class Finish:
    """The reason for which the newest answer of one model object ended, None while it is not known."""

    def __init__(self) -> None:
        self.reason: str | None = None

    @classmethod
    def of(cls, model: BaseLLM) -> "Finish":
        """Listen to `model`, an object of one run alone."""
        made, told = cls(), getattr(model, _TELLS)

        def listen(*arguments: Any, **named: Any) -> None:
            made.reason = named.get("finish_reason") or made.reason
            told(*arguments, **named)

        # Not a field of the model: an attribute of this object that stands before the class's method.
        model.__dict__[_TELLS] = listen
        return made

    @staticmethod
    def leave(model: BaseLLM) -> None:
        """Listen to `model` no longer: what listens holds it, and it what listens."""
        model.__dict__.pop(_TELLS, None)
