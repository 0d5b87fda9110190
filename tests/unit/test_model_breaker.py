"""The breaker of a model provider: when it opens, who may probe, and what closes it."""

import pytest

from crew.agents.breaker import OPEN_S, OUTAGES_TO_OPEN, PROBE_S, Breaker, Breakers
from crew.errors import ModelUnavailable


class _Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def _opened() -> tuple[Breaker, _Clock]:
    clock = _Clock()
    breaker = Breaker(clock)
    for _ in range(OUTAGES_TO_OPEN):
        breaker.check("m")
        breaker.failed()
    return breaker, clock


def test_it_opens_after_outages_in_a_row() -> None:
    """A success in between starts the count anew."""
    breaker = Breaker(_Clock())
    for _ in range(OUTAGES_TO_OPEN - 1):
        breaker.failed()
    breaker.succeeded()
    breaker.failed()
    breaker.check("m")


def test_an_open_breaker_says_for_how_long() -> None:
    """The error is an outage with the seconds to wait."""
    breaker, clock = _opened()
    clock.now = 10.0
    with pytest.raises(ModelUnavailable) as raised:
        breaker.check("m")
    assert raised.value.retry_after_s == OPEN_S - 10.0


def test_one_call_alone_probes() -> None:
    """Once the time is up the first call passes and the next are held off until its outcome is known."""
    breaker, clock = _opened()
    clock.now = OPEN_S
    breaker.check("m")
    with pytest.raises(ModelUnavailable):
        breaker.check("m")
    breaker.succeeded()
    breaker.check("m")
    breaker.check("m")


def test_a_failed_probe_opens_it_again() -> None:
    """One outage is enough then."""
    breaker, clock = _opened()
    clock.now = OPEN_S
    breaker.check("m")
    breaker.failed()
    with pytest.raises(ModelUnavailable):
        breaker.check("m")


@pytest.mark.parametrize("lost", ["ended", "forgotten"])
def test_a_probe_without_a_verdict_gives_way(lost: str) -> None:
    """A probe that was canceled, or of which nothing is heard, does not hold the others off for ever."""
    breaker, clock = _opened()
    clock.now = OPEN_S
    breaker.check("m")
    if lost == "ended":
        breaker.ended()
    else:
        clock.now += PROBE_S
    breaker.check("m")


def test_models_of_one_provider_share_a_breaker() -> None:
    """An outage is the provider's; another address is another provider."""
    known = Breakers()
    assert known.of("openai", None) is known.of("openai", None)
    assert known.of("openai", None) is not known.of("openai", "http://127.0.0.1:1/v1")
