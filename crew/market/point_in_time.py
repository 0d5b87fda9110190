"""The cut to an as-of date: what was known that day, in the share basis of that day.

A statement counts as known from the day it was filed. Where the source does not say, it counts from the earliest day by which
it must have been public: the legal deadline if the source states one, else 90 days after the end of a year and 45 days after
the end of a quarter (the longest that United States rules leave to a domestic filer); or the day it was retrieved, if that
was earlier. Days of moments are those in UTC.

The rest follows from the dates the data carry. Targets and key statistics are known only as last captured: before that day they
are a gap. Sources restate old levels, share counts and per-share figures for later splits; `share_basis` undoes that.
"""

from bisect import bisect_right
from collections.abc import Iterable
from datetime import date, timedelta
from typing import TypeVar

from crew.domain.market import (
    AnalystAction,
    AnalystConsensus,
    KeyStatistic,
    MarketSnapshot,
    PeerFigures,
    PriceHistory,
    SeriesGap,
    SeriesSource,
    Statement,
)
from crew.errors import StaleData
from crew.market.share_basis import level_factor, rebased_history, rebased_lines, rebased_statistics, scaled

REPORTING_LAG = {"annual": timedelta(days=90), "quarterly": timedelta(days=45), "ttm": timedelta(days=45)}
_Source = TypeVar("_Source", SeriesSource, SeriesSource | None)
_TARGETS = ("target_mean", "target_median", "target_high", "target_low")


def known_at(snapshot: MarketSnapshot, as_of: date) -> MarketSnapshot:
    """The snapshot as it could have been collected on `as_of`. Adding later data to `snapshot` never changes the result.

    Raises:
        StaleData: there is no price on or before `as_of`.
    """
    prices = _prices_at(snapshot.prices, as_of)
    if not prices.dates:
        first = snapshot.prices.dates[0] if snapshot.prices.dates else None
        since = f"its prices begin on {first}" if first else "it has no prices"
        raise StaleData(f"there is no price of {snapshot.instrument.symbol} on or before {as_of}: {since}")
    benchmark = _prices_at(snapshot.benchmark, as_of) if snapshot.benchmark else None
    actions = _actions_at(snapshot.analyst_actions, snapshot.prices, as_of)
    statistics = _statistics_at(snapshot, as_of)
    cut = snapshot.model_copy(
        update={
            "prices": prices,
            "benchmark": benchmark if benchmark is not None and benchmark.dates else None,
            "statements": _statements_at(snapshot.statements, snapshot.prices, as_of),
            "analyst_actions": actions,
            "analyst_actions_source": _source_at(snapshot.analyst_actions_source, as_of) if actions else None,
            "consensus": _consensus_at(snapshot.consensus, snapshot.prices, as_of),
            "key_statistics": statistics,
            "key_statistics_source": snapshot.key_statistics_source if statistics else None,
            "news": tuple(item for item in snapshot.news if item.published_at.date() <= as_of),
            "news_source": _source_at(snapshot.news_source, as_of),
            "calendar": tuple(event for event in snapshot.calendar if (event.announced or event.on) <= as_of),
            "fx": tuple(rate.model_copy(update={"source": _source_at(rate.source, as_of)}) for rate in snapshot.fx if rate.on <= as_of),
            "peers": tuple(_peer_at(peer, as_of) for peer in snapshot.peers if peer.prices.dates and peer.prices.dates[0] <= as_of),
        }
    )
    return cut.model_copy(update={"gaps": cut.gaps + _new_gaps(cut, as_of)})


def available_from(statement: Statement) -> date:
    """The day from which the statement counts as known."""
    if statement.filed is not None:
        return statement.filed
    presumed = statement.public_by or statement.period_end + REPORTING_LAG[statement.frequency]
    retrieved = statement.source.retrieved_at.date()
    return min(presumed, retrieved) if retrieved > statement.period_end else presumed


def _prices_at(history: PriceHistory, as_of: date) -> PriceHistory:
    count = bisect_right(history.dates, as_of)
    columns = {name: getattr(history, name)[:count] for name in ("dates", "open", "high", "low", "close", "volume")}
    known = rebased_history(history.model_copy(update=columns), min(history.basis, as_of))
    return known.model_copy(
        update={
            "dividends": tuple(dividend for dividend in known.dividends if dividend.on <= as_of),
            "splits": tuple(split for split in known.splits if split.on <= as_of),
            "source": _source_at(history.source, as_of),
        }
    )


def _source_at(source: _Source, as_of: date) -> _Source:
    if source is None or source.as_of is None or source.as_of <= as_of:
        return source
    return source.model_copy(update={"as_of": as_of})


def _factor(prices: PriceHistory, as_of: date, *, basis: date | None = None) -> float:
    """From the share basis of `basis` (None: that of `prices`) to that of `prices` on `as_of`."""
    return level_factor(prices.splits, basis=basis or prices.basis, day=min(prices.basis, as_of))


def _statements_at(statements: Iterable[Statement], prices: PriceHistory, as_of: date) -> tuple[Statement, ...]:
    factor = _factor(prices, as_of)
    return tuple(
        one.model_copy(update={"lines": rebased_lines(one.lines, factor), "source": _source_at(one.source, as_of)})
        for one in statements
        if available_from(one) <= as_of
    )


def _actions_at(actions: Iterable[AnalystAction], prices: PriceHistory, as_of: date) -> tuple[AnalystAction, ...]:
    factor = _factor(prices, as_of)
    cut = []
    for action in actions:
        if action.at.date() <= as_of:
            target, prior_target = scaled((action.target, action.prior_target), factor)
            cut.append(action.model_copy(update={"target": target, "prior_target": prior_target}))
    return tuple(cut)


def _consensus_at(consensus: AnalystConsensus | None, prices: PriceHistory, as_of: date) -> AnalystConsensus | None:
    captured = consensus.source.as_of if consensus else None
    if consensus is None or captured is None or captured > as_of:
        return None
    targets = scaled((getattr(consensus, name) for name in _TARGETS), _factor(prices, as_of, basis=captured))
    return consensus.model_copy(update=dict(zip(_TARGETS, targets, strict=True)))


def _statistics_at(snapshot: MarketSnapshot, as_of: date) -> tuple[KeyStatistic, ...]:
    captured = snapshot.key_statistics_source.as_of if snapshot.key_statistics_source else None
    if captured is None or captured > as_of:
        return ()
    return rebased_statistics(snapshot.key_statistics, _factor(snapshot.prices, as_of, basis=captured))


def _peer_at(peer: PeerFigures, as_of: date) -> PeerFigures:
    return peer.model_copy(update={"prices": _prices_at(peer.prices, as_of), "statements": _statements_at(peer.statements, peer.prices, as_of)})


def _new_gaps(cut: MarketSnapshot, as_of: date) -> tuple[SeriesGap, ...]:
    """A gap for each series of a company that has nothing of that day and no gap yet."""
    if not cut.instrument.is_company:
        return ()
    named = {gap.series for gap in cut.gaps}
    series = {"statements": cut.statements, "analyst_actions": cut.analyst_actions, "consensus": cut.consensus, "key_statistics": cut.key_statistics}
    return tuple(
        SeriesGap(series=name, reason="not_reported", detail=f"the source states no {name.replace('_', ' ')} known on {as_of}")
        for name, found in series.items()
        if not found and name not in named
    )
