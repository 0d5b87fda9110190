"""Memory of one serving process over 100,000 requests: `python -m tests.bench.bench_memory [--requests 100000]`.

Analyses, reports and 304s are read in turn, with keys, limits, logs and metrics on. Prints what the process holds after each fifth and
exits 1 when it is too much, or grows over the last four fifths.
"""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import requests

from tests.bench.bench_api import migrated_key, per_second, production, running

PARTS = 5
MOST_MB = 110.0
GROWTH_MB = 5.0


def finished(url: str, bearer: dict[str, str]) -> dict[str, Any]:
    """An analysis that has ended well."""
    made: dict[str, Any] = requests.post(f"{url}/v1/analyses", json={"symbol": "AAPL"}, headers=bearer, timeout=60).json()
    for _ in range(10):
        if made["status"] in {"succeeded", "failed"}:
            break
        made = requests.get(url + made["urls"]["self"], headers={**bearer, "Prefer": "wait=30"}, timeout=60).json()
    if made["status"] != "succeeded":
        raise SystemExit(f"the analysis ended as {made['status']}: {made['error']}")
    return made


def held(folder: Path, count: int) -> list[float]:
    """Megabytes that the serving process holds after each part of `count` requests, the first before any of them."""
    bearer = {"Authorization": f"Bearer {migrated_key(folder)}"}
    variables = production(folder)
    with running("api.server", wait_for="/readyz", **variables):
        pass  # what is not compiled yet is now
    with running("api.server", wait_for="/readyz", **variables) as (url, process):
        with running("crew.cli", "worker", wait_for=None, **variables):
            made = finished(url, bearer)
        analysis, report = url + made["urls"]["self"], url + made["urls"]["report"]
        tagged = {**bearer, "If-None-Match": requests.get(report, headers=bearer, timeout=10).headers["ETag"]}

        def megabytes() -> float:
            return max(child.memory_info().rss for child in process.children()) / 2**20

        found = [megabytes()]
        for part in range(1, PARTS + 1):
            for address, headers, expected in ((analysis, bearer, 200), (report, bearer, 200), (report, tagged, 304)):
                per_second(address, headers, expected, iterations=count // PARTS // 3)
            found.append(megabytes())
            sys.stdout.write(f"      after {part * (count // PARTS // 3) * 3:>7} requests {found[-1]:>8.1f} MB\n")
            sys.stdout.flush()
    return found


def main() -> int:
    """Run and judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=100_005)
    folder = Path(tempfile.mkdtemp(prefix="stockcrew-bench-"))
    try:
        found = held(folder, parser.parse_args().requests)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    missed = 0
    for name, value, most in (
        ("memory after all requests, MB", found[-1], MOST_MB),
        ("growth over the last four fifths, MB", found[-1] - found[1], GROWTH_MB),
    ):
        missed += value >= most
        sys.stdout.write(f"{'ok  ' if value < most else 'MISS'}  {name:<50} {value:>10.2f}  (< {most:g})\n")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
