"""Writes the shipped sample data set from a folder of source figures: `python -m crew.market.sample_builder SOURCE TARGET`.

One `SYMBOL.json` holds everything but prices, one `SYMBOL.csv.gz` the daily bars. Figures only: names and classifications are facts, the one
line about each company is our own, headlines and descriptions of others are left out. The same source gives the same content.
"""

import csv
import gzip
import io
import json
import sys
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from crew.market.line_items import line_item_name
from crew.market.sample_companies import LISTINGS

AS_OF = date(2026, 3, 12)
# The source's figures were captured from 12 to 17 March 2026; where the day cannot be told, the last of them is the safe one.
LATEST_CAPTURE = date(2026, 3, 17)
STATEMENTS = {"income_statement": "income", "balance_sheet": "balance", "cash_flow": "cash_flow"}
FEWEST_LINES = 4
# Days after which a large accelerated filer, as every company of the set is, must have filed in the United States (10-K, 10-Q).
ANNUAL_DEADLINE, QUARTERLY_DEADLINE = timedelta(days=60), timedelta(days=40)
# Key figures that hold no share price; ratios with a price in them are recomputed.
KEY_STATISTICS = {
    "sharesOutstanding": ("shares_outstanding", "shares"),
    "shortRatio": ("short_ratio", "days"),
    "shortPercentOfFloat": ("short_share_of_float", "ratio"),
    "payoutRatio": ("payout_ratio", "ratio"),
}
COUNTS = {"strongBuy": "strong_buy", "buy": "buy", "hold": "hold", "sell": "sell", "strongSell": "strong_sell"}
TARGETS = {
    "target_mean_price": "target_mean",
    "target_median_price": "target_median",
    "target_high_price": "target_high",
    "target_low_price": "target_low",
    "number_of_analyst_opinions": "opinions",
}
AVERAGE_OF = 50
Bars = list[dict[str, str]]


def build(source: Path, target: Path) -> None:
    """Write the data set into `target` from the figures in `source` (folders `prices` and `fundamentals`).

    Raises:
        FileNotFoundError: a symbol has no price file.
    """
    target.mkdir(parents=True, exist_ok=True)
    for symbol, listing in LISTINGS.items():
        with (source / "prices" / f"{symbol}.csv").open(encoding="utf-8", newline="") as file:
            bars = list(csv.DictReader(file))
        path = source / "fundamentals" / f"{symbol}.json"
        facts = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        captured = captured_on(facts, bars) if facts else AS_OF
        content = _describe(symbol, listing, facts, captured) | _events(bars)
        (target / f"{symbol}.json").write_text(_compact(content), encoding="utf-8")
        (target / f"{symbol}.csv.gz").write_bytes(gzip.compress(_table(bars).encode(), mtime=0))


def captured_on(facts: dict[str, Any], bars: Sequence[dict[str, str]]) -> date:
    """The day the figures were captured.

    Their 50-day average is that of the closes up to the trading day before, so the day can be read off the prices; where no
    day fits, it is LATEST_CAPTURE.
    """
    stated = (facts.get("key_stats") or {}).get("fiftyDayAverage")
    closes = [float(bar["close"]) for bar in bars]
    for end in range(len(bars) - 1, AVERAGE_OF - 1, -1):
        if stated is not None and abs(sum(closes[end - AVERAGE_OF : end]) / AVERAGE_OF - stated) < 1e-4 * stated / 100:
            return date.fromisoformat(bars[end]["date"])
    return LATEST_CAPTURE


def public_by(period_end: date, *, is_year_end: bool) -> date:
    """The day by which the statement had to be filed; a deadline on a weekend moves to Monday."""
    due = period_end + (ANNUAL_DEADLINE if is_year_end else QUARTERLY_DEADLINE)
    return due + timedelta(days=(7 - due.weekday()) if due.weekday() > 4 else 0)


def _compact(content: dict[str, Any]) -> str:
    """JSON with one top-level entry a line: small, and a change shows where it is."""
    entries = (f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=False, separators=(',', ':'))}" for key, value in content.items())
    return "{\n" + ",\n".join(entries) + "\n}\n"


def _table(bars: Bars) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["date", "open", "high", "low", "close", "volume"])
    for bar in bars:
        writer.writerow([bar["date"], *(_number(float(bar[name])) for name in ("open", "high", "low", "close", "volume"))])
    return out.getvalue()


