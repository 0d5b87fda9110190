"""The shipped sample data set: real figures of a few instruments, frozen on one day, read without any heavy library."""

import csv
import gzip
import json
from datetime import UTC, date, datetime, time
from functools import lru_cache
from pathlib import Path
from typing import Any

from crew.domain.instrument import Instrument
from crew.domain.market import (
    AnalystAction,
    AnalystConsensus,
    Dividend,
    KeyStatistic,
    MarketSnapshot,
    PeerFigures,
    PriceHistory,
    SeriesGap,
    SeriesSource,
    Split,
    Statement,
)
from crew.errors import ConfigurationError, MarketDataUnavailable, SymbolNotFound
from crew.market.ports import ProviderHealth

BENCHMARK = "SPY"
FORMAT = 2
_SERIES = ("statements", "analyst_actions", "consensus", "key_statistics", "news")


class SampleMarketData:
    """The `MarketData` of a folder written by `crew.market.sample_builder`.

    Args:
        folder: the data set's folder; it may have been left out of an image.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read = lru_cache(maxsize=64)(self._read_symbol)

    @property
    def name(self) -> str:
        """`sample`."""
        return "sample"

    @property
    def symbols(self) -> tuple[str, ...]:
        """The instruments of the set in alphabetical order.

        Raises:
            ConfigurationError: the data set is not there.
        """
        found = tuple(sorted(path.stem for path in self._folder.glob("*.json")))
        if not found:
            raise ConfigurationError(f"the sample data set is not in {self._folder}: set STOCKCREW_SAMPLE_DIR to it, or STOCKCREW_MARKET_DATA=yahoo")
        return found

    def snapshot(self, symbol: str, *, as_of: date | None = None) -> MarketSnapshot:  # noqa: ARG002 - the whole set is always at hand
        """Everything the set has on `symbol`; see `MarketData.snapshot`.

        Raises:
            SymbolNotFound: the set has no such instrument.
            ConfigurationError: the data set is not there.
            MarketDataUnavailable: a file of the set is damaged.
        """
        symbols = self.symbols
        if symbol not in symbols:
            raise SymbolNotFound(f"the sample data set has no {symbol}; it has {', '.join(symbols)}")
        own, peers = self._read(symbol)
        benchmark = self._read(BENCHMARK)[0].prices if symbol != BENCHMARK and BENCHMARK in symbols else None
        others = (self._read(name)[0] for name in peers if name in symbols)
        return own.model_copy(
            update={
                "benchmark": benchmark,
                "peers": tuple(PeerFigures(instrument=peer.instrument, prices=peer.prices, statements=peer.statements) for peer in others),
            }
        )

    def health(self) -> ProviderHealth:
        """Whether the data set is there."""
        try:
            return ProviderHealth(ok=True, detail=f"{len(self.symbols)} instruments")
        except ConfigurationError as error:
            return ProviderHealth(ok=False, detail=error.message)

    def _read_symbol(self, symbol: str) -> tuple[MarketSnapshot, tuple[str, ...]]:
        """The symbol's own data, and the symbols of its peers."""
        try:
            facts = json.loads((self._folder / f"{symbol}.json").read_text(encoding="utf-8"))
            return _snapshot(facts, self._folder / f"{symbol}.csv.gz"), tuple(facts["peers"])
        except (OSError, EOFError, ValueError, KeyError, TypeError, IndexError) as error:
            raise MarketDataUnavailable(f"the sample data of {symbol} cannot be read: {error}") from error


def _day(text: str) -> date:
    return date.fromisoformat(text)


def _evening(day: str) -> datetime:
    return datetime.combine(_day(day), time(23), UTC)


def _source(facts: dict[str, Any], series: str, endpoint: str) -> SeriesSource:
    stated = facts["sources"][series]
    return SeriesSource(provider="sample", endpoint=endpoint, retrieved_at=_evening(stated["retrieved"]), as_of=_day(stated["as_of"]))


def _prices(facts: dict[str, Any], path: Path) -> PriceHistory:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))[1:]
    days, *columns = zip(*rows, strict=True)
    opens, highs, lows, closes, volumes = (tuple(map(float, column)) for column in columns)
    return PriceHistory(
        symbol=facts["symbol"],
        basis=_day(facts["as_of"]),
        dates=tuple(map(_day, days)),
        open=opens,
        high=highs,
        low=lows,
        close=closes,
        volume=volumes,
        dividends=tuple(Dividend(on=_day(day), amount=amount) for day, amount in facts["dividends"]),
        splits=tuple(Split(on=_day(day), ratio=ratio) for day, ratio in facts["splits"]),
        dividends_in_prices=facts["dividends_in_prices"],
        source=_source(facts, "prices", f"prices/{facts['symbol']}"),
    )


def _statement(facts: dict[str, Any], row: list[Any]) -> Statement:
    kind, frequency, period_end, public_by, lines = row
    return Statement(
        kind=kind,
        frequency=frequency,
        period_end=_day(period_end),
        currency=facts["instrument"]["reporting_currency"],
        lines=lines,
        public_by=_day(public_by),
        source=_source(facts, "statements", f"{kind}_{frequency}/{facts['symbol']}"),
    )


def _action(row: list[Any]) -> AnalystAction:
    at, firm, action, from_grade, to_grade, target, prior = row
    moment = datetime.fromisoformat(at).replace(tzinfo=UTC)
    return AnalystAction(at=moment, firm=firm, action=action, from_grade=from_grade, to_grade=to_grade, target=target, prior_target=prior)


def _snapshot(facts: dict[str, Any], prices: Path) -> MarketSnapshot:
    if facts["format"] != FORMAT:
        raise ValueError(f"its format is {facts['format']}, not {FORMAT}")
    symbol, has, first = facts["symbol"], facts["sources"], facts["analyst_actions_from"]
    return MarketSnapshot(
        provider="sample",
        instrument=Instrument.model_validate(facts["instrument"]),
        retrieved_at=_evening(facts["as_of"]),
        prices=_prices(facts, prices),
        statements=tuple(_statement(facts, row) for row in facts["statements"]),
        analyst_actions=tuple(_action(row) for row in facts["analyst_actions"]),
        analyst_actions_from=_day(first) if first else None,
        analyst_actions_source=_source(facts, "analyst_actions", f"upgrades_downgrades/{symbol}") if "analyst_actions" in has else None,
        consensus=AnalystConsensus(**facts["consensus"], source=_source(facts, "consensus", f"consensus/{symbol}")) if "consensus" in has else None,
        key_statistics=tuple(KeyStatistic(name=name, value=value, unit=unit) for name, value, unit in facts["key_statistics"]),
        key_statistics_source=_source(facts, "key_statistics", f"key_statistics/{symbol}") if "key_statistics" in has else None,
        gaps=tuple(
            SeriesGap(series=series, reason="not_reported", detail=f"the sample data set has no {series.replace('_', ' ')} for {symbol}")
            for series in _SERIES
            if series not in has
        ),
    )
