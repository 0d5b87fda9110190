"""The script that writes the sample data set: from made-up source figures, and, where they are at hand, from the real ones."""

import csv
import gzip
import json
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from crew.market.sample_builder import build, captured_on, public_by
from crew.market.sample_companies import LISTINGS
from crew.settings import Settings

SHIPPED = Settings().sample_dir
ROOT = SHIPPED.parents[2]
REAL = ROOT.parent / "shared" / "data" / "market"
HEADER = ("date", "open", "high", "low", "close", "adj_close", "volume", "dividends", "splits")


def bars(count: int = 60) -> list[dict[str, str]]:
    """Daily bars that end on 2026-03-12, each close one above the last."""
    first = date(2026, 3, 12) - timedelta(days=count - 1)
    return [
        dict(zip(HEADER, (str(first + timedelta(days=index)), "1.5", "2.25", "0.125", str(100 + index), "1", "10.0", "0.0", "0.0"), strict=True))
        for index in range(count)
    ]


def facts() -> dict[str, Any]:
    """Figures of a company, captured on 2026-03-12: the average is that of the 50 closes before the last."""
    return {
        "profile": {"name": "Company", "sector": "Sector", "industry": "Industry", "currency": "USD", "exchange": "NMS", "country": "Country"},
        "key_stats": {"fiftyDayAverage": 133.5, "shortRatio": 2.5, "trailingPE": 30.0, "marketCap": 1.0, "sharesOutstanding": 7},
        "income_statement_annual": {
            "2025-12-31": {"Total Revenue": 5.0, "Diluted EPS": 1.25, "EBITDA": None, "Gross Profit": 3.0, "Net Income": 2.0},
            "2021-12-31": {"Total Revenue": 1.0, "Gross Profit": None},
        },
        "balance_sheet_quarterly": None,
        "analyst": {"target_mean_price": 10.5, "recommendations_history": [{"period": "-1m", "buy": 9}, {"period": "0m", "buy": 4, "hold": 1}]},
        "upgrades_downgrades_latest": [
            {"GradeDate": "2026-01-02T10:00:00", "Firm": "A", "ToGrade": "Buy", "FromGrade": "", "Action": "init", "currentPriceTarget": 0.0},
            {"GradeDate": "2026-02-02T10:00:00", "Firm": "B", "ToGrade": "Sell", "FromGrade": "Hold", "Action": "down", "currentPriceTarget": 9.0},
        ],
    }


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A source folder in which every symbol has bars and AAPL also company figures."""
    folder = tmp_path / "source"
    for kind in ("prices", "fundamentals"):
        (folder / kind).mkdir(parents=True)
    for symbol in LISTINGS:
        rows = bars()
        rows[30] |= {"dividends": "0.25", "splits": "4.0"}
        with (folder / "prices" / f"{symbol}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, HEADER)
            writer.writeheader()
            writer.writerows(rows)
    for symbol in ("AAPL", "MSFT", "NVDA", "TSLA", "AMZN", "GOOGL", "META", "JPM"):
        (folder / "fundamentals" / f"{symbol}.json").write_text(json.dumps(facts()), encoding="utf-8")
    return folder


def written(folder: Path, symbol: str) -> dict[str, Any]:
    """A written file's content."""
    found: dict[str, Any] = json.loads((folder / f"{symbol}.json").read_text(encoding="utf-8"))
    return found


def test_it_writes_prices_without_loss(source: Path, tmp_path: Path) -> None:
    """Bars keep every digit; dividends and splits become short lists."""
    build(source, tmp_path / "out")

    table = gzip.decompress((tmp_path / "out" / "AAPL.csv.gz").read_bytes()).decode()
    assert table.splitlines()[0] == "date,open,high,low,close,volume"
    assert table.splitlines()[-1] == "2026-03-12,1.5,2.25,0.125,159,10"
    assert written(tmp_path / "out", "AAPL")["dividends"] == [["2026-02-11", 0.25]]
    assert written(tmp_path / "out", "AAPL")["splits"] == [["2026-02-11", 4.0]]


def test_it_writes_statements_in_canonical_lines(source: Path, tmp_path: Path) -> None:
    """Lines are renamed, missing values left out, scraps dropped, the deadline stated."""
    build(source, tmp_path / "out")

    lines = {"diluted_eps": 1.25, "gross_profit": 3, "net_income": 2, "total_revenue": 5}
    assert written(tmp_path / "out", "AAPL")["statements"] == [["income", "annual", "2025-12-31", "2026-03-02", lines]]


