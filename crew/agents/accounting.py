"""What model calls cost, from one table with its date."""

import json
import math
import re
from collections.abc import Mapping
from datetime import date
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from crew.agents.names import RULES
from crew.errors import ConfigurationError

# Our prompts measure 3.2 to 3.6 characters a token with OpenAI's newest tokenizer; fewer characters make a cautious count.
CHARACTERS_A_TOKEN, CAUTIOUS_CHARACTERS_A_TOKEN = 3.4, 3.0


_DATED = re.compile(r"-(?:20\d{6}|20\d\d-\d\d-\d\d)$")


class Price(BaseModel):
    """US dollars for a million tokens of one model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    input: float = Field(ge=0)
    output: float = Field(ge=0)
    cached_input: float | None = Field(default=None, ge=0)


class Prices(BaseModel):
    """The price table: models, or patterns such as `ollama/*`, and the day on which their prices were noted."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    as_of: date
    note: str = ""
    usd_per_million_tokens: Mapping[str, Price]

    def of(self, model: str) -> Price | None:
        """The entry of the model, also where its name ends in a version's date, else of a pattern that fits it."""
        known = self.usd_per_million_tokens
        return (
            known.get(model)
            or known.get(_DATED.sub("", model))
            or next((price for pattern, price in known.items() if fnmatchcase(model, pattern)), None)
        )

    def cost_usd(self, model: str, *, prompt_tokens: int, completion_tokens: int, cached_tokens: int = 0) -> float | None:
        """The price of a call in US dollars; None for a model without a known price.

        `cached_tokens` are part of `prompt_tokens` and are charged at the cached rate where the provider has one.
        """
        price = self.of(model)
        if price is None:
            return None
        fresh = max(0, prompt_tokens - cached_tokens)
        cached_rate = price.input if price.cached_input is None else price.cached_input
        return float((fresh * price.input + cached_tokens * cached_rate + completion_tokens * price.output) / 1_000_000)

    def most_of_a_call(self, model: str, messages: Any, tools: Any, max_output_tokens: int) -> tuple[int, float | None]:
        """The most tokens that a call can use, in and out, and what they cost; None when no price is known.

        What goes in is estimated on the high side from its characters; the answer cannot be longer than `max_output_tokens`.
        """
        if model == RULES:
            return 0, 0.0
        characters = len(json.dumps([messages, tools], default=str, ensure_ascii=False))
        prompt = math.ceil(characters / CAUTIOUS_CHARACTERS_A_TOKEN)
        return prompt + max_output_tokens, self.cost_usd(model, prompt_tokens=prompt, completion_tokens=max_output_tokens)


@lru_cache(maxsize=8)
def load_prices(file: Path) -> Prices:
    """The table in `file`.

    Raises:
        ConfigurationError: it cannot be read, or is no such table.
    """
    try:
        return Prices.model_validate_json(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"the price table {file} cannot be read ({error.strerror}): set STOCKCREW_PRICES_FILE") from error
    except (UnicodeDecodeError, ValidationError) as error:
        raise ConfigurationError(f"the price table {file} is wrong: {' '.join(str(error).split())[:300]}") from error
