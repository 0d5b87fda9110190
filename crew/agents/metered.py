"""The model boundary: every request of an agent passes here, guarded, retried in one place, counted."""

import itertools
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import structlog
from crewai import BaseLLM
from pydantic import PrivateAttr

from crew.agents.accounting import Prices
from crew.agents.bounded import CallTimeout, within
from crew.agents.breaker import Breaker
from crew.agents.finish import CUT_OFF, REFUSED, Finish
from crew.agents.guard import OUT_OF_TIME, RunGuard
from crew.agents.provider_errors import EmptyAnswer, Refusal, first_line, translated, wait_before_retry
from crew.domain.run import ModelCall
from crew.errors import DeadlineExceeded, ModelUnavailable, StockcrewError

MAX_REQUESTS = 3
GRACE_S = 1.0
BREAKER_LOOK_S = 1.0
log = structlog.get_logger(__name__)


class Terms(NamedTuple):
    """On what terms a model is called.

    `timeout_s` bounds one request as a whole; with `waits` a call holds on while the breaker is open instead of failing.
    """

    guard: RunGuard
    prices: Prices
    breaker: Breaker
    on_call: Callable[[ModelCall], None]
    timeout_s: float
    max_output_tokens: int
    waits: bool = False
    sleep: Callable[[float], None] = time.sleep


