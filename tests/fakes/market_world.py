"""A made-up market whose whole truth is known, and what a source would tell of it on any day.

`World` holds what happened as people saw it then: traded prices, dividends per share of the time, figures as they were filed. `World.collected_on`
states it as a source does that restates the past for every split since.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from math import prod

from hypothesis import strategies as st

from crew.domain.instrument import Instrument
from crew.domain.market import (
    AnalystAction,
    AnalystConsensus,
    CalendarEvent,
    Dividend,
    FxRate,
    KeyStatistic,
    MarketSnapshot,
    NewsItem,
    PeerFigures,
    PriceHistory,
    SeriesSource,
    Split,
    Statement,
)

FIRST = date(2020, 1, 6)


@dataclass(frozen=True)
class Filing:
    """An income statement as filed on `public`: profit, diluted average shares and earnings per share of that day's share basis.

    `known_by` says which date of the statement tells when it was public: its own, a legal deadline, or none.
    """

    period_end: date
    public: date
    profit: int
    shares: int
    frequency: str
    known_by: str

    @property
    def eps(self) -> float:
        """Earnings per share to the cent, as companies report them."""
        return round(self.profit / self.shares, 2)


@dataclass(frozen=True)
class World:
    """What happened, in the terms of its time. `prices` are traded closes by trading day."""

    prices: dict[date, float]
    splits: dict[date, float]
    dividends: dict[date, float]
    filings: tuple[Filing, ...]
    actions: dict[date, float]
    captured: date

    @property
    def days(self) -> tuple[date, ...]:
        """The trading days."""
        return tuple(self.prices)

    def collected_on(self, day: date) -> MarketSnapshot:
        """What a source tells on `day`."""
        source = SeriesSource(provider="world", endpoint="made", retrieved_at=datetime.combine(day, time(23), UTC), as_of=day)
        prices = self._history(day, source)
        consensus = None
        if self.captured <= day:
            captured = source.model_copy(update={"as_of": self.captured})
            consensus = AnalystConsensus(target_mean=self._traded(self.captured) * 1.25, opinions=3, source=captured)
        known = [on for on in self.prices if on <= day]
        return MarketSnapshot(
            provider="world",
            instrument=Instrument(symbol="WRLD", name="World", quote_type="equity", currency="USD", reporting_currency="EUR"),
            retrieved_at=source.retrieved_at,
            prices=prices,
            benchmark=prices.model_copy(update={"symbol": "MRKT"}),
            statements=tuple(self._statement(filing, day, source) for filing in self.filings if filing.public <= day),
            analyst_actions=tuple(self._action(on, target, day) for on, target in self.actions.items() if on <= day),
            analyst_actions_source=source,
            consensus=consensus,
            key_statistics=(KeyStatistic(name="shares_short", value=1e6, unit="shares"),) if consensus else (),
            key_statistics_source=consensus.source if consensus else None,
            news=tuple(NewsItem(published_at=datetime.combine(on, time(12), UTC), title="t", publisher="p") for on in known[::7]),
            news_source=source,
            calendar=tuple(CalendarEvent(on=on + timedelta(days=20), kind="earnings", announced=on) for on in known[::30]),
            fx=tuple(FxRate(base="USD", quote="EUR", on=on, rate=0.9, source=source) for on in known[::11]),
            peers=(PeerFigures(instrument=Instrument(symbol="PEER", name="Peer", quote_type="equity", currency="USD"), prices=prices),),
        )

    def _basis(self, since: date, day: date) -> float:
        """Shares on `day` for one share on `since`."""
        return prod(ratio for on, ratio in self.splits.items() if since < on <= day)

    def _traded(self, day: date) -> float:
        return self.prices[max(on for on in self.prices if on <= day)]

    def _history(self, day: date, source: SeriesSource) -> PriceHistory:
        days = tuple(on for on in self.prices if on <= day)
        closes = tuple(self.prices[on] / self._basis(on, day) for on in days)
        return PriceHistory(
            symbol="WRLD",
            basis=day,
            dates=days,
            open=closes,
            high=tuple(close * 1.5 for close in closes),
            low=(None,) * len(days),
            close=closes,
            volume=tuple(1000.0 * self._basis(on, day) for on in days),
            dividends=tuple(Dividend(on=on, amount=amount / self._basis(on, day)) for on, amount in self.dividends.items() if on <= day),
            splits=tuple(Split(on=on, ratio=ratio) for on, ratio in self.splits.items() if on <= day),
            source=source,
        )

    def _statement(self, filing: Filing, day: date, source: SeriesSource) -> Statement:
        ratio = self._basis(filing.public, day)
        eps = filing.eps if ratio == 1 else round(filing.profit / (filing.shares * ratio), 2)
        return Statement(
            kind="income",
            frequency=filing.frequency,
            period_end=filing.period_end,
            currency="EUR",
            lines={"net_income_common_stockholders": filing.profit, "diluted_average_shares": filing.shares * ratio, "diluted_eps": eps},
            filed=filing.public if filing.known_by == "filed" else None,
            public_by=filing.public if filing.known_by == "deadline" else None,
            source=source,
        )

    def _action(self, on: date, target: float, day: date) -> AnalystAction:
        at = datetime.combine(on, time(12), UTC)
        return AnalystAction(at=at, firm="Firm", action="up", target=target / self._basis(on, day))


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Worlds of up to a year and a half. Split ratios are powers of two, so that undoing them is exact."""
    count = draw(st.integers(5, 120))
    days = [FIRST + timedelta(days=index) for index in range(int(count * 1.4) + 3) if (FIRST + timedelta(days=index)).weekday() < 5][:count]
    some_days = st.lists(st.sampled_from(days), max_size=3, unique=True).map(sorted)
    splits = {on: draw(st.sampled_from([2.0, 4.0, 8.0, 0.5, 0.125])) for on in draw(some_days)}
    level, prices = 100.0, {}
    for on in days:
        level /= splits.get(on, 1.0)
        level *= draw(st.sampled_from([0.95, 1.0, 1.05]))
        prices[on] = level
    return World(
        prices=prices,
        splits=splits,
        dividends={on: draw(st.sampled_from([0.25, 1.0])) for on in draw(some_days)},
        filings=tuple(draw(st.lists(filings(days), max_size=4, unique_by=lambda filing: (filing.frequency, filing.period_end)))),
        actions={on: draw(st.floats(10, 500)) for on in draw(some_days)},
        captured=draw(st.sampled_from(days)),
    )


@st.composite
def filings(draw: st.DrawFn, days: list[date]) -> Filing:
    """A filing of a period that ended in or before the world's time."""
    end = draw(st.sampled_from(days)) - timedelta(days=draw(st.integers(0, 120)))
    frequency = draw(st.sampled_from(["annual", "quarterly"]))
    known_by = draw(st.sampled_from(["filed", "deadline", "lag"]))
    lag = {"annual": 90, "quarterly": 45}[frequency] if known_by == "lag" else draw(st.integers(1, 90))
    profit, shares = draw(st.integers(-10_000_000, 10_000_000)), 8 * draw(st.integers(10_000, 1_000_000))
    return Filing(period_end=end, public=end + timedelta(days=lag), profit=profit, shares=shares, frequency=frequency, known_by=known_by)
