"""Price histories built by rule, so that their figures are known before anything is computed from them."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta

from crew.analytics.book import EvidenceBook
from crew.analytics.prices import enter_prices
from crew.analytics.technicals import enter_technicals
from crew.domain.instrument import Instrument
from crew.domain.market import Dividend, MarketSnapshot, PriceHistory, SeriesSource

AS_OF = date(2025, 6, 30)


def weekdays(count: int, *, last: date = AS_OF) -> list[date]:
    """The last `count` weekdays up to `last`, oldest first."""
    days: list[date] = []
    day = last
    while len(days) < count:
        if day.weekday() < 5:
            days.append(day)
        day -= timedelta(days=1)
    return days[::-1]


def history(
    closes: Sequence[float | None],
    *,
    days: Sequence[date] | None = None,
    symbol: str = "TEST",
    spread: float = 0.01,
    volume: float | None = 1000.0,
    dividends: Iterable[tuple[date, float]] = (),
    dividends_in_prices: bool = False,
    retrieved: date | None = None,
) -> PriceHistory:
    """Bars with the given closes, highs and lows `spread` (a fraction) away from them, the same volume every day."""
    dates = tuple(days if days is not None else weekdays(len(closes)))
    last = dates[-1] if dates else AS_OF
    source = SeriesSource(provider="test", endpoint=f"prices/{symbol}", retrieved_at=datetime.combine(retrieved or last, time(22), UTC))
    return PriceHistory(
        symbol=symbol,
        basis=last,
        dates=dates,
        open=tuple(closes),
        high=tuple(None if close is None else close * (1 + spread) for close in closes),
        low=tuple(None if close is None else close * (1 - spread) for close in closes),
        close=tuple(closes),
        volume=(volume,) * len(dates),
        dividends=tuple(Dividend(on=on, amount=amount) for on, amount in dividends),
        dividends_in_prices=dividends_in_prices,
        source=source,
    )


def growing(count: int, *, start: float = 100.0, rate: float = 0.001) -> list[float]:
    """Closes that grow by the same rate every day."""
    return [start * (1 + rate) ** step for step in range(count)]


def repeated(pattern: Sequence[float], count: int, *, start: float = 100.0) -> list[float]:
    """Closes whose daily returns repeat `pattern`."""
    closes = [start]
    for step in range(count - 1):
        closes.append(closes[-1] * (1 + pattern[step % len(pattern)]))
    return closes


def snapshot_of(
    prices: PriceHistory, *, benchmark: PriceHistory | None = None, quote_type: str = "equity", currency: str = "USD", minor_units: int = 1
) -> MarketSnapshot:
    """A snapshot that holds prices only."""
    instrument = Instrument.model_validate(
        {"symbol": prices.symbol, "name": "Test", "quote_type": quote_type, "currency": currency, "minor_units": minor_units}
    )
    return MarketSnapshot(provider="test", instrument=instrument, retrieved_at=prices.source.retrieved_at, prices=prices, benchmark=benchmark)


def price_book(snapshot: MarketSnapshot, *, as_of: date = AS_OF, risk_free_rate: float | None = 0.0) -> EvidenceBook:
    """The book with all price and technical evidence of the snapshot."""
    book = EvidenceBook(as_of=as_of, currency=snapshot.instrument.currency)
    enter_prices(book, snapshot, risk_free_rate=risk_free_rate)
    enter_technicals(book, snapshot)
    return book


def reasons(book: EvidenceBook) -> dict[str, str]:
    """The reason of each gap by id."""
    return {gap.id: gap.reason for gap in book.gaps}


def mapped(prices: PriceHistory, change: Callable[[float], float]) -> PriceHistory:
    """The history with every price and dividend changed."""
    columns = {name: tuple(None if value is None else change(value) for value in getattr(prices, name)) for name in ("open", "high", "low", "close")}
    dividends = tuple(Dividend(on=item.on, amount=change(item.amount)) for item in prices.dividends)
    return prices.model_copy(update={**columns, "dividends": dividends})