class MeteredModel(BaseLLM):
    """A model as an agent sees it. One failing call makes at most three requests, honours Retry-After and never outlives the guard.

    The first of our own errors is kept in `failure`, since CrewAI may wrap what a model raises.
    """

    llm_type: str = "stockcrew"
    _make: Callable[[], BaseLLM] = PrivateAttr()
    _inner: BaseLLM = PrivateAttr()
    _finish: Finish = PrivateAttr()
    _terms: Terms = PrivateAttr()
    _task: str = PrivateAttr()
    _agent: str = PrivateAttr()
    _failure: StockcrewError | None = PrivateAttr(default=None)

    @classmethod
    def around(cls, make: Callable[[], BaseLLM], *, name: str, task: str, agent: str, terms: Terms) -> "MeteredModel":
        """Wrap what `make` makes, a model of this run alone, for one agent and one task; `name` is what receipts call it."""
        made = cls(model=name)
        made._make, made._task, made._agent, made._terms = make, task, agent, terms
        made._renew()
        return made

    def _renew(self) -> None:
        self._inner = self._make()
        self._finish = Finish.of(self._inner)

    def let_go(self) -> None:
        """Forget the model behind and what it was made from; no further call is possible."""
        Finish.leave(self._inner)
        del self._make, self._inner

    @property
    def failure(self) -> StockcrewError | None:
        """The error that ended the run, if one of ours did."""
        return self._failure

    @property
    def was_cut_off(self) -> bool:
        """Whether the newest answer ended because it had grown too long."""
        return self._finish.reason in CUT_OFF

    def call(  # noqa: PLR0917 - CrewAI's signature
        self,
        messages: Any,
        tools: Any = None,
        callbacks: Any = None,
        available_functions: Any = None,
        from_task: Any = None,
        from_agent: Any = None,
        response_model: Any = None,
    ) -> Any:
        """One answer of the model; see `BaseLLM.call`."""
        if self._failure is not None:
            raise self._failure
        try:
            return self._attempts(
                messages,
                tools=tools,
                callbacks=callbacks,
                available_functions=available_functions,
                from_task=from_task,
                from_agent=from_agent,
                response_model=response_model,
            )
        except StockcrewError as error:
            self._failure = error
            raise

    def _attempts(self, messages: Any, **arguments: Any) -> Any:
        tokens, cost = self._terms.prices.most_of_a_call(self.model, messages, arguments["tools"], self._terms.max_output_tokens)
        for attempt in itertools.count(1):
            with self._terms.guard.admitted(tokens=tokens, cost_usd=cost, model=self.model):
                self._pass_breaker()
                answer, error = self._attempt(messages, arguments)
            if error is None:
                self._terms.breaker.succeeded()
                return answer
            wait = wait_before_retry(error, attempt) if attempt < MAX_REQUESTS else None
            log.info("model_request_failed", model=self.model, attempt=attempt, error=first_line(error), wait_s=wait)
            if wait is None:
                # Raised outside of any handler: CrewAI looks through an error's causes for a status of 429 and would start all over.
                raise self._given_up(error)
            self._terms.guard.check(wait)
            self._terms.sleep(wait)
        raise AssertionError("unreachable")

    def _pass_breaker(self) -> None:
        while True:
            self._terms.guard.check()
            try:
                self._terms.breaker.check(self.model)
            except ModelUnavailable as error:
                if not self._terms.waits:
                    raise
                pause = min(error.retry_after_s or BREAKER_LOOK_S, BREAKER_LOOK_S)
            else:
                return
            self._terms.guard.check(pause)
            self._terms.sleep(pause)

    def _given_up(self, error: Exception) -> StockcrewError:
        failure = translated(error, self.model)
        if isinstance(failure, ModelUnavailable):
            self._terms.breaker.failed()
        else:
            self._terms.breaker.ended()
        return failure

    def _attempt(self, messages: Any, arguments: dict[str, Any]) -> tuple[Any, Exception | None]:
        before, began, inner = self._inner.get_token_usage_summary(), time.monotonic(), self._inner
        left = self._terms.guard.left_s()
        self._finish.reason = None
        try:
            answer = within(min(self._terms.timeout_s + GRACE_S, left), lambda: inner.call(messages, **arguments))
        except StockcrewError:
            raise
        except CallTimeout as error:
            self._count(before, began, outcome="error")
            # Its thread still writes to the old object, whose usage is no longer of interest.
            self._renew()
            if left <= self._terms.timeout_s:
                self._terms.breaker.ended()
                raise DeadlineExceeded(OUT_OF_TIME) from None
            return None, error
        except Exception as error:  # noqa: BLE001 - libraries raise what they like; it is judged by the caller
            self._count(before, began, outcome="error")
            return None, error
        if answer is None or (isinstance(answer, str | list) and not answer):
            self._count(before, began, outcome="error")
            refused = self._finish.reason in REFUSED
            return None, Refusal(f"it refuses to answer ({self._finish.reason})") if refused else EmptyAnswer("the answer is empty")
        self._count(before, began, outcome="ok")
        return answer, None

    def _count(self, before: Any, began: float, *, outcome: str) -> None:
        after = self._inner.get_token_usage_summary()
        used = {name: getattr(after, name) - getattr(before, name) for name in ("prompt_tokens", "completion_tokens", "cached_prompt_tokens")}
        tokens = {
            "prompt_tokens": used["prompt_tokens"],
            "completion_tokens": used["completion_tokens"],
            "cached_tokens": used["cached_prompt_tokens"],
        }
        call = ModelCall.model_validate(
            {
                "task": self._task,
                "agent": self._agent,
                "model": self.model,
                **tokens,
                "milliseconds": round((time.monotonic() - began) * 1000),
                "cost_usd": self._terms.prices.cost_usd(self.model, **tokens),
                "outcome": outcome,
            }
        )
        self._terms.guard.count(call)
        self._terms.on_call(call)

    def supports_function_calling(self) -> bool:
        """Whether the model takes tools natively."""
        ask = getattr(self._inner, "supports_function_calling", None)
        return bool(ask()) if ask else False

    def supports_stop_words(self) -> bool:
        """Whether the model takes stop words."""
        return self._inner.supports_stop_words()

    def get_context_window_size(self) -> int:
        """Large, so that CrewAI neither shortens tool results nor summarises by further calls; our prompts are bounded."""
        return 200_000

    def get_input_tokens_count(self, messages: Any, tools: Any = None, response_model: Any = None) -> int:  # noqa: ARG002 - CrewAI's signature
        """A rough count, four characters to a token: it only guards the window above."""
        return sum(len(str(message)) for message in messages) // 4