def _events(bars: Bars) -> dict[str, Any]:
    found = {name: [[bar["date"], float(bar[name])] for bar in bars if float(bar[name] or 0)] for name in ("dividends", "splits")}
    return {"dividends": found["dividends"], "splits": found["splits"]}


def _describe(symbol: str, listing: dict[str, Any], facts: dict[str, Any], captured: date) -> dict[str, Any]:
    profile = facts.get("profile") or {}
    currency = listing.get("currency") or profile.get("currency") or "USD"
    actions = _actions(facts)
    series = {
        "statements": _statements(facts),
        "analyst_actions": actions,
        "consensus": _consensus(facts),
        "key_statistics": _key_statistics(facts, listing),
    }
    return {
        "format": 2,
        "symbol": symbol,
        "as_of": AS_OF.isoformat(),
        "instrument": {
            "symbol": symbol,
            "name": listing.get("name") or profile["name"],
            "quote_type": listing.get("quote_type", "equity"),
            "currency": currency,
            "reporting_currency": currency if series["statements"] else None,
            **{name: listing.get(name) or profile.get(name) for name in ("exchange", "country", "sector", "industry")},
            "description": listing["about"],
        },
        "peers": listing.get("peers", []),
        "sources": _sources(listing, [name for name, found in series.items() if found], captured),
        "dividends_in_prices": listing.get("dividends_in_prices", False),
        **series,
        # The source keeps the newest actions only: of the oldest one's day there may have been more.
        "analyst_actions_from": (date.fromisoformat(actions[-1][0][:10]) + timedelta(days=1)).isoformat() if actions else None,
    }


def _sources(listing: dict[str, Any], series: Sequence[str], captured: date) -> dict[str, Any]:
    prices = "Yahoo Finance daily bars, split-adjusted" + (", dividend-adjusted" if listing.get("dividends_in_prices") else "")
    retrieved = listing.get("prices_retrieved", AS_OF.isoformat())
    sources = {"prices": {"source": prices, "as_of": AS_OF.isoformat(), "retrieved": retrieved}}
    day = captured.isoformat()
    return sources | {name: {"source": "Yahoo Finance through yfinance", "as_of": day, "retrieved": day} for name in series}


def _statements(facts: dict[str, Any]) -> list[list[Any]]:
    """Rows of kind, frequency, period end, legal deadline and lines, newest first; scraps of fewer than four lines are left out."""
    year_ends = {date.fromisoformat(end).month for name in STATEMENTS for end in facts.get(f"{name}_annual") or {}}
    found: list[list[Any]] = []
    for name, kind in STATEMENTS.items():
        for frequency in ("annual", "quarterly"):
            for period_end, lines in sorted((facts.get(f"{name}_{frequency}") or {}).items(), reverse=True):
                kept = {line_item_name(label): _number(value) for label, value in lines.items() if value is not None}
                if len(kept) >= FEWEST_LINES:
                    end = date.fromisoformat(period_end)
                    due = public_by(end, is_year_end=end.month in year_ends)
                    found.append([kind, frequency, period_end, due.isoformat(), dict(sorted(kept.items()))])
    return found


def _number(value: float) -> float | int:
    return int(value) if float(value).is_integer() else value


def _actions(facts: dict[str, Any]) -> list[list[Any]]:
    rows = []
    for action in sorted(facts.get("upgrades_downgrades_latest") or [], key=lambda row: row["GradeDate"], reverse=True):
        grades = [action.get("FromGrade") or None, action.get("ToGrade") or None]
        targets = [action.get("currentPriceTarget") or None, action.get("priorPriceTarget") or None]
        rows.append([action["GradeDate"], action["Firm"], action["Action"], *grades, *targets])
    return rows


def _consensus(facts: dict[str, Any]) -> dict[str, float | int]:
    analyst = facts.get("analyst") or {}
    found = {name: analyst[key] for key, name in TARGETS.items() if analyst.get(key) is not None}
    newest: dict[str, int] = next((row for row in analyst.get("recommendations_history") or [] if row["period"] == "0m"), {})
    return found | {name: newest[key] for key, name in COUNTS.items() if key in newest}


def _key_statistics(facts: dict[str, Any], listing: dict[str, Any]) -> list[list[Any]]:
    stated = dict(facts.get("key_stats") or {})
    if listing.get("one_share_class"):
        stated.pop("sharesOutstanding", None)
    return [[name, stated[key], unit] for key, (name, unit) in KEY_STATISTICS.items() if stated.get(key) is not None]


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python -m crew.market.sample_builder SOURCE TARGET")
    build(Path(sys.argv[1]), Path(sys.argv[2]))