def test_it_keeps_analyst_figures_and_says_from_when_they_are_whole(source: Path, tmp_path: Path) -> None:
    """Newest action first, zero targets and empty grades as missing, the newest opinions, the day after the oldest action."""
    build(source, tmp_path / "out")

    content = written(tmp_path / "out", "AAPL")
    assert content["analyst_actions"] == [
        ["2026-02-02T10:00:00", "B", "down", "Hold", "Sell", 9.0, None],
        ["2026-01-02T10:00:00", "A", "init", None, "Buy", None, None],
    ]
    assert content["analyst_actions_from"] == "2026-01-03"
    assert content["consensus"] == {"target_mean": 10.5, "buy": 4, "hold": 1}


def test_it_leaves_out_figures_with_a_price_in_them(source: Path, tmp_path: Path) -> None:
    """Price ratios and market value are not kept; a count of one share class only is not either."""
    build(source, tmp_path / "out")

    assert written(tmp_path / "out", "AAPL")["key_statistics"] == [["shares_outstanding", 7, "shares"], ["short_ratio", 2.5, "days"]]
    assert written(tmp_path / "out", "META")["key_statistics"] == [["short_ratio", 2.5, "days"]]


def test_instruments_without_company_figures_say_so_by_absence(source: Path, tmp_path: Path) -> None:
    """A fund has prices, no reporting currency and no other source."""
    build(source, tmp_path / "out")

    content = written(tmp_path / "out", "GLD")
    assert content["instrument"]["quote_type"] == "etf"
    assert content["instrument"]["reporting_currency"] is None
    assert set(content["sources"]) == {"prices"}


def test_a_missing_price_file_stops_it(source: Path, tmp_path: Path) -> None:
    """Without a symbol's prices there is no data set."""
    (source / "prices" / "SPY.csv").unlink()

    with pytest.raises(FileNotFoundError, match=r"SPY\.csv"):
        build(source, tmp_path / "out")


def test_the_capture_day_is_read_off_the_average() -> None:
    """The stated 50-day average is that of the closes before one day: that day; where none fits, the last possible one."""
    assert captured_on(facts(), bars()) == date(2026, 3, 12)
    assert captured_on({"key_stats": {"fiftyDayAverage": 132.5}}, bars()) == date(2026, 3, 11)
    assert captured_on({"key_stats": {"fiftyDayAverage": 133.6}}, bars()) == date(2026, 3, 17)
    assert captured_on({"key_stats": {}}, bars()) == date(2026, 3, 17)


@pytest.mark.parametrize(
    ("end", "is_year_end", "due"),
    [
        (date(2025, 9, 30), True, date(2025, 12, 1)),
        (date(2025, 12, 31), True, date(2026, 3, 2)),
        (date(2025, 6, 30), False, date(2025, 8, 11)),
        (date(2025, 12, 31), False, date(2026, 2, 9)),
    ],
)
def test_deadlines_on_weekends_move_to_monday(end: date, is_year_end: bool, due: date) -> None:
    """Saturday and Sunday deadlines are met on Monday, others on their day."""
    assert public_by(end, is_year_end=is_year_end) == due


def test_it_runs_as_a_script(source: Path, tmp_path: Path) -> None:
    """`python -m crew.market.sample_builder SOURCE TARGET` writes the set; without arguments it says how to call it."""
    command = [sys.executable, "-m", "crew.market.sample_builder"]
    subprocess.run([*command, str(source), str(tmp_path / "out")], check=True, cwd=ROOT)
    wrong = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)

    assert len(list((tmp_path / "out").iterdir())) == 2 * len(LISTINGS)
    assert wrong.returncode == 1
    assert "SOURCE TARGET" in wrong.stderr


@pytest.mark.skipif(not REAL.is_dir(), reason="the source figures (../shared/data/market) are not at hand")
def test_the_shipped_set_is_what_the_script_writes(tmp_path: Path) -> None:
    """Run on the real source figures, the script writes exactly the shipped content."""
    build(REAL, tmp_path)

    for path in tmp_path.iterdir():
        read = gzip.decompress if path.suffix == ".gz" else bytes
        assert read(path.read_bytes()) == read((SHIPPED / path.name).read_bytes()), path.name
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in SHIPPED.iterdir()} - {"DATA-NOTICE.md"}
