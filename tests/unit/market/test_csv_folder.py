"""The CSV folder: what its files may say, and what is said about files that are wrong."""

import json
import os
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from fakes.csv_folders import write_folder

from crew.domain.market import Dividend, MarketSnapshot, Split
from crew.errors import ConfigurationError, SymbolNotFound
from crew.market.providers.csv_folder import CsvMarketData
from crew.market.providers.sample import SampleMarketData
from crew.settings import Settings

DOCUMENT: dict[str, Any] = {
    "source": "Own database",
    "instrument": {"name": "Own plc", "quote_type": "equity", "currency": "GBP", "minor_units": 100},
}
TABLE = "date,close\n2026-03-11,10.5\n2026-03-12,11\n"


def folder(path: Path, *, table: str | bytes = TABLE, **document: Any) -> Path:
    """A folder with one symbol, OWN.L."""
    for kind in ("prices", "statements"):
        (path / kind).mkdir(exist_ok=True)
    (path / "prices" / "OWN.L.csv").write_bytes(table.encode() if isinstance(table, str) else table)
    (path / "statements" / "OWN.L.json").write_text(json.dumps(DOCUMENT | document), encoding="utf-8")
    return path


def read(path: Path) -> MarketSnapshot:
    """The snapshot of that symbol."""
    return CsvMarketData(path).snapshot("OWN.L")


def unsourced(value: Any) -> Any:
    """A dumped value without its sources."""
    if isinstance(value, dict):
        return {name: unsourced(item) for name, item in value.items() if name not in {"source", "retrieved_at", "provider"}}
    return [unsourced(item) for item in value] if isinstance(value, list) else value


def test_the_sample_survives_the_way_through_files(tmp_path: Path) -> None:
    """Everything the port can hold can be said in a folder: written and read again, the sample's figures are the same."""
    sample = SampleMarketData(Settings().sample_dir)
    write_folder(tmp_path, (sample.snapshot(symbol) for symbol in ("AAPL", "MSFT", "GOOGL", "SPY")), as_of=date(2026, 3, 12))
    mine, theirs = CsvMarketData(tmp_path).snapshot("AAPL"), sample.snapshot("AAPL")

    for name in ("instrument", "prices", "benchmark", "peers", "analyst_actions", "analyst_actions_from", "consensus", "key_statistics"):
        assert unsourced(mine.model_dump(mode="json")[name]) == unsourced(theirs.model_dump(mode="json")[name]), name
    assert [(one.kind, one.frequency, one.period_end, one.public_by, one.lines) for one in mine.statements] == [
        (one.kind, one.frequency, one.period_end, one.public_by, one.lines) for one in theirs.statements
    ]
    assert mine.prices.source.provider == "Own database"
    assert mine.retrieved_at == theirs.retrieved_at


def test_the_least_that_works(tmp_path: Path) -> None:
    """Dates and closes and a name are enough; everything else is missing, not zero, and named as a gap."""
    snapshot = read(folder(tmp_path))

    assert snapshot.prices.close == (10.5, 11.0)
    assert snapshot.prices.open == snapshot.prices.volume == (None, None)
    assert (snapshot.instrument.currency, snapshot.instrument.minor_units, snapshot.instrument.reporting_currency) == ("GBP", 100, None)
    assert (snapshot.benchmark, snapshot.peers) == (None, ())
    assert {gap.series for gap in snapshot.gaps} == {"statements", "analyst_actions", "consensus", "key_statistics", "news"}


def test_rows_may_come_in_any_order_with_empty_cells(tmp_path: Path) -> None:
    """Newest first, upper-case names, a byte-order mark and empty cells are all read right."""
    table = "\ufeffDate,Close,Volume,Dividends,Splits\n2026-03-12,11,,,2\n2026-03-11,,7,0.25,\n"
    prices = read(folder(tmp_path, table=table)).prices

    assert prices.dates == (date(2026, 3, 11), date(2026, 3, 12))
    assert (prices.close, prices.volume) == ((None, 11.0), (7.0, None))
    assert prices.dividends == (Dividend(on=date(2026, 3, 11), amount=0.25),)
    assert prices.splits == (Split(on=date(2026, 3, 12), ratio=2.0),)


