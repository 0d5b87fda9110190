"""What may stop a run between two model calls: somebody's wish, the deadline, or the budget."""

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from crew.domain.run import ModelCall
from crew.errors import BudgetExceeded, DeadlineExceeded, RunCanceled

LOOK_S = 0.5
OUT_OF_TIME = "the analysis ran out of time (deadline_s of the request, else STOCKCREW_JOB_DEADLINE_S)"


@dataclass
class RunGuard:
    """Asked before each model call; shared by the tasks of one analysis, which run in parallel.

    `deadline` is a time of `clock` in seconds. `cancelled` says whether to stop. With `priced_only` no call of a model
    without a known price may pass, since a cap in money that somebody asked for could not be kept.
    """

    cancelled: Callable[[], bool] = lambda: False
    deadline: float | None = None
    max_tokens: int | None = None
    max_cost_usd: float | None = None
    priced_only: bool = False
    clock: Callable[[], float] = time.monotonic
    _tokens: int = 0
    _cost: float = 0.0
    _reserved_tokens: int = 0
    _reserved_cost: float = 0.0
    _stopped: threading.Event = field(default_factory=threading.Event)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def check(self, wait_s: float = 0.0) -> None:
        """Let the next model call pass, `wait_s` seconds from now.

        Raises:
            RunCanceled: somebody wants the run stopped, or a sibling task has failed.
            DeadlineExceeded: the time is up.
            BudgetExceeded: the cap in tokens or money is reached.
        """
        if self._stopped.is_set() or self.cancelled():
            raise RunCanceled("the analysis was canceled")
        if self.deadline is not None and self.clock() + wait_s > self.deadline:
            raise DeadlineExceeded(OUT_OF_TIME)
        with self._changed:
            self._refuse_above(tokens=0, cost_usd=0.0)

    @contextmanager
    def admitted(self, *, tokens: int, cost_usd: float | None, model: str) -> Iterator[None]:
        """Set aside the most that one call may use while it is under way, so that calls in parallel cannot exceed the cap together.

        A call that only finds no room because of others under way waits for them.

        Args:
            tokens: the most the call can use, in and out.
            cost_usd: what they would cost; None when no price is known.
            model: the model, for the message.

        Raises:
            BudgetExceeded: the call could exceed the cap in tokens or money.
            RunCanceled, DeadlineExceeded: see `check`; they may come while it waits.
        """
        if cost_usd is None and self.priced_only:
            raise BudgetExceeded(
                f"no price is known for {model}, so a cap in US dollars cannot be kept: add it to STOCKCREW_PRICES_FILE, or leave max_cost_usd out"
            )
        cost = cost_usd or 0.0
        self._set_aside(tokens, cost)
        try:
            yield
        finally:
            with self._changed:
                self._reserved_tokens -= tokens
                self._reserved_cost -= cost
                self._changed.notify_all()

    def _set_aside(self, tokens: int, cost: float) -> None:
        while True:
            self.check()
            with self._changed:
                self._refuse_above(tokens=tokens, cost_usd=cost)
                if not self._is_crowded(tokens, cost):
                    self._reserved_tokens += tokens
                    self._reserved_cost += cost
                    return
                self._changed.wait(LOOK_S)

    def _refuse_above(self, *, tokens: int, cost_usd: float) -> None:
        """Judge by what has been spent; with nought it asks whether anything is left at all."""
        if self.max_tokens is not None and (self._tokens + tokens > self.max_tokens or self._tokens >= self.max_tokens):
            raise BudgetExceeded(
                f"the cap of {self.max_tokens} tokens (STOCKCREW_MAX_TOKENS_PER_ANALYSIS) leaves no room: {self._tokens} are used,"
                f" the next call may need {tokens}"
            )
        if self.max_cost_usd is not None and (self._cost + cost_usd > self.max_cost_usd or self._cost >= self.max_cost_usd > 0):
            raise BudgetExceeded(
                f"the cap of {self.max_cost_usd:g} US dollars (max_cost_usd, else STOCKCREW_MAX_COST_USD) leaves no room: {self._cost:.4f} are spent,"
                f" the next call may cost {cost_usd:.4f}"
            )

    def _is_crowded(self, tokens: int, cost: float) -> bool:
        over_tokens = self.max_tokens is not None and self._tokens + self._reserved_tokens + tokens > self.max_tokens
        over_cost = self.max_cost_usd is not None and self._cost + self._reserved_cost + cost > self.max_cost_usd
        return over_tokens or over_cost

    def left_s(self) -> float:
        """Seconds until the deadline, infinity without one."""
        return math.inf if self.deadline is None else max(0.0, self.deadline - self.clock())

    def count(self, call: ModelCall) -> None:
        """Add a finished call to what has been spent."""
        with self._changed:
            self._tokens += call.prompt_tokens + call.completion_tokens
            self._cost += call.cost_usd or 0.0

    def stop(self) -> None:
        """Let no further call pass: a sibling task has failed."""
        self._stopped.set()
