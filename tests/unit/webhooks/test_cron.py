"""Cron expressions and time zones."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crew.domain.cron import checked_cron, checked_zone, next_runs

NEW_YORK = ZoneInfo("America/New_York")


def local(expression: str, zone: str, after: datetime, count: int = 3) -> list[str]:
    """The next moments by the clocks of the zone."""
    return [moment.astimezone(ZoneInfo(zone)).isoformat(timespec="minutes") for moment in next_runs(expression, zone, after=after, count=count)]


def test_it_fires_by_the_clocks_of_its_zone() -> None:
    """Half past six in New York is another moment in UTC in winter and in summer."""
    found = next_runs("30 6 * * MON-FRI", "America/New_York", after=datetime(2026, 3, 6, 12, tzinfo=UTC), count=2)

    assert found == [datetime(2026, 3, 9, 10, 30, tzinfo=UTC), datetime(2026, 3, 10, 10, 30, tzinfo=UTC)]
    assert next_runs("30 6 * * MON-FRI", "America/New_York", after=datetime(2026, 3, 6, 10, tzinfo=UTC), count=1) == [
        datetime(2026, 3, 6, 11, 30, tzinfo=UTC)
    ]


def test_a_time_that_the_clocks_leave_out_fires_right_after_the_gap() -> None:
    """When 02:30 does not exist, it fires at 03:00, once, and at 02:30 on the days around."""
    found = local("30 2 * * *", "America/New_York", datetime(2026, 3, 7, 0, tzinfo=NEW_YORK))

    assert found == ["2026-03-07T02:30-05:00", "2026-03-08T03:00-04:00", "2026-03-09T02:30-04:00"]


def test_a_time_that_the_clocks_repeat_fires_once() -> None:
    """When 01:30 comes twice, it fires the first time only."""
    found = local("30 1 * * *", "America/New_York", datetime(2026, 10, 31, 12, tzinfo=NEW_YORK))

    assert found == ["2026-11-01T01:30-04:00", "2026-11-02T01:30-05:00", "2026-11-03T01:30-05:00"]


def test_what_fires_every_half_hour_goes_by_real_time() -> None:
    """Both hours of a repeated one count, and no half hour of real time is missed at the gap."""
    autumn = next_runs("*/30 * * * *", "America/New_York", after=datetime(2026, 11, 1, 4, tzinfo=UTC), count=8)
    spring = next_runs("*/30 * * * *", "Europe/Lisbon", after=datetime(2026, 3, 29, 0, tzinfo=UTC), count=8)

    for found in (autumn, spring):
        assert {(later - earlier).total_seconds() for earlier, later in pairwise(found)} == {1800}


def test_the_present_moment_is_not_the_next() -> None:
    """Fired at its moment, the next one is another."""
    now = datetime(2026, 3, 12, 6, 30, tzinfo=UTC)

    assert next_runs("30 6 * * *", "UTC", after=now, count=1) == [datetime(2026, 3, 13, 6, 30, tzinfo=UTC)]


@pytest.mark.parametrize("text", ["0 9 * * 1-5", "*/5 * * * *", "0 0 1 JAN *", "0 0 L * *", "0  9 * * MON,WED", " 0 9 * * * ", "0 0 29 2 *"])
def test_usual_expressions_are_accepted(text: str) -> None:
    """Five fields with names, steps, lists and the last day of the month are accepted, with single spaces afterwards."""
    assert checked_cron(text) == " ".join(text.split())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "* * * *",
        "* * * * * *",
        "60 * * * *",
        "0 0 30 2 *",
        "0 0 31 11 *",
        "@daily",
        "H * * * *",
        "a b c d e",
        "0 9 * * MOON",
        "*/0 * * * *",
        "0 9 * * *\x00",
        "9" * 200,
        "٣ * * * *",
    ],
)
def test_what_is_no_expression_or_never_fires_is_refused(text: str) -> None:
    """Fewer or more fields, values out of range, nicknames and days that never come are refused with a reason."""
    with pytest.raises(ValueError, match="not a cron expression"):
        checked_cron(text)


@pytest.mark.parametrize(
    "name", ["", "Mars/Olympus", "EST5EDT5", "../etc/passwd", "/etc/localtime", "America", "america/new_york\x00", "Europe/Berlin ", "x" * 200]
)
def test_what_is_no_zone_is_refused(name: str) -> None:
    """Unknown names, folders and paths are no time zones."""
    with pytest.raises(ValueError, match="not a time zone"):
        checked_zone(name)


def test_asked_within_the_repeated_hour_it_does_not_look_back() -> None:
    """In the second of two hours of one name the next moment is ahead, never the one that has been."""
    within = datetime(2026, 11, 1, 6, 10, tzinfo=UTC)

    assert next_runs("30 1 * * *", "America/New_York", after=within, count=1) == [datetime(2026, 11, 2, 6, 30, tzinfo=UTC)]
    assert next_runs("*/30 * * * *", "America/New_York", after=within, count=1) == [datetime(2026, 11, 1, 6, 30, tzinfo=UTC)]


# Near changes of the clock in several zones, and one moment far from any, in seconds since 1970.
CHANGES = [1_772_953_200, 1_793_512_800, 1_774_746_000, 1_792_890_000, 1_775_314_800, 1_790_996_400, 1_777_777_777]


@given(
    after=st.builds(lambda change, offset: datetime.fromtimestamp(change + offset, UTC), st.sampled_from(CHANGES), st.integers(-100_000, 100_000)),
    expression=st.sampled_from(
        ["30 2 * * *", "30 1 * * *", "45 1,2 * * *", "0 * * * *", "15 1 * * SUN", "*/20 1-3 * * *", "*/7 * * * *", "0 0 1 * *"]
    ),
    zone=st.sampled_from(["America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "America/Sao_Paulo", "Asia/Kolkata", "UTC"]),
)
@settings(max_examples=400, deadline=None)
def test_moments_ascend_and_resume_anywhere(after: datetime, expression: str, zone: str) -> None:
    """Moments ascend strictly, lie after the one asked for, and asking from one gives the one behind it: none is lost and none comes twice."""
    first, second, third = next_runs(expression, zone, after=after, count=3)

    assert after < first < second < third
    assert next_runs(expression, zone, after=first, count=2) == [second, third]
    assert next_runs(expression, zone, after=first - timedelta(seconds=1), count=1) == [first]
