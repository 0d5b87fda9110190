"""Figures on recorded real prices against what the source itself says of them."""

import csv
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from fakes.price_histories import price_book, snapshot_of

from crew.domain.market import Dividend, PriceHistory, SeriesSource

PRICES = Path(__file__).parents[3] / "shared" / "data" / "market" / "prices"
SYMBOLS = ("AAPL", "MSFT", "NVDA", "TSLA", "AMZN", "GOOGL", "META", "JPM", "SPY", "GLD")

pytestmark = pytest.mark.skipif(not PRICES.is_dir(), reason="../shared/ is absent: it holds the recorded prices")


def recorded(symbol: str) -> tuple[PriceHistory, dict[date, float]]:
    """The recorded bars, and the source's own closes with dividends taken out by day."""
    with (PRICES / f"{symbol}.csv").open() as file:
        rows = list(csv.DictReader(file))
    days = tuple(date.fromisoformat(row["date"]) for row in rows)
    columns = {name: tuple(float(row[name]) for row in rows) for name in ("open", "high", "low", "close", "volume")}
    paid = tuple(Dividend(on=day, amount=float(row["dividends"])) for day, row in zip(days, rows, strict=True) if float(row["dividends"]))
    source = SeriesSource(provider="test", endpoint=f"prices/{symbol}", retrieved_at=datetime(2026, 3, 12, 22, tzinfo=UTC))
    history = PriceHistory(symbol=symbol, basis=days[-1], dates=days, dividends=paid, source=source, **columns)
    return history, {day: float(row["adj_close"]) for day, row in zip(days, rows, strict=True)}


@pytest.mark.parametrize("symbol", SYMBOLS)
@pytest.mark.parametrize("window", ["1m", "1y", "3y", "5y"])
def test_total_return_agrees_with_the_adjusted_close(symbol, window):
    """Reinvesting every dividend gives the change of the source's adjusted close, but for how each rounds a reinvestment."""
    history, adjusted = recorded(symbol)
    item = price_book(snapshot_of(history), as_of=history.dates[-1]).get(f"price.total_return_{window}")
    assert item is not None
    start = date.fromisoformat(item.inputs[1].removeprefix("price.close."))
    growth = adjusted[history.dates[-1]] / adjusted[start]

    assert 1 + item.number / 100 == pytest.approx(growth, rel=2e-3)
