"""The chart call: daily bars adjusted for splits and not for dividends, with dividends, splits and the listing."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from crew.domain.instrument import QuoteType
from crew.domain.market import Dividend, PriceHistory, SeriesSource, Split
from crew.errors import SymbolNotFound
from crew.market.providers.yahoo.figures import number
from crew.market.providers.yahoo.freshness import TradingHours
from crew.market.providers.yahoo.parts import Listing, PricesPart
from crew.market.providers.yahoo.text import clean

ENDPOINT = "v8/finance/chart"
QUOTE_TYPES: dict[str, QuoteType] = {
    "EQUITY": "equity",
    "ETF": "etf",
    "MUTUALFUND": "fund",
    "CRYPTOCURRENCY": "crypto",
    "INDEX": "index",
    "CURRENCY": "currency",
}
NAME_LIMIT = 200
PLACE_LIMIT = 80


def fetch_prices(ticker: Any, symbol: str, *, start: date | None, retrieved_at: datetime) -> PricesPart:
    """Ask for the daily bars of `symbol` from `start` on, or for all there are.

    Raises:
        SymbolNotFound: the answer has no bars, or is of a kind of instrument that reports do not know.
    """
    span: dict[str, Any] = {"period": "max"} if start is None else {"start": start}
    frame = ticker.history(interval="1d", auto_adjust=False, actions=True, **span)
    frame = frame[frame[["Open", "High", "Low", "Close"]].notna().any(axis=1)]
    if frame.empty:
        raise SymbolNotFound(f"Yahoo Finance has no prices of {symbol} since {start or 'its listing'}")
    meta = ticker.history_metadata
    return PricesPart(listing=_listing(meta, symbol), prices=_history(frame, symbol, retrieved_at))


def _history(frame: Any, symbol: str, retrieved_at: datetime) -> PriceHistory:
    dates = tuple(stamp.date() for stamp in frame.index)
    return PriceHistory(
        symbol=symbol,
        basis=max(dates[-1], retrieved_at.date()),
        dates=dates,
        open=_column(frame, "Open"),
        high=_column(frame, "High"),
        low=_column(frame, "Low"),
        close=_column(frame, "Close"),
        volume=_column(frame, "Volume"),
        dividends=tuple(Dividend(on=on, amount=amount) for on, amount in _events(frame, dates, "Dividends")),
        splits=tuple(Split(on=on, ratio=ratio) for on, ratio in _events(frame, dates, "Stock Splits")),
        source=SeriesSource(provider="yahoo", endpoint=f"{ENDPOINT}/{symbol}", retrieved_at=retrieved_at, as_of=min(dates[-1], retrieved_at.date())),
    )


def _column(frame: Any, name: str) -> tuple[float | None, ...]:
    return tuple(number(value) for value in frame[name].tolist())


def _events(frame: Any, dates: tuple[date, ...], name: str) -> list[tuple[date, float]]:
    if name not in frame:
        return []
    return [(on, float(value)) for on, value in zip(dates, frame[name].tolist(), strict=True) if value and number(value) is not None]


def _listing(meta: Mapping[str, Any], symbol: str) -> Listing:
    kind = QUOTE_TYPES.get(str(meta.get("instrumentType")))
    currency = meta.get("currency")
    if kind is None or not isinstance(currency, str) or not currency:
        raise SymbolNotFound(f"Yahoo Finance calls {symbol} a {meta.get('instrumentType')} in {currency}, which reports do not cover")
    return Listing(
        name=clean(meta.get("longName"), NAME_LIMIT) or clean(meta.get("shortName"), NAME_LIMIT) or symbol,
        quote_type=kind,
        currency=currency,
        exchange=clean(meta.get("fullExchangeName"), PLACE_LIMIT) or clean(meta.get("exchangeName"), PLACE_LIMIT),
        hours=_hours(meta, every_day=kind == "crypto"),
    )


def _hours(meta: Mapping[str, Any], *, every_day: bool) -> TradingHours | None:
    regular = (meta.get("currentTradingPeriod") or {}).get("regular") or {}
    opens, closes = regular.get("start"), regular.get("end")
    zone = meta.get("exchangeTimezoneName")
    if not isinstance(opens, datetime) or not isinstance(closes, datetime) or not isinstance(zone, str):
        return None
    return TradingHours(time_zone=zone, opens=opens.time(), closes=closes.time(), every_day=every_day)