def test_lines_may_be_spelled_in_words_and_missing(tmp_path: Path) -> None:
    """Lines take their canonical names, null lines are left out, and currency falls back to the listing's."""
    lines = {"Total Revenue": 5, "diluted_eps": 1.5, "EBITDA": None}
    columns = {"kind": "income", "frequency": "annual", "period_end": "2025-12-31", "filed": "2026-02-20", "lines": lines}
    snapshot = read(folder(tmp_path, statements=[columns, columns | {"frequency": "quarterly", "currency": "USD"}]))

    assert snapshot.statements[0].lines == {"total_revenue": 5.0, "diluted_eps": 1.5}
    assert snapshot.statements[0].filed == date(2026, 2, 20)
    assert [one.currency for one in snapshot.statements] == ["USD", "USD"]
    assert snapshot.instrument.reporting_currency == "USD"


def test_files_without_a_day_count_from_when_they_were_written(tmp_path: Path) -> None:
    """Without `as_of` a series was retrieved when its file was written; with it, on that day."""
    written = datetime(2026, 3, 20, 8, 0, tzinfo=UTC)
    folder(tmp_path, consensus={"target_mean": 12.0})
    for path in tmp_path.glob("*/OWN.L.*"):
        os.utime(path, (written.timestamp(), written.timestamp()))
    undated = read(tmp_path)
    dated = read(folder(tmp_path, consensus={"target_mean": 12.0}, as_of="2026-03-13"))

    assert undated.consensus is not None
    assert dated.consensus is not None
    assert (undated.retrieved_at, undated.consensus.source.as_of) == (written, date(2026, 3, 20))
    assert (dated.retrieved_at.date(), dated.consensus.source.as_of, dated.prices.source.as_of) == (
        date(2026, 3, 13),
        date(2026, 3, 13),
        date(2026, 3, 12),
    )


def test_benchmark_and_peers_come_from_the_same_folder(tmp_path: Path) -> None:
    """Benchmark and peers are symbols of the folder; a peer that is not there is a gap."""
    sample = SampleMarketData(Settings().sample_dir)
    write_folder(tmp_path, (sample.snapshot(symbol) for symbol in ("SPY", "GLD")))
    snapshot = read(folder(tmp_path, benchmark="GLD", peers=["SPY", "XYZ"]))

    assert snapshot.benchmark is not None
    assert snapshot.benchmark.symbol == "GLD"
    assert [peer.instrument.symbol for peer in snapshot.peers] == ["SPY"]
    assert any(gap.series == "peers" and "XYZ" in gap.detail for gap in snapshot.gaps)


def test_changed_files_are_seen(tmp_path: Path) -> None:
    """Files are read anew, so that a nightly export needs no restart."""
    provider = CsvMarketData(folder(tmp_path))
    before = provider.snapshot("OWN.L").prices.close[-1]
    folder(tmp_path, table=TABLE + "2026-03-13,12\n")

    assert (before, provider.snapshot("OWN.L").prices.close[-1]) == (11.0, 12.0)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("", "line 1: the columns are missing; use date, close"),
        ("date,open\n2026-03-11,1\n", "line 1: the columns are date, open; use date, close"),
        ("date,close,adj close\n2026-03-11,1,1\n", "line 1: the columns are date, close, adj close"),
        ("date,close,close\n2026-03-11,1,1\n", "line 1"),
        ("date,close\n", "it has no rows"),
        ("date,close\n2026-03-11,1\n12.03.2026,1\n", "line 3: Invalid isoformat"),
        ("date,close\n2026-03-11,1\n2026-03-12,1.2.3\n", "line 3: could not convert"),
        ("date,close\n2026-03-11\n", "line 2: it has not as many cells"),
        ("date,close\n2026-03-11,1,2\n", "line 2: it has not as many cells"),
        ("date,close\n2026-03-11,nan\n", "line 2: a value is negative or no number"),
        ("date,close\n2026-03-11,-1\n", "line 2: a value is negative or no number"),
        ("date,close\n2026-03-11,1\n2026-03-11,2\n", "2026-03-11 is there twice"),
        (b"date,close\n2026-03-11,\xff\n", "decode"),
    ],
)
def test_a_wrong_table_is_named_with_its_line(tmp_path: Path, table: str | bytes, message: str) -> None:
    """Whatever is wrong with a price table, the error names file and line and nothing is computed from it."""
    folder(tmp_path, table=table)

    with pytest.raises(ConfigurationError, match=message) as caught:
        read(tmp_path)
    assert "OWN.L.csv" in caught.value.message


