"""An institution's own data: a folder of price tables and JSON documents, `STOCKCREW_MARKET_DATA=csv:FOLDER`.

    FOLDER/prices/SYMBOL.csv        one row a trading day, in any order
    FOLDER/statements/SYMBOL.json   what the instrument is, and everything but prices

Columns of the table: `date` (YYYY-MM-DD) and `close`; `open`, `high`, `low`, `volume`, `dividends` (per share, on the ex-date) and
`splits` (new shares for one old, on the day they take effect) may be left out, and an empty cell is a missing value. Levels, volume
and dividends are in the quoted unit and adjusted for every split in the table, not for dividends.

The document:

    {"source": "Research database",       whom the report names as the source
     "as_of": "2026-03-12",               the day the figures were taken; without it, the day the file was written
     "instrument": {"name": "Apple Inc.", "quote_type": "equity", "currency": "USD", "sector": "Technology"},
     "benchmark": "SPY", "peers": ["MSFT"],                         symbols of the same folder
     "dividends_in_prices": false,                                  true where past prices are also less later dividends
     "statements": [{"kind": "income", "frequency": "annual", "period_end": "2025-09-27", "filed": "2025-10-31",
                     "lines": {"Total Revenue": 416161000000, "Diluted EPS": 7.46}}],
     "analyst_actions": [], "consensus": {"target_mean": 295.4}, "key_statistics": [], "news": [], "calendar": [],
     "fx": [{"base": "USD", "quote": "CNY", "on": "2026-03-12", "rate": 7.1}]}

Only `source` and `instrument` are required. Fields are those of the classes in `crew.domain.market`, where `source` is filled in; `quote_type`
and the rest of the instrument are described in `crew.domain.instrument`. Statement lines may be spelled in words or in snake case. Share
counts and per-share lines are restated for every split in the table. A statement is in the instrument's `reporting_currency`, or else its
`currency`, unless it names its own.
"""

import csv
import math
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time
from itertools import pairwise
from pathlib import Path
from typing import Any, Self, TypeVar

from pydantic import ValidationError, model_validator

from crew.domain.base import Value
from crew.domain.instrument import Instrument, Symbol
from crew.domain.market import (
    AnalystAction,
    AnalystConsensus,
    CalendarEvent,
    Dividend,
    Frequency,
    FxRate,
    KeyStatistic,
    MarketSnapshot,
    NewsItem,
    PeerFigures,
    PriceHistory,
    SeriesGap,
    SeriesSource,
    Split,
    Statement,
    StatementKind,
)
from crew.errors import ConfigurationError, SymbolNotFound
from crew.market.line_items import line_item_name
from crew.market.ports import ProviderHealth

BENCHMARK = "SPY"
_LEVELS = ("open", "high", "low", "close", "volume")
_OPTIONAL = ("open", "high", "low", "volume", "dividends", "splits")
_COLUMNS = ("date", "close", *_OPTIONAL)
Result = TypeVar("Result")


class _Columns(Value):
    """A statement as the document has it."""

    kind: StatementKind
    frequency: Frequency
    period_end: date
    currency: str | None = None
    filed: date | None = None
    public_by: date | None = None
    lines: dict[str, float | None]

    @model_validator(mode="after")
    def _published_after_the_period(self) -> Self:
        if any(day is not None and day <= self.period_end for day in (self.filed, self.public_by)):
            raise ValueError(f"filed and public_by must be after the period's end, {self.period_end}")
        return self


class _Document(Value):
    """`statements/SYMBOL.json`. What carries a source in the snapshot is checked when the source is filled in."""

    source: str
    as_of: date | None = None
    instrument: dict[str, Any]
    benchmark: Symbol = BENCHMARK
    peers: tuple[Symbol, ...] = ()
    dividends_in_prices: bool = False
    statements: tuple[_Columns, ...] = ()
    analyst_actions: tuple[AnalystAction, ...] = ()
    analyst_actions_from: date | None = None
    consensus: dict[str, float | int | None] | None = None
    key_statistics: tuple[KeyStatistic, ...] = ()
    news: tuple[NewsItem, ...] = ()
    calendar: tuple[CalendarEvent, ...] = ()
    fx: tuple[dict[str, Any], ...] = ()

    @model_validator(mode="after")
    def _times_have_zones(self) -> Self:
        moments = [*(action.at for action in self.analyst_actions), *(item.published_at for item in self.news)]
        if any(moment.tzinfo is None for moment in moments):
            raise ValueError("the times of analyst_actions and news need a zone, as in 2026-03-12T14:00:00Z")
        return self


