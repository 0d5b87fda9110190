"""No look-ahead: what was known on a day does not depend on what happened after it, in made-up markets and over the sample's history."""

import math
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

import pytest
from fakes.market_world import World, worlds
from hypothesis import given, settings
from hypothesis import strategies as st

from crew.domain.market import MarketSnapshot, PriceHistory
from crew.errors import StaleData
from crew.market.point_in_time import available_from, known_at
from crew.market.providers.sample import SampleMarketData
from crew.settings import Settings

SAMPLE = SampleMarketData(Settings().sample_dir)
SYMBOLS = SAMPLE.symbols
DAYS = st.dates(date(2020, 8, 1), date(2026, 3, 31))


@cache
def sample(symbol: str) -> MarketSnapshot:
    """A symbol of the shipped set."""
    return SAMPLE.snapshot(symbol)


def differences(one: Any, other: Any, path: str = "") -> list[str]:
    """Where two dumped values differ by more than rounding, retrieval times apart."""
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        return [found for key in one if key != "retrieved_at" for found in differences(one[key], other[key], f"{path}.{key}")]
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)) and len(one) == len(other):
        return [found for index, pair in enumerate(zip(one, other, strict=True)) for found in differences(*pair, f"{path}[{index}]")]
    if isinstance(one, float) and isinstance(other, float) and math.isclose(one, other, rel_tol=1e-12):
        return []
    return [] if one == other else [f"{path}: {one!r} is not {other!r}"]


def days_in(value: Any) -> list[date]:
    """Every day and moment in a dumped value, except when things were retrieved or had to be public, and events announced before."""
    if isinstance(value, dict):
        skipped = {"retrieved_at", "public_by", "calendar", "analyst_actions_from"}
        return [day for key, item in value.items() if key not in skipped for day in days_in(item)]
    if isinstance(value, (list, tuple)):
        return [day for item in value for day in days_in(item)]
    if isinstance(value, datetime):
        return [value.date()]
    return [value] if isinstance(value, date) else []


def without_later(snapshot: MarketSnapshot, day: date) -> MarketSnapshot:
    """The capture with everything after `day` taken out, levels left as they are."""

    def shortened(history: PriceHistory) -> PriceHistory:
        count = sum(on <= day for on in history.dates)
        return history.model_copy(update={name: getattr(history, name)[:count] for name in ("dates", "open", "high", "low", "close", "volume")})

    consensus, statistics = snapshot.consensus, snapshot.key_statistics_source
    known = statistics is not None and statistics.as_of is not None and statistics.as_of <= day
    return snapshot.model_copy(
        update={
            "prices": shortened(snapshot.prices),
            "benchmark": shortened(snapshot.benchmark) if snapshot.benchmark else None,
            "statements": tuple(one for one in snapshot.statements if available_from(one) <= day),
            "analyst_actions": tuple(action for action in snapshot.analyst_actions if action.at.date() <= day),
            "consensus": consensus if consensus and consensus.source.as_of and consensus.source.as_of <= day else None,
            "key_statistics": snapshot.key_statistics if known else (),
            "peers": tuple(peer.model_copy(update={"prices": shortened(peer.prices)}) for peer in snapshot.peers),
        }
    )


@given(worlds(), st.data())
@settings(deadline=None)
def test_what_happens_later_changes_nothing(world: World, data: st.DataObject) -> None:
    """However much later a source is asked, and whatever splits it restated since, the cut to a day is the same."""
    day = data.draw(st.sampled_from(world.days))
    later = data.draw(st.sampled_from([on for on in world.days if on >= day]))

    assert differences(known_at(world.collected_on(world.days[-1]), day).model_dump(), known_at(world.collected_on(later), day).model_dump()) == []


@given(worlds(), st.data())
@settings(deadline=None)
def test_levels_are_those_that_were_traded(world: World, data: st.DataObject) -> None:
    """The last close, whatever the source restated it to, is the price people paid, and earnings per share are those that were filed."""
    day = data.draw(st.sampled_from(world.days))
    cut = known_at(world.collected_on(world.days[-1]), day)

    assert cut.prices.close[-1] == pytest.approx(world.prices[day], rel=1e-12)
    assert cut.prices.basis == day
    filed = {(filing.frequency, filing.period_end): filing for filing in world.filings}
    for statement in cut.statements:
        filing = filed[statement.frequency, statement.period_end]
        if not any(filing.public < on <= day for on in world.splits):
            assert statement.lines["diluted_average_shares"] == filing.shares
            assert statement.lines["diluted_eps"] == filing.eps


@given(st.sampled_from(SYMBOLS), DAYS)
@settings(deadline=None)
def test_later_sample_data_change_nothing(symbol: str, day: date) -> None:
    """Over the shipped history: taking everything after a day out of the set leaves what was known that day as it was."""
    full = sample(symbol)
    try:
        cut = known_at(full, day)
    except StaleData:
        assert day < full.prices.dates[0]
        return

    assert known_at(without_later(full, day), day) == cut


@given(st.sampled_from(SYMBOLS), DAYS)
@settings(deadline=None)
def test_nothing_later_is_in_the_cut(symbol: str, day: date) -> None:
    """Over the shipped history: no day anywhere in the cut is after the as-of day, and its last bar is the last one before."""
    full = sample(symbol)
    if day < full.prices.dates[0]:
        return
    cut = known_at(full, day)

    assert max(days_in(cut.model_dump())) <= day
    assert cut.prices.dates[-1] == max(on for on in full.prices.dates if on <= day)


@given(st.sampled_from(SYMBOLS), DAYS)
@settings(deadline=None)
def test_undoing_splits_keeps_what_money_is_worth(symbol: str, day: date) -> None:
    """Price × volume, price × share count and dividend yield are the same in every share basis."""
    full = sample(symbol)
    if day < full.prices.dates[0]:
        return
    cut = known_at(full, day)
    last = len(cut.prices.dates) - 1
    price, restated = cut.prices.close[last], full.prices.close[last]
    assert price is not None
    assert restated is not None

    assert price * (cut.prices.volume[last] or 0) == pytest.approx(restated * (full.prices.volume[last] or 0), rel=1e-12)
    for mine, theirs in zip(cut.prices.dividends, full.prices.dividends, strict=False):
        assert mine.amount / price == pytest.approx(theirs.amount / restated, rel=1e-12)
    originals = {(one.kind, one.frequency, one.period_end): one for one in full.statements}
    for statement in cut.statements:
        original = originals[statement.kind, statement.frequency, statement.period_end]
        for name in {"diluted_average_shares", "ordinary_shares_number", "treasury_shares_number"} & statement.lines.keys():
            assert price * statement.lines[name] == pytest.approx(restated * original.lines[name], rel=1e-12)


@given(st.sampled_from(SYMBOLS), DAYS, st.integers(0, 400))
@settings(deadline=None)
def test_what_was_known_stays_known(symbol: str, day: date, more: int) -> None:
    """A later day knows every bar and statement that an earlier one knew."""
    full = sample(symbol)
    if day < full.prices.dates[0]:
        return
    earlier, later = known_at(full, day), known_at(full, day + timedelta(days=more))

    assert earlier.prices.dates == later.prices.dates[: len(earlier.prices.dates)]
    assert {(one.kind, one.frequency, one.period_end) for one in earlier.statements} <= {
        (one.kind, one.frequency, one.period_end) for one in later.statements
    }
