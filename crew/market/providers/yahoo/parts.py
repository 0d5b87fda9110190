"""The parts of a snapshot as they are fetched and cached, each by one call of yfinance."""

from datetime import date

from crew.domain.base import Value
from crew.domain.instrument import QuoteType
from crew.domain.market import (
    AnalystAction,
    AnalystConsensus,
    CalendarEvent,
    Frequency,
    KeyStatistic,
    NewsItem,
    PriceHistory,
    SeriesSource,
    StatementKind,
)
from crew.market.providers.yahoo.freshness import TradingHours


class Listing(Value):
    """What the chart says about the instrument. `currency` is the quoted unit as Yahoo spells it (GBp for pence)."""

    name: str
    quote_type: QuoteType
    currency: str
    exchange: str | None = None
    hours: TradingHours | None = None


class PricesPart(Value):
    """The price history and the listing it belongs to."""

    listing: Listing
    prices: PriceHistory


class ProfilePart(Value):
    """Everything of one quoteSummary answer. `reporting_currency` is that of the statements."""

    name: str | None = None
    reporting_currency: str | None = None
    country: str | None = None
    sector: str | None = None
    industry: str | None = None
    description: str | None = None
    consensus: AnalystConsensus | None = None
    actions: tuple[AnalystAction, ...] = ()
    key_statistics: tuple[KeyStatistic, ...] = ()
    calendar: tuple[CalendarEvent, ...] = ()
    source: SeriesSource


class StatementColumn(Value):
    """The lines of one period end; the answer does not state their currency."""

    period_end: date
    lines: dict[str, float]


class StatementsPart(Value):
    """One statement's columns at one frequency, newest first."""

    kind: StatementKind
    frequency: Frequency
    columns: tuple[StatementColumn, ...]
    source: SeriesSource


class NewsPart(Value):
    """Headlines, newest first."""

    items: tuple[NewsItem, ...]
    source: SeriesSource


class UnknownPart(Value):
    """Yahoo knows no such symbol, or nothing of use about it; `message` says which."""

    message: str