class CsvMarketData:
    """The `MarketData` of a folder as this module describes it. Files are read anew for every snapshot."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def name(self) -> str:
        """`csv`."""
        return "csv"

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols with a price table, in alphabetical order.

        Raises:
            ConfigurationError: there is no price table.
        """
        found = tuple(sorted(path.stem for path in (self._folder / "prices").glob("*.csv")))
        if not found:
            raise ConfigurationError(f"there is no prices/*.csv in {self._folder}: set STOCKCREW_MARKET_DATA=csv:FOLDER to a folder that has them")
        return found

    def snapshot(self, symbol: str, *, as_of: date | None = None) -> MarketSnapshot:  # noqa: ARG002 - the whole folder is always at hand
        """Everything the folder has on `symbol`; see `MarketData.snapshot`.

        Raises:
            SymbolNotFound: there is no price table of that name.
            ConfigurationError: the folder is missing or a file in it is wrong; the message names file and place.
        """
        symbols = self.symbols
        if symbol not in symbols:
            raise SymbolNotFound(f"{self._folder / 'prices'} has no {symbol}.csv")
        document, own = self._read(symbol)
        others = {name: self._read(name)[1] for name in (document.benchmark, *document.peers) if name in symbols and name != symbol}
        benchmark = others.get(document.benchmark)
        peers = (others[name] for name in document.peers if name in others)
        absent = [name for name in document.peers if name not in others]
        lost = SeriesGap(series="peers", reason="not_reported", detail=f"{self._folder.name} has no prices of {', '.join(absent)}")
        return own.model_copy(
            update={
                "benchmark": benchmark.prices if benchmark else None,
                "peers": tuple(PeerFigures(instrument=peer.instrument, prices=peer.prices, statements=peer.statements) for peer in peers),
                "gaps": (*own.gaps, *((lost,) if absent else ())),
            }
        )

    def health(self) -> ProviderHealth:
        """Whether the folder has price tables; they are not read."""
        try:
            return ProviderHealth(ok=True, detail=f"{len(self.symbols)} instruments in {self._folder}")
        except ConfigurationError as error:
            return ProviderHealth(ok=False, detail=error.message)

    def _read(self, symbol: str) -> tuple[_Document, MarketSnapshot]:
        path = self._folder / "statements" / f"{symbol}.json"
        table = self._folder / "prices" / f"{symbol}.csv"
        if not path.is_file():
            raise ConfigurationError(f"{path} is missing: it says what {symbol} is and in which currency it is quoted")
        document = _checked(path, lambda: _Document.model_validate_json(path.read_bytes()))
        rows = _checked(table, lambda: _rows(table))
        prices = _checked(path, lambda: _prices(symbol, document, table, rows))
        return document, _checked(path, lambda: _snapshot(symbol, document, path, prices))


def _checked(path: Path, read: Callable[[], Result]) -> Result:
    """What `read` returns; whatever is wrong with the file is said with its name."""
    try:
        return read()
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ConfigurationError(f"{path}: {place + ': ' if place else ''}{first['msg']}") from error
    except (OSError, ValueError, csv.Error) as error:
        raise ConfigurationError(f"{path}: {error}") from error


def _rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a price table by day: `date` a date, every other column a number or None.

    Raises:
        ValueError: a column or a cell is wrong; the message names the line.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, strict=True)
        names = [name.strip().lower() for name in reader.fieldnames or ()]
        unknown = [name for name in names if name not in _COLUMNS]
        if unknown or not {"date", "close"} <= set(names) or len(set(names)) < len(names):
            raise ValueError(f"line 1: the columns are {', '.join(names) or 'missing'}; use date, close and, where known, {', '.join(_OPTIONAL)}")
        reader.fieldnames = names
        rows = [_row(row, reader.line_num) for row in reader]
    rows.sort(key=lambda row: row["date"])
    if not rows:
        raise ValueError("it has no rows")
    for earlier, later in pairwise(rows):
        if earlier["date"] == later["date"]:
            raise ValueError(f"{later['date']} is there twice")
    return rows


