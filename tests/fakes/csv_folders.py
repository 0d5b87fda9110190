"""Writes snapshots into a folder as the CSV provider's documentation describes it."""

import csv
import json
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

from crew.domain.market import MarketSnapshot

HEADER = ("date", "open", "high", "low", "close", "volume", "dividends", "splits")


def write_folder(folder: Path, snapshots: Iterable[MarketSnapshot], *, as_of: date | None = None) -> Path:
    """Write each snapshot's own data (not its benchmark's and peers') and return the folder."""
    for kind in ("prices", "statements"):
        (folder / kind).mkdir(parents=True, exist_ok=True)
    for snapshot in snapshots:
        symbol = snapshot.instrument.symbol
        with (folder / "prices" / f"{symbol}.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([HEADER, *_rows(snapshot)])
        (folder / "statements" / f"{symbol}.json").write_text(json.dumps(document(snapshot, as_of=as_of)), encoding="utf-8")
    return folder


def document(snapshot: MarketSnapshot, *, as_of: date | None = None) -> dict[str, Any]:
    """The document of a snapshot's symbol."""
    content = snapshot.model_dump(mode="json", exclude_none=True)
    found: dict[str, Any] = {
        "source": "Own database",
        "instrument": {name: value for name, value in content["instrument"].items() if name != "symbol"},
        "peers": [peer["instrument"]["symbol"] for peer in content["peers"]],
        "dividends_in_prices": snapshot.prices.dividends_in_prices,
        "statements": [_without_source(one) for one in content["statements"]],
        "key_statistics": content["key_statistics"],
        "news": content["news"],
        "calendar": content["calendar"],
        "fx": [_without_source(one) for one in content["fx"]],
        "analyst_actions": content["analyst_actions"],
    }
    if snapshot.consensus is not None:
        found["consensus"] = _without_source(content["consensus"])
    if snapshot.analyst_actions_from is not None:
        found["analyst_actions_from"] = content["analyst_actions_from"]
    return found | ({"as_of": as_of.isoformat()} if as_of is not None else {})


def _rows(snapshot: MarketSnapshot) -> Iterable[tuple[object, ...]]:
    prices = snapshot.prices
    dividends = {item.on: item.amount for item in prices.dividends}
    splits = {item.on: item.ratio for item in prices.splits}
    columns = zip(prices.dates, prices.open, prices.high, prices.low, prices.close, prices.volume, strict=True)
    for day, *values in columns:
        yield (day, *("" if value is None else value for value in values), dividends.get(day, 0), splits.get(day, ""))


def _without_source(content: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in content.items() if name != "source"}
