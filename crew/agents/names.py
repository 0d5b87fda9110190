"""Which models speak for an agent. Nothing heavy is imported here: the door asks as well."""

from crew.settings import Settings

RULES = "rules"


def resolve(named: str, *, override: str | None, settings: Settings) -> str:
    """The model that speaks for an agent: what agents.yaml names, the request's choice or STOCKCREW_MODEL where it says `default`."""
    return (override or settings.model) if named == "default" else named


def candidates(named: str, *, override: str | None, settings: Settings) -> tuple[str, ...]:
    """The models to try for an agent, in order: the one that speaks for it, then STOCKCREW_MODEL_FALLBACKS."""
    chosen = resolve(named, override=override, settings=settings)
    if chosen == RULES:
        return (RULES,)
    return tuple(dict.fromkeys((chosen, *settings.model_fallbacks)))


def provider_of(name: str) -> str:
    """What stands before the slash: `openai`, `anthropic`, `ollama`."""
    return name.split("/", 1)[0]
