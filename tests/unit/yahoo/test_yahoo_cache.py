"""The cache on disk and the freshness of prices."""

from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest
from fakes.manual_time import ManualTime

from crew.errors import ConfigurationError, MarketDataUnavailable
from crew.market.providers.yahoo.cache import STORES_PER_PURGE, PartCache
from crew.market.providers.yahoo.freshness import TradingHours, prices_fresh_until
from crew.market.providers.yahoo.parts import NewsPart, UnknownPart

NEW_YORK = TradingHours(time_zone="America/New_York", opens=time(9, 30), closes=time(16))
CRYPTO = TradingHours(time_zone="UTC", opens=time(0), closes=time(23, 59), every_day=True)
START = datetime(2026, 3, 12, 12, tzinfo=UTC)


def utc(day: int, hour: int, minute: int = 0) -> datetime:
    """A time in March 2026; the 12th is a Thursday, and New York is four hours behind."""
    return datetime(2026, 3, day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("fetched_at", "fresh_until"),
    [
        (utc(12, 15), utc(12, 15, 5)),
        (utc(12, 20, 10), utc(12, 20, 15)),
        (utc(12, 20, 31), utc(13, 13, 30)),
        (utc(12, 11), utc(12, 13, 30)),
        (utc(13, 21), utc(16, 13, 30)),
        (utc(14, 12), utc(16, 13, 30)),
    ],
    ids=["in session", "settling", "after the close", "before the opening", "Friday night", "Saturday"],
)
def test_prices_are_fresh_five_minutes_in_session_and_else_until_the_next(fetched_at: datetime, fresh_until: datetime) -> None:
    """Freshness follows the listing's own hours, over nights and weekends."""
    assert prices_fresh_until(fetched_at, NEW_YORK) == fresh_until


def test_what_trades_every_day_has_no_weekend() -> None:
    """A crypto pair is in session on a Saturday."""
    assert prices_fresh_until(utc(14, 12), CRYPTO) == utc(14, 12, 5)


def test_a_session_over_midnight_is_one_session() -> None:
    """Hours that end on the next day are open in between."""
    night = TradingHours(time_zone="UTC", opens=time(22), closes=time(4))
    assert prices_fresh_until(utc(12, 23), night) == utc(12, 23, 5)
    assert prices_fresh_until(utc(13, 2), night) == utc(13, 2, 5)
    assert prices_fresh_until(utc(13, 12), night) == utc(13, 22)


def test_unknown_hours_mean_five_minutes() -> None:
    """Without hours nothing is assumed closed."""
    assert prices_fresh_until(utc(14, 12), None) == utc(14, 12, 5)


@pytest.fixture
def passing_time() -> ManualTime:
    """A clock that a test moves."""
    return ManualTime(START)


@pytest.fixture
def cache(tmp_path: Path, passing_time: ManualTime) -> PartCache:
    """An empty cache."""
    return PartCache(tmp_path / "cache" / "market.db", provider="yahoo", clock=passing_time.now)


def test_an_entry_answers_until_its_time(cache: PartCache, passing_time: ManualTime) -> None:
    """An entry is found under its own kind and symbol, up to its last fresh moment and not after."""
    cache.put("unknown", "X", UnknownPart(message="no"), fresh_until=START + timedelta(minutes=10))
    assert cache.get("unknown", "X", UnknownPart) == UnknownPart(message="no")
    assert cache.get("unknown", "Y", UnknownPart) is None
    assert cache.get("news", "X", UnknownPart) is None
    passing_time.advance(minutes=10)
    assert cache.get("unknown", "X", UnknownPart) is None


def test_an_entry_of_another_shape_is_a_miss(cache: PartCache) -> None:
    """What an older version wrote in another shape is fetched anew instead of failing every job."""
    cache.put("news", "X", UnknownPart(message="not news"), fresh_until=START + timedelta(days=1))
    assert cache.get("news", "X", NewsPart) is None


def test_a_broken_file_is_unavailable_and_says_where(cache: PartCache) -> None:
    """A cache that stops working fails the job with one of our errors."""
    cache.close()
    with pytest.raises(MarketDataUnavailable, match="STOCKCREW_DATA_DIR"):
        cache.get("unknown", "X", UnknownPart)


def test_two_processes_share_the_file(cache: PartCache, tmp_path: Path, passing_time: ManualTime) -> None:
    """What one connection stores another reads, but never for another provider."""
    cache.put("unknown", "X", UnknownPart(message="no"), fresh_until=START + timedelta(days=1))
    same = PartCache(tmp_path / "cache" / "market.db", provider="yahoo", clock=passing_time.now)
    other = PartCache(tmp_path / "cache" / "market.db", provider="elsewhere", clock=passing_time.now)
    assert same.get("unknown", "X", UnknownPart) == UnknownPart(message="no")
    assert other.get("unknown", "X", UnknownPart) is None


def test_long_stale_entries_are_dropped(cache: PartCache, tmp_path: Path, passing_time: ManualTime) -> None:
    """The file does not grow for ever: what went stale a week ago leaves when others come."""
    cache.put("unknown", "OLD", UnknownPart(message="no"), fresh_until=START)
    passing_time.advance(days=8)
    for number in range(STORES_PER_PURGE):
        cache.put("unknown", f"N{number % 5}", UnknownPart(message="no"), fresh_until=passing_time.now())
    reading = cache._db.execute("SELECT count(*) FROM part WHERE symbol = 'OLD'").fetchone()
    assert reading == (0,)


def test_a_folder_that_cannot_be_written_says_what_to_set(tmp_path: Path) -> None:
    """A cache that cannot be opened names STOCKCREW_DATA_DIR."""
    (tmp_path / "cache").write_text("a file where a folder should be", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="STOCKCREW_DATA_DIR"):
        PartCache(tmp_path / "cache" / "market.db", provider="yahoo", clock=lambda: START)
