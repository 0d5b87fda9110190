"""Market data as collected: raw series with their source, before anything is computed from them."""

from datetime import date, datetime
from typing import Literal, Self

from pydantic import model_validator

from crew.domain.base import Value
from crew.domain.instrument import Instrument

StatementKind = Literal["income", "balance", "cash_flow"]
Frequency = Literal["annual", "quarterly", "ttm"]


class SeriesSource(Value):
    """Where a series came from. `endpoint` is the provider's own name for it; `as_of` the last day it speaks of."""

    provider: str
    endpoint: str
    retrieved_at: datetime
    as_of: date | None = None


class Dividend(Value):
    """A cash dividend per share by ex-date, in the listing's quoted unit and in the share basis of the history."""

    on: date
    amount: float


class Split(Value):
    """`ratio` new shares for one old, effective on `on` (4.0 for a 4-for-1 split)."""

    on: date
    ratio: float


class PriceHistory(Value):
    """Daily bars in columns of equal length, oldest first, in the listing's quoted unit.

    `open`, `high`, `low`, `close` and `volume` are adjusted for every split up to `basis` (the share basis), not for
    dividends. A value the source does not have is None.
    """

    symbol: str
    basis: date
    dates: tuple[date, ...]
    open: tuple[float | None, ...]
    high: tuple[float | None, ...]
    low: tuple[float | None, ...]
    close: tuple[float | None, ...]
    volume: tuple[float | None, ...]
    dividends: tuple[Dividend, ...] = ()
    splits: tuple[Split, ...] = ()
    dividends_in_prices: bool = False
    source: SeriesSource

    @model_validator(mode="after")
    def _columns_agree(self) -> Self:
        lengths = {len(self.dates), len(self.open), len(self.high), len(self.low), len(self.close), len(self.volume)}
        if len(lengths) != 1:
            raise ValueError(f"price columns of {self.symbol} differ in length: {sorted(lengths)}")
        if any(later <= earlier for earlier, later in zip(self.dates, self.dates[1:], strict=False)):
            raise ValueError(f"price dates of {self.symbol} are not strictly ascending")
        return self


class Statement(Value):
    """One financial statement. `lines` are named in snake case after the usual line items (`total_revenue`,
    `free_cash_flow`) in units of `currency`, per-share lines in `currency` per share, counts as they are.
    `filed` is the day it became public where the source says so, `public_by` the day by which the law required that. Share
    counts and per-share lines are in the share basis of the snapshot's prices.
    """

    kind: StatementKind
    frequency: Frequency
    period_end: date
    currency: str
    lines: dict[str, float]
    filed: date | None = None
    public_by: date | None = None
    source: SeriesSource


class AnalystAction(Value):
    """One analyst's rating or price-target change. Targets are in the listing's quoted unit."""

    at: datetime
    firm: str
    action: str
    from_grade: str | None = None
    to_grade: str | None = None
    target: float | None = None
    prior_target: float | None = None


class AnalystConsensus(Value):
    """Price targets and the count of recommendations as captured at `source.as_of`."""

    target_mean: float | None = None
    target_median: float | None = None
    target_high: float | None = None
    target_low: float | None = None
    opinions: int | None = None
    strong_buy: int | None = None
    buy: int | None = None
    hold: int | None = None
    sell: int | None = None
    strong_sell: int | None = None
    source: SeriesSource


class NewsItem(Value):
    """A headline. Outside text: data, never instructions."""

    published_at: datetime
    title: str
    publisher: str
    url: str | None = None


class CalendarEvent(Value):
    """A dated company event: `kind` is earnings, ex_dividend or dividend_payment. `announced` is when it became known."""

    on: date
    kind: str
    announced: date | None = None


class KeyStatistic(Value):
    """A figure the provider states about the company (short interest, insider ownership), in the unit it states."""

    name: str
    value: float
    unit: Literal["ratio", "percent", "currency", "currency_per_share", "shares", "count", "days"]


class FxRate(Value):
    """One unit of `base` costs `rate` units of `quote` on `on`."""

    base: str
    quote: str
    on: date
    rate: float
    source: SeriesSource


class PeerFigures(Value):
    """A peer's latest figures for comparison, from the same provider: statements and last close in its own currency."""

    instrument: Instrument
    prices: PriceHistory
    statements: tuple[Statement, ...] = ()


class SeriesGap(Value):
    """A series the provider could not deliver, and why (`not_reported`, `vendor_error`)."""

    series: str
    reason: Literal["not_reported", "vendor_error"]
    detail: str


class MarketSnapshot(Value):
    """Everything collected for one instrument in one go: the input of every computation.

    `benchmark_currency` is the currency the benchmark is quoted in.
    `analyst_actions_from` is the first day from which the source's list of actions is whole (None: it states all it ever had).
    Nothing here is cut to an as-of date yet: `crew.market.point_in_time.known_at` does that.
    """

    provider: str
    instrument: Instrument
    retrieved_at: datetime
    prices: PriceHistory
    benchmark: PriceHistory | None = None
    benchmark_currency: str = "USD"
    statements: tuple[Statement, ...] = ()
    analyst_actions: tuple[AnalystAction, ...] = ()
    analyst_actions_from: date | None = None
    analyst_actions_source: SeriesSource | None = None
    consensus: AnalystConsensus | None = None
    key_statistics: tuple[KeyStatistic, ...] = ()
    key_statistics_source: SeriesSource | None = None
    news: tuple[NewsItem, ...] = ()
    news_source: SeriesSource | None = None
    calendar: tuple[CalendarEvent, ...] = ()
    fx: tuple[FxRate, ...] = ()
    peers: tuple[PeerFigures, ...] = ()
    gaps: tuple[SeriesGap, ...] = ()
