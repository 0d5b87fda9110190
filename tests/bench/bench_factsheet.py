"""CPU time from loaded data to figures: price and technical evidence alone, and how it grows with the number of bars.

Run it as `python -m tests.bench.bench_factsheet`. It exits with 1 when a budget is missed.
"""

import sys
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from crew.analytics.book import EvidenceBook
from crew.analytics.charts import chart_series
from crew.analytics.factsheet import fact_sheet
from crew.analytics.prices import enter_prices
from crew.analytics.technicals import enter_technicals
from crew.domain.market import MarketSnapshot, PriceHistory
from crew.market.providers.sample import SampleMarketData
from crew.settings import load_settings

PRICES_MS = 50.0
FACT_SHEET_MS = 120.0
GROWTH_AT_TEN_TIMES = 11.0


def cpu_ms(work: Callable[[], Any], *, rounds: int = 15) -> float:
    """The fastest of several rounds, in milliseconds of CPU time."""
    work()
    best = float("inf")
    for _ in range(rounds):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best * 1000


def lengthened(history: PriceHistory, times: int) -> PriceHistory:
    """The history repeated backwards in time, a bar a day."""
    count = len(history.dates) * times
    days = tuple(history.dates[-1] - timedelta(days=back) for back in range(count))[::-1]
    columns = {name: getattr(history, name) * times for name in ("open", "high", "low", "close", "volume")}
    return history.model_copy(update={**columns, "dates": days})


def enter_all(snapshot: MarketSnapshot) -> EvidenceBook:
    """All price and technical evidence and the charts of one snapshot."""
    book = EvidenceBook(as_of=snapshot.prices.dates[-1], currency=snapshot.instrument.currency)
    enter_prices(book, snapshot, risk_free_rate=4.0)
    enter_technicals(book, snapshot)
    chart_series(snapshot)
    return book


def main() -> int:
    """Print each figure with its budget; 1 when one is missed."""
    snapshot = SampleMarketData(load_settings().sample_dir).snapshot("AAPL")
    longer = snapshot.model_copy(
        update={"prices": lengthened(snapshot.prices, 10), "benchmark": lengthened(snapshot.benchmark, 10) if snapshot.benchmark else None}
    )
    bars = len(snapshot.prices.dates)
    prices, prices_longer = cpu_ms(lambda: enter_all(snapshot)), cpu_ms(lambda: enter_all(longer), rounds=5)
    sheet, sheet_longer = cpu_ms(lambda: fact_sheet(snapshot, as_of=None)), cpu_ms(lambda: fact_sheet(longer, as_of=None), rounds=5)
    rows = (
        (f"price and technical evidence, {bars} bars", prices, PRICES_MS, "ms"),
        ("the same with ten times the bars", prices_longer / prices, GROWTH_AT_TEN_TIMES, "times"),
        (f"whole fact sheet of AAPL, {bars} bars", sheet, FACT_SHEET_MS, "ms"),
        ("the same with ten times the bars", sheet_longer / sheet, GROWTH_AT_TEN_TIMES, "times"),
    )
    for name, value, budget, unit in rows:
        print(f"{name:<50} {value:8.1f} {unit:<6} (at most {budget:g})")
    return int(any(value > budget for _, value, budget, _ in rows))


if __name__ == "__main__":
    sys.exit(main())
