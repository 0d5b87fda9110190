"""Rate counters and cursors as pure parts of the API."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.counters import MemoryCounters
from api.cursors import CursorSigner
from api.problems import Problem
from api.sse import StreamGate, frame


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 6000.0

    def __call__(self) -> float:
        return self.now


def test_a_quota_slides() -> None:
    """Within any minute no more than the quota passes, and old requests stop counting as the window moves on."""
    clock = Clock()
    counters = MemoryCounters(clock)
    assert [counters.count("a", 3)[0] for _ in range(4)] == [True, True, True, False]

    clock.now += 60
    assert counters.count("a", 3) == (False, 0)
    clock.now += 30
    assert counters.count("a", 3) == (True, 1)
    clock.now += 120
    assert counters.count("a", 3) == (True, 2)


def test_looking_does_not_count() -> None:
    """An amount of nothing only says whether one more would pass."""
    counters = MemoryCounters(Clock())

    assert [counters.count("a", 1, amount=0)[0] for _ in range(5)] == [True] * 5
    assert counters.count("a", 1)[0]
    assert not counters.count("a", 1, amount=0)[0]
    assert counters.count("b", 1)[0]


def test_many_names_do_not_pile_up() -> None:
    """Names that were not seen for two minutes are forgotten, however many addresses tried."""
    clock = Clock()
    counters = MemoryCounters(clock)
    for number in range(15_000):
        counters.count(f"old-{number}", 5)
    clock.now += 180
    for number in range(6_000):
        counters.count(f"new-{number}", 5)

    assert len(counters._windows) <= 6_000


@given(st.lists(st.floats(min_value=0, max_value=20), max_size=200), st.integers(min_value=1, max_value=10))
def test_the_quota_holds_per_clock_minute(steps: list[float], quota: int) -> None:
    """Whenever requests come, no aligned minute lets more than the quota through."""
    clock = Clock()
    counters = MemoryCounters(clock)
    passed: dict[int, int] = {}
    for step in steps:
        clock.now += step
        passed[int(clock.now // 60)] = passed.get(int(clock.now // 60), 0) + counters.count("a", quota)[0]

    assert all(count <= quota for count in passed.values())


@given(st.lists(st.text(max_size=40), max_size=4), st.dictionaries(st.text(max_size=8), st.none() | st.text(max_size=8), max_size=3))
def test_a_cursor_comes_back_as_it_was(position: list[str], filters: dict[str, str | None]) -> None:
    """Any position survives signing, and is readable only with its filters and its key."""
    signer = CursorSigner(b"secret")
    cursor = signer.sign(position, filters=filters)

    assert signer.read(cursor, filters=filters) == position
    with pytest.raises(Problem):
        signer.read(cursor, filters={**filters, "more": "x"})
    with pytest.raises(Problem):
        CursorSigner(b"other").read(cursor, filters=filters)


@given(st.text(max_size=60))
def test_no_text_is_taken_for_a_cursor(text: str) -> None:
    """Made-up cursors are refused, whatever they are made of."""
    with pytest.raises(Problem):
        CursorSigner(b"secret").read(text, filters={})


@given(st.dictionaries(st.text(max_size=8), st.text(max_size=30), max_size=4))
def test_no_text_breaks_out_of_its_event(data: dict[str, str]) -> None:
    """Whatever an event's text holds, the frame stays one event of three lines."""
    assert frame("step.finished", "7", data).decode().split("\n")[3:] == ["", ""]


def test_a_full_gate_lets_nobody_in() -> None:
    """The cap holds, places come back, and a stopping process still takes who has reached it."""
    gate = StreamGate(2, longest_s=1)
    assert [gate.enter(), gate.enter(), gate.enter()] == [True, True, False]
    gate.leave()
    assert gate.enter()
    gate.leave()
    gate.stopping.set()
    assert [gate.enter(), gate.enter()] == [True, False]
