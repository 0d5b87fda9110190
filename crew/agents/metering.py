"""Embedding calls counted and capped as model calls are: before each the guard is asked, after each it is told."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from crew.agents.accounting import CAUTIOUS_CHARACTERS_A_TOKEN, Prices
from crew.agents.guard import RunGuard
from crew.domain.run import ModelCall

Answer = TypeVar("Answer")
RETRIEVAL = "retrieval"


@dataclass(frozen=True)
class Meter:
    """Counts the embedding calls made for one task of one analysis.

    LangChain does not hand on what the provider counted, so tokens are estimated on the high side from characters.
    `on_call` is told of each call, also of failed ones.
    """

    guard: RunGuard
    prices: Prices
    on_call: Callable[[ModelCall], None]
    task: str = RETRIEVAL
    agent: str = RETRIEVAL

    def embed(self, name: str, texts: Sequence[str], work: Callable[[], Answer]) -> Answer:
        """The answer of `work`, which has the embedding model `name` (PROVIDER:MODEL) embed `texts`.

        Raises:
            BudgetExceeded: the call could exceed the cap in tokens or money, or has no known price although a cap was asked for.
            RunCanceled, DeadlineExceeded: see `RunGuard.check`.
        """
        model, tokens = name.replace(":", "/", 1), math.ceil(sum(map(len, texts)) / CAUTIOUS_CHARACTERS_A_TOKEN)
        cost = self.prices.cost_usd(model, prompt_tokens=tokens, completion_tokens=0)
        with self.guard.admitted(tokens=tokens, cost_usd=cost, model=model):
            began, is_done = time.monotonic(), False
            try:
                answer = work()
                is_done = True
            finally:
                call = ModelCall(
                    task=self.task,
                    agent=self.agent,
                    model=model,
                    prompt_tokens=tokens,
                    completion_tokens=0,
                    milliseconds=round((time.monotonic() - began) * 1000),
                    cost_usd=cost,
                    outcome="ok" if is_done else "error",
                )
                self.guard.count(call)
                self.on_call(call)
        return answer
