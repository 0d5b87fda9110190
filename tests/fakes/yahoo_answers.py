"""What Yahoo would answer about a symbol: JSON bodies made from a snapshot of ours, or from recorded answers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from yfinance import const

from crew.domain.market import MarketSnapshot, PriceHistory, Statement
from crew.market.line_items import line_item_name
from crew.market.providers.yahoo.key_statistics import STATED

NEW_YORK = "America/New_York"
EXCHANGE_ZONES = {".SA": "America/Sao_Paulo", ".L": "Europe/London", ".IS": "Europe/Istanbul", ".JK": "Asia/Jakarta", "=X": "Europe/London"}
INSTRUMENT_TYPES = {"equity": "EQUITY", "etf": "ETF", "fund": "MUTUALFUND", "crypto": "CRYPTOCURRENCY", "index": "INDEX", "currency": "CURRENCY"}
YAHOO_LINES = {line_item_name(key): key for keys in const.fundamentals_keys.values() for key in keys}


class Answers(Protocol):
    """The bodies for one symbol; None where Yahoo answers 404."""

    def chart(self, first: int | None, last: int | None) -> dict[str, Any] | None:
        """The result of v8/finance/chart between two epochs (None for no bound)."""

    def modules(self, names: Iterable[str]) -> dict[str, Any] | None:
        """The result of quoteSummary."""

    def series(self, types: Iterable[str]) -> list[dict[str, Any]]:
        """The result of fundamentals-timeseries."""

    def news(self) -> list[dict[str, Any]]:
        """The articles of the ticker stream."""


class SnapshotAnswers:
    """Answers whose figures are those of `snapshot`; `minor` quotes in pence."""

    def __init__(self, snapshot: MarketSnapshot, *, quoted: str | None = None) -> None:
        self._snapshot = snapshot
        self._quoted = quoted or snapshot.instrument.currency
        suffix = next((zone for end, zone in EXCHANGE_ZONES.items() if snapshot.instrument.symbol.endswith(end)), NEW_YORK)
        self._zone = "UTC" if snapshot.instrument.quote_type == "crypto" else suffix
        self._bars: list[tuple[int, int]] = [(_opening(on, self._zone), index) for index, on in enumerate(snapshot.prices.dates)]

    def chart(self, first: int | None, last: int | None) -> dict[str, Any]:
        """Bars between the epochs, with the events in the same span; without `first` the last bar alone."""
        chosen = self._bars[-1:] if first is None else [(at, index) for at, index in self._bars if first <= at and (last is None or at < last)]
        prices = self._snapshot.prices
        quote = {name: [getattr(prices, name)[index] for _, index in chosen] for name in ("open", "high", "low", "close", "volume")}
        result: dict[str, Any] = {"meta": self._meta(), "indicators": {"quote": [quote], "adjclose": [{"adjclose": quote["close"]}]}}
        result["timestamp"] = [at for at, _ in chosen]
        if chosen:
            result["events"] = self._events(prices, prices.dates[chosen[0][1]], prices.dates[chosen[-1][1]])
        return result

    def modules(self, names: Iterable[str]) -> dict[str, Any]:
        """The modules asked for that this kind of instrument has."""
        every = self._modules()
        return {name: every[name] for name in names if name in every}

    def series(self, types: Iterable[str]) -> list[dict[str, Any]]:
        """One entry a type; a type without figures has its meta alone, as Yahoo does it."""
        return [self._one_series(name) for name in types]

    def news(self) -> list[dict[str, Any]]:
        """The snapshot's news in Yahoo's shape."""
        return [
            {
                "content": {
                    "title": item.title,
                    "pubDate": item.published_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
                    "provider": {"displayName": item.publisher},
                    "canonicalUrl": {"url": item.url},
                }
            }
            for item in self._snapshot.news
        ]

    def _meta(self) -> dict[str, Any]:
        instrument, zone = self._snapshot.instrument, ZoneInfo(self._zone)
        day = self._snapshot.prices.dates[-1]
        opens = _opening(day, self._zone)
        closes = opens + (86340 if instrument.quote_type == "crypto" else 23400)
        offset = int((datetime.combine(day, time(12), zone).utcoffset() or timedelta()).total_seconds())
        period = {"timezone": "XXX", "start": opens, "end": closes, "gmtoffset": offset}
        return {
            "currency": self._quoted,
            "symbol": instrument.symbol,
            "exchangeName": instrument.exchange or "NMS",
            "fullExchangeName": instrument.exchange or "NMS",
            "instrumentType": INSTRUMENT_TYPES[instrument.quote_type],
            "firstTradeDate": self._bars[0][0],
            "regularMarketTime": closes,
            "gmtoffset": offset,
            "timezone": "XXX",
            "exchangeTimezoneName": self._zone,
            "regularMarketPrice": self._snapshot.prices.close[-1],
            "longName": instrument.name,
            "shortName": instrument.name,
            "priceHint": 2,
            "currentTradingPeriod": {"pre": period, "regular": period, "post": period},
            "dataGranularity": "1d",
            "range": "",
            "validRanges": ["1d", "5d", "1mo", "3mo", "6mo", "1y", "2y", "5y", "10y", "ytd", "max"],
        }

    def _events(self, prices: PriceHistory, first: date, last: date) -> dict[str, Any]:
        dividends = {
            str(at): {"amount": one.amount, "date": at}
            for one in prices.dividends
            if first <= one.on <= last and (at := _opening(one.on, self._zone))
        }
        splits = {
            str(at): {"date": at, "numerator": one.ratio, "denominator": 1, "splitRatio": f"{one.ratio:g}:1"}
            for one in prices.splits
            if first <= one.on <= last and (at := _opening(one.on, self._zone))
        }
        return {name: found for name, found in (("dividends", dividends), ("splits", splits)) if found}

    def _modules(self) -> dict[str, Any]:
        snapshot, instrument = self._snapshot, self._snapshot.instrument
        found: dict[str, Any] = {
            "quoteType": {"quoteType": INSTRUMENT_TYPES[instrument.quote_type], "symbol": instrument.symbol, "longName": instrument.name},
            "summaryDetail": {"currency": self._quoted},
            "defaultKeyStatistics": {"priceHint": 2},
        }
        about = {
            "country": instrument.country,
            "sector": instrument.sector,
            "industry": instrument.industry,
            "longBusinessSummary": instrument.description,
        }
        found["assetProfile"] = {name: value for name, value in about.items() if value is not None}
        for stated in STATED:
            value = next((one.value for one in snapshot.key_statistics if one.name == stated.name), None)
            if value is not None:
                found.setdefault(stated.module, {})[stated.key] = value
        if instrument.quote_type != "equity":
            return found
        found.setdefault("financialData", {})["financialCurrency"] = instrument.reporting_currency
        if snapshot.consensus is not None:
            found |= self._consensus(found["financialData"])
        found["upgradeDowngradeHistory"] = {
            "history": [
                {
                    "epochGradeDate": int(one.at.timestamp()),
                    "firm": one.firm,
                    "action": one.action,
                    "fromGrade": one.from_grade or "",
                    "toGrade": one.to_grade or "",
                }
                | ({"currentPriceTarget": one.target} if one.target else {})
                | ({"priorPriceTarget": one.prior_target} if one.prior_target else {})
                for one in snapshot.analyst_actions
            ]
        }
        dates: dict[str, list[int]] = {}
        for event in snapshot.calendar:
            dates.setdefault(event.kind, []).append(_midnight(event.on))
        found["calendarEvents"] = {"earnings": {"earningsDate": dates.get("earnings", [])}}
        found["calendarEvents"] |= {
            name: dates[kind][0] for name, kind in (("exDividendDate", "ex_dividend"), ("dividendDate", "dividend_payment")) if kind in dates
        }
        return found

    def _consensus(self, targets: dict[str, Any]) -> dict[str, Any]:
        stated = self._snapshot.consensus
        assert stated is not None
        names = {
            "targetMeanPrice": "target_mean",
            "targetMedianPrice": "target_median",
            "targetHighPrice": "target_high",
            "targetLowPrice": "target_low",
        }
        targets |= {name: getattr(stated, field) for name, field in names.items()} | {"numberOfAnalystOpinions": stated.opinions}
        counts = {"strongBuy": "strong_buy", "buy": "buy", "hold": "hold", "sell": "sell", "strongSell": "strong_sell"}
        return {"recommendationTrend": {"trend": [{"period": "0m"} | {name: getattr(stated, field) for name, field in counts.items()}]}}

    def _one_series(self, name: str) -> dict[str, Any]:
        frequency = next((prefix for prefix in ("annual", "quarterly", "trailing") if name.startswith(prefix)), "")
        entry: dict[str, Any] = {"meta": {"symbol": [self._snapshot.instrument.symbol], "type": [name]}}
        found = sorted(self._figures(frequency, name.removeprefix(frequency)), key=lambda pair: pair[0].period_end)
        if found:
            entry["timestamp"] = [_midnight(one.period_end) for one, _ in found]
            entry[name] = [
                {
                    "asOfDate": one.period_end.isoformat(),
                    "periodType": "12M",
                    "currencyCode": one.currency,
                    "reportedValue": {"raw": value, "fmt": f"{value}"},
                }
                for one, value in found
            ]
        return entry

    def _figures(self, frequency: str, key: str) -> list[tuple[Statement, float]]:
        found: dict[date, tuple[Statement, float]] = {}
        for one in self._snapshot.statements:
            value = next((value for line, value in one.lines.items() if YAHOO_LINES.get(line) == key), None)
            if one.frequency == frequency and value is not None and key in const.fundamentals_keys[YAHOO_STATEMENT[one.kind]]:
                found[one.period_end] = (one, value)
        return list(found.values())


YAHOO_STATEMENT = {"income": "financials", "balance": "balance-sheet", "cash_flow": "cash-flow"}


class RecordedAnswers:
    """Answers recorded from Yahoo in 2025, replayed as they were; bodies that were not recorded are missing."""

    def __init__(self, folder: Path, symbol: str) -> None:
        self._folder = folder
        self._symbol = symbol

    def chart(self, first: int | None, last: int | None) -> dict[str, Any] | None:
        """The recorded chart."""
        body = self._body(f"chart-{self._symbol}-2020-01-01-to-2020-01-03.json")
        return body["chart"]["result"][0] if body else None

    def modules(self, names: Iterable[str]) -> dict[str, Any] | None:
        """The recorded modules among those asked for."""
        body = self._body(f"quoteSummary-all-{self._symbol}.json")
        recorded = body["quoteSummary"]["result"][0] if body else None
        return None if recorded is None else {name: recorded[name] for name in names if name in recorded}

    def series(self, types: Iterable[str]) -> list[dict[str, Any]]:
        """The recorded quarterly income statement; other types have no figures."""
        body = self._body(f"fundamentalsTimeSeries-{self._symbol}-financials-quarterly.json")
        recorded = {entry["meta"]["type"][0]: entry for entry in (body["timeseries"]["result"] if body else [])}
        return [recorded.get(name, {"meta": {"symbol": [self._symbol], "type": [name]}}) for name in types]

    def news(self) -> list[dict[str, Any]]:
        """None were recorded for these symbols."""
        return []

    def _body(self, name: str) -> dict[str, Any] | None:
        path = self._folder / name
        recorded: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))["response"] if path.exists() else {}
        return recorded.get("bodyJson") if recorded.get("status") == 200 else None


def _opening(on: date, zone: str) -> int:
    return int(datetime.combine(on, time(0) if zone in {"UTC", "Europe/London"} else time(9, 30), ZoneInfo(zone)).timestamp())


def _midnight(on: date) -> int:
    return int(datetime.combine(on, time(0), UTC).timestamp())