def _row(cells: dict[str, Any], line: int) -> dict[str, Any]:
    if None in cells or None in cells.values():
        raise ValueError(f"line {line}: it has not as many cells as the first line has columns")
    try:
        numbers = {name: float(cell) if cell.strip() else None for name, cell in cells.items() if name != "date"}
        row: dict[str, Any] = {"date": date.fromisoformat(cells["date"].strip()), **numbers}
    except ValueError as error:
        raise ValueError(f"line {line}: {error}") from error
    if any(value is not None and (not math.isfinite(value) or value < 0) for value in numbers.values()):
        raise ValueError(f"line {line}: a value is negative or no number")
    return row


def _source(document: _Document, endpoint: str, path: Path, last: date | None = None) -> SeriesSource:
    """The source of a series in `path`; `last` is the last day a price table speaks of."""
    if document.as_of is None:
        retrieved_at = datetime.fromtimestamp(path.stat().st_mtime, UTC).replace(microsecond=0)
    else:
        retrieved_at = datetime.combine(document.as_of, time(23), UTC)
    return SeriesSource(provider=document.source, endpoint=endpoint, retrieved_at=retrieved_at, as_of=last or retrieved_at.date())


def _prices(symbol: str, document: _Document, table: Path, rows: Sequence[dict[str, Any]]) -> PriceHistory:
    days = tuple(row["date"] for row in rows)
    if document.as_of is not None and document.as_of < days[-1]:
        raise ValueError(f"as_of: {document.as_of} is before the last price, of {days[-1]}")
    columns: dict[str, Any] = {name: tuple(row.get(name) for row in rows) for name in _LEVELS}
    return PriceHistory(
        symbol=symbol,
        basis=days[-1],
        dates=days,
        **columns,
        dividends=tuple(Dividend(on=row["date"], amount=row["dividends"]) for row in rows if row.get("dividends")),
        splits=tuple(Split(on=row["date"], ratio=row["splits"]) for row in rows if row.get("splits")),
        dividends_in_prices=document.dividends_in_prices,
        source=_source(document, f"prices/{symbol}.csv", table, days[-1]),
    )


def _snapshot(symbol: str, document: _Document, path: Path, prices: PriceHistory) -> MarketSnapshot:
    instrument = Instrument.model_validate({"reporting_currency": _reporting_currency(document), **document.instrument, "symbol": symbol})
    source = _source(document, f"statements/{symbol}.json", path)
    found: dict[str, Any] = {
        "statements": tuple(_statement(columns, instrument, source) for columns in document.statements),
        "analyst_actions": document.analyst_actions,
        "consensus": AnalystConsensus.model_validate({**document.consensus, "source": source}) if document.consensus else None,
        "key_statistics": document.key_statistics,
        "news": document.news,
    }
    return MarketSnapshot(
        provider="csv",
        instrument=instrument,
        retrieved_at=max(source.retrieved_at, prices.source.retrieved_at),
        prices=prices,
        **found,
        analyst_actions_from=document.analyst_actions_from,
        analyst_actions_source=source if document.analyst_actions else None,
        key_statistics_source=source if document.key_statistics else None,
        news_source=source if document.news else None,
        calendar=document.calendar,
        fx=tuple(FxRate.model_validate({**rate, "source": source}) for rate in document.fx),
        gaps=tuple(
            SeriesGap(series=name, reason="not_reported", detail=f"{path.name} has no {name.replace('_', ' ')}")
            for name, series in found.items()
            if not series
        ),
    )


def _reporting_currency(document: _Document) -> Any:
    stated = next((columns.currency for columns in document.statements if columns.currency), None)
    return (stated or document.instrument.get("currency")) if document.statements else None


def _statement(columns: _Columns, instrument: Instrument, source: SeriesSource) -> Statement:
    return Statement(
        kind=columns.kind,
        frequency=columns.frequency,
        period_end=columns.period_end,
        currency=columns.currency or instrument.reporting_currency or instrument.currency,
        lines={line_item_name(name): value for name, value in columns.lines.items() if value is not None},
        filed=columns.filed,
        public_by=columns.public_by,
        source=source.model_copy(update={"endpoint": f"{source.endpoint}/{columns.kind}_{columns.frequency}/{columns.period_end}"}),
    )