COLUMNS = {"kind": "income", "frequency": "annual", "period_end": "2025-12-31", "lines": {}}


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"sauce": "x"}, "sauce: Extra inputs"),
        ({"source": None}, "source: Input should be a valid string"),
        ({"instrument": {"name": "X"}}, "quote_type: Field required"),
        ({"instrument": DOCUMENT["instrument"] | {"quote_type": "share"}}, "quote_type: Input should be 'equity'"),
        ({"statements": [COLUMNS | {"kind": "profit"}]}, r"statements\.0\.kind"),
        ({"statements": [COLUMNS | {"lines": {"Total Revenue": "five"}}]}, r"statements\.0\.lines\.Total Revenue"),
        ({"statements": [COLUMNS | {"filed": "2025-12-31"}]}, "must be after the period's end"),
        ({"consensus": {"target": 3}}, "target: Extra inputs"),
        ({"fx": [{"base": "USD", "quote": "GBP", "on": "2026-03-12"}]}, "rate: Field required"),
        ({"peers": ["../etc"]}, r"peers\.0: Value error, not a ticker"),
        ({"as_of": "2026-03-11"}, "as_of: 2026-03-11 is before the last price, of 2026-03-12"),
        ({"news": [{"published_at": "2026-03-12T10:00:00", "title": "t", "publisher": "p"}]}, "need a zone"),
    ],
)
def test_a_wrong_document_is_named_with_its_field(tmp_path: Path, document: dict[str, Any], message: str) -> None:
    """Whatever is wrong with a document, the error names file and field."""
    folder(tmp_path, **document)

    with pytest.raises(ConfigurationError, match=message) as caught:
        read(tmp_path)
    assert "OWN.L.json" in caught.value.message


def test_text_that_is_not_json_is_named(tmp_path: Path) -> None:
    """A document that is not JSON is an error with its place."""
    folder(tmp_path)
    (tmp_path / "statements" / "OWN.L.json").write_text('{"source": "x",', encoding="utf-8")

    with pytest.raises(ConfigurationError, match=r"OWN\.L\.json: Invalid JSON"):
        read(tmp_path)


def test_a_table_without_its_document_says_what_is_missing(tmp_path: Path) -> None:
    """Prices alone do not say in which currency they are."""
    (folder(tmp_path) / "statements" / "OWN.L.json").unlink()

    with pytest.raises(ConfigurationError, match=r"OWN\.L\.json is missing: it says what OWN\.L is"):
        read(tmp_path)


def test_a_missing_folder_is_a_configuration_error(tmp_path: Path) -> None:
    """A folder that is not there, or has no tables, says what to set; health says so too."""
    provider = CsvMarketData(tmp_path / "absent")

    with pytest.raises(ConfigurationError, match="STOCKCREW_MARKET_DATA=csv:FOLDER"):
        provider.snapshot("OWN.L")
    assert provider.health().ok is False


@pytest.mark.parametrize("symbol", ["NONE", "../OWN.L", "OWN.L.csv", "own.l"])
def test_only_tables_of_the_folder_can_be_asked_for(tmp_path: Path, symbol: str) -> None:
    """A symbol is looked up among the tables, never taken as a path."""
    with pytest.raises(SymbolNotFound):
        CsvMarketData(folder(tmp_path)).snapshot(symbol)
