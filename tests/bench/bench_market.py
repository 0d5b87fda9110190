"""What collecting from Yahoo costs, against the replay server: `python -m tests.bench.bench_market`.

Prints round-trip times for one symbol, requests of a warm cache, and memory and requests over 100 symbols, 8 at a time.
Exits 1 when a figure misses its target.
"""

import gc
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).parents[1]))  # where tests find their fakes

from fakes.synthetic_market import base_price, synthetic_snapshot
from fakes.yahoo_answers import SnapshotAnswers
from fakes.yahoo_server import YahooServer

from crew.domain.market import MarketSnapshot
from crew.market.providers.yahoo import YahooMarketData
from crew.settings import Settings

LATENCY_S = 0.2
NOW = datetime(2026, 3, 13, 1, tzinfo=UTC)
WARM_ROUND_TRIPS, COLD_ROUND_TRIPS = 4, 7
ROUNDS = 5
SYMBOLS, AT_ONCE = 100, 8
REQUESTS_A_SYMBOL = 9
REQUESTS_ONCE = 3
MEMORY_GROWTH_MB = 20.0

Figure = tuple[str, float, float]


def provider(server: YahooServer, folder: Path, *, per_second: float) -> YahooMarketData:
    """A provider on the replay server, its clock after the close so that prices stay fresh."""
    settings = Settings.model_validate({"data_dir": folder, "market_requests_per_s": per_second})
    return YahooMarketData(settings, clock=lambda: NOW, proxy=server.proxy, ca_file=server.ca_file)


def serve(server: YahooServer, *symbols: str) -> None:
    """Know companies by these symbols, and the benchmark."""
    server.serve("SPY", SnapshotAnswers(synthetic_snapshot("SPY", quote_type="etf")))
    for symbol in symbols:
        server.serve(symbol, SnapshotAnswers(synthetic_snapshot(symbol)))


def seconds(work: Callable[[], object]) -> float:
    """How long `work` takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def warm_up(folder: Path) -> None:
    """Collect one symbol of its own server, so that what a process does once (imports, first TLS, first parse) is in no figure."""
    with YahooServer(folder) as server:
        serve(server, "FIRST")
        source = provider(server, folder / "first", per_second=1e6)
        source.snapshot("FIRST")
        source.close()


def one_symbol(folder: Path) -> list[Figure]:
    """A company in dollars, and one whose statements need a currency pair on top."""
    with YahooServer(folder, latency_s=LATENCY_S) as server:
        serve(server, "ACME")
        server.serve("BABA", SnapshotAnswers(synthetic_snapshot("BABA", reporting_currency="CNY")))
        server.serve("USDCNY=X", SnapshotAnswers(synthetic_snapshot("USDCNY=X", quote_type="currency", currency="CNY")))
        return [figure for symbol in ("ACME", "BABA") for figure in fastest(server, symbol, folder)]


def fastest(server: YahooServer, symbol: str, folder: Path) -> list[Figure]:
    """The lowest of each time over several rounds that each begin with nothing, since other load on the machine only adds; the most requests."""
    rounds = [collected_thrice(server, symbol, folder / f"{symbol}-{number}") for number in range(ROUNDS)]
    figures = zip(*rounds, strict=True)
    return [(same[0][0], (max if same[0][0].endswith("requests") else min)(value for _, value, _ in same), same[0][2]) for same in figures]


def collected_thrice(server: YahooServer, symbol: str, data: Path) -> list[Figure]:
    """Round-trip times with nothing cached and with cookie and time zones cached; time and requests with everything cached."""
    source = provider(server, data, per_second=8.0)
    cold = seconds(lambda: source.snapshot(symbol)) / LATENCY_S
    source.close()
    (data / "cache" / "market.db").unlink()
    again = provider(server, data, per_second=8.0)
    warm = seconds(lambda: again.snapshot(symbol)) / LATENCY_S
    server.forget()
    cached = seconds(lambda: again.snapshot(symbol))
    again.close()
    return [
        (f"{symbol}, cold: round trips", cold, COLD_ROUND_TRIPS),
        (f"{symbol}, cookie and zones warm: round trips", warm, WARM_ROUND_TRIPS),
        (f"{symbol}, all warm: milliseconds", 1000 * cached, 50),
        (f"{symbol}, all warm: requests", server.count(), 0),
    ]


def many_symbols(folder: Path) -> list[Figure]:
    """Requests, memory and mixed-up figures over many symbols collected side by side."""
    symbols = [f"CO{number}" for number in range(SYMBOLS)]
    process = psutil.Process()
    with YahooServer(folder) as server:
        serve(server, *symbols)
        source = provider(server, folder / "many", per_second=1e6)
        memory: list[float] = []
        mixed = 0

        def collect(symbol: str) -> None:
            nonlocal mixed
            mixed += not is_of(symbol, source.snapshot(symbol))
            gc.collect()
            memory.append(process.memory_info().rss / 2**20)

        with ThreadPoolExecutor(AT_ONCE) as pool:
            took = seconds(lambda: list(pool.map(collect, symbols)))
        requests = server.count()
        source.close()
    settled = max(memory[SYMBOLS // 4 : SYMBOLS // 2])
    return [
        (f"{SYMBOLS} symbols, {AT_ONCE} at once: seconds", took, 60),
        ("requests", requests, SYMBOLS * REQUESTS_A_SYMBOL + REQUESTS_ONCE),
        ("snapshots with another symbol's figures", mixed, 0),
        ("memory grown in the second half: MB", max(memory[SYMBOLS // 2 :]) - settled, MEMORY_GROWTH_MB),
    ]


def is_of(symbol: str, snapshot: MarketSnapshot) -> bool:
    """Whether price, revenue, target and headline are all those of `symbol`."""
    first = base_price(symbol)
    known = synthetic_snapshot(symbol)
    shown = dict(zip(known.prices.dates, known.prices.close, strict=True))
    return (
        all(shown[on] == close for on, close in zip(snapshot.prices.dates, snapshot.prices.close, strict=True))
        and any(one.lines.get("total_revenue") == first * 1e6 for one in snapshot.statements)
        and snapshot.consensus is not None
        and snapshot.consensus.target_mean == first * 1.5
        and snapshot.news[0].title == f"{symbol} in the news"
        and snapshot.instrument.name == f"{symbol} Company"
    )


def bench() -> list[Figure]:
    """Measure everything."""
    with tempfile.TemporaryDirectory() as folder:
        warm_up(Path(folder))
        return one_symbol(Path(folder)) + many_symbols(Path(folder))


def main() -> int:
    """Print the figures; 1 when one misses its target."""
    figures = bench()
    for name, value, limit in figures:
        print(f"{name:<48} {value:>9.2f}  (at most {limit:g}){'' if value <= limit else '  MISSED'}")
    return 0 if all(value <= limit for _, value, limit in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
