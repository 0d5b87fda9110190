"""The shipped data set: what it holds, that it is small and light, and that damage or absence is said clearly."""

import gzip
import json
import shutil
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import pytest

from crew.errors import ConfigurationError, MarketDataUnavailable, SymbolNotFound
from crew.market.providers.sample import SampleMarketData
from crew.settings import Settings

FOLDER = Settings().sample_dir
COMPANIES = ("AAPL", "AMZN", "GOOGL", "JPM", "META", "MSFT", "NVDA", "TSLA")
DAY = date(2026, 3, 12)


@pytest.fixture
def provider() -> SampleMarketData:
    """The shipped set, nothing read yet."""
    return SampleMarketData(FOLDER)


def test_it_has_the_eleven_instruments(provider: SampleMarketData) -> None:
    """Eight companies, two funds and a Brazilian listing, each up to the sample day."""
    assert provider.symbols == ("AAPL", "AMZN", "GLD", "GOOGL", "JPM", "META", "MSFT", "NVDA", "PETR4.SA", "SPY", "TSLA")
    assert {provider.snapshot(symbol).prices.dates[-1] for symbol in provider.symbols} == {DAY}
    assert {len(provider.snapshot(symbol).prices.dates) for symbol in provider.symbols} == {1404, 425}


@pytest.mark.parametrize(
    ("symbol", "close"),
    [("AAPL", 255.76), ("MSFT", 401.86), ("NVDA", 183.14), ("TSLA", 395.01), ("JPM", 282.89), ("SPY", 666.06), ("GLD", 466.88)],
)
def test_last_closes_are_those_of_the_market(provider: SampleMarketData, symbol: str, close: float) -> None:
    """The last close is the one that was traded on 2026-03-12."""
    assert provider.snapshot(symbol).prices.close[-1] == close


def test_statements_hold_the_filed_figures(provider: SampleMarketData) -> None:
    """Apple's fiscal 2025 as filed: revenue, net income, diluted earnings per share and shares."""
    lines = next(one.lines for one in provider.snapshot("AAPL").statements if (one.kind, one.frequency) == ("income", "annual"))

    assert lines["total_revenue"] == 416_161_000_000
    assert lines["net_income"] == 112_010_000_000
    assert lines["diluted_eps"] == 7.46
    assert lines["diluted_average_shares"] == 15_004_697_000


def test_companies_have_years_and_quarters(provider: SampleMarketData) -> None:
    """Every company has at least four years of all three statements, and every one but the bank four quarters."""
    for symbol in COMPANIES:
        statements = provider.snapshot(symbol).statements
        for kind in ("income", "balance", "cash_flow"):
            count = {f: sum((one.kind, one.frequency) == (kind, f) for one in statements) for f in ("annual", "quarterly")}
            assert count["annual"] >= 4
            assert count["quarterly"] >= 4 or symbol == "JPM"


def test_statements_are_known_by_their_legal_deadline(provider: SampleMarketData) -> None:
    """Sixty days after a year, forty after a quarter, sixty after the year's last quarter; a deadline on a Sunday moves to Monday."""
    due = {(one.frequency, one.period_end): one.public_by for one in provider.snapshot("TSLA").statements}

    assert due["annual", date(2025, 12, 31)] == due["quarterly", date(2025, 12, 31)] == date(2026, 3, 2)
    assert due["quarterly", date(2025, 9, 30)] == date(2025, 11, 10)


def test_captures_are_dated(provider: SampleMarketData) -> None:
    """Targets were captured on the sample day, those of JPM later, which the set admits."""
    captured = {symbol: consensus.source.as_of for symbol in COMPANIES if (consensus := provider.snapshot(symbol).consensus)}

    assert captured == dict.fromkeys(COMPANIES, DAY) | {"JPM": date(2026, 3, 17)}


def test_prices_less_later_dividends_are_marked(provider: SampleMarketData) -> None:
    """PETR4.SA has dividends taken out of its prices, up to the later day on which they were retrieved; no other history has."""
    marked = {symbol for symbol in provider.symbols if provider.snapshot(symbol).prices.dividends_in_prices}

    assert marked == {"PETR4.SA"}
    assert provider.snapshot("PETR4.SA").prices.source.retrieved_at.date() == date(2026, 6, 29)
    assert provider.snapshot("PETR4.SA").instrument.currency == "BRL"


def test_key_statistics_hold_no_price(provider: SampleMarketData) -> None:
    """Only figures without a share price in them are kept, and no share count that leaves classes out."""
    names = {symbol: {item.name for item in provider.snapshot(symbol).key_statistics} for symbol in COMPANIES}

    assert set().union(*names.values()) == {"shares_outstanding", "short_ratio", "short_share_of_float", "payout_ratio"}
    assert {symbol for symbol in COMPANIES if "shares_outstanding" not in names[symbol]} == {"GOOGL", "META"}


def test_it_holds_figures_not_texts(provider: SampleMarketData) -> None:
    """No headline, and one plain line about each instrument."""
    for symbol in provider.symbols:
        snapshot = provider.snapshot(symbol)
        assert snapshot.news == ()
        assert len(snapshot.instrument.description or "") in range(20, 120)


def test_every_series_in_the_files_is_sourced_and_dated() -> None:
    """Each file names source, day and retrieval for every series it holds."""
    for path in FOLDER.glob("*.json"):
        facts = json.loads(path.read_text(encoding="utf-8"))
        held = {name for name in ("statements", "analyst_actions", "consensus", "key_statistics") if facts[name]} | {"prices"}
        assert set(facts["sources"]) == held
        assert all(set(stated) == {"source", "as_of", "retrieved"} and stated["source"] for stated in facts["sources"].values())


def test_it_is_small_and_comes_with_its_notice() -> None:
    """The whole set stays under a megabyte, and the notice says whose rights it is under."""
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 1_000_000
    assert "redistribute market data rest with their owners" in (FOLDER / "DATA-NOTICE.md").read_text(encoding="utf-8").replace("\n", " ")


def test_it_imports_nothing_heavy() -> None:
    """The provider, the factory and the cut load without pandas, numpy, yfinance or crewai."""
    code = (
        "import sys; from crew.settings import Settings; from crew.market.factory import market_data; from crew.market.point_in_time import known_at;"
        "market_data(Settings(market_data='sample')).snapshot('AAPL');"
        "print(sorted({'pandas', 'numpy', 'yfinance', 'crewai', 'crew.market.providers.yahoo'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=FOLDER.parents[2])

    assert done.stdout.strip() == "[]"


def test_loading_takes_a_fraction_of_a_blink(provider: SampleMarketData) -> None:
    """From files to AAPL's snapshot with benchmark and peers in well under 50 ms of CPU."""
    times = []
    for _ in range(15):
        began = time.process_time()
        SampleMarketData(FOLDER).snapshot("AAPL")
        times.append(time.process_time() - began)

    assert min(times) < 0.05


def test_a_set_that_was_left_out_is_a_configuration_error(tmp_path: Path) -> None:
    """An image without the set says what to set instead; health says it too and does not raise."""
    provider = SampleMarketData(tmp_path / "absent")

    with pytest.raises(ConfigurationError, match="STOCKCREW_MARKET_DATA=yahoo"):
        provider.snapshot("AAPL")
    assert provider.health().ok is False
    assert "STOCKCREW_SAMPLE_DIR" in provider.health().detail


def test_an_unknown_symbol_names_the_known_ones(provider: SampleMarketData) -> None:
    """The error lists what the set has."""
    with pytest.raises(SymbolNotFound, match=r"no THYAO\.IS; it has AAPL, AMZN"):
        provider.snapshot("THYAO.IS")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("AAPL.json", b"{"),
        ("AAPL.json", b"{}"),
        ("AAPL.json", b'{"format": 1}'),
        ("AAPL.csv.gz", b"no gzip"),
        ("AAPL.csv.gz", gzip.compress(b"date,open,high,low,close,volume\n2026-03-12,1,1,1,1\n")),
        ("AAPL.csv.gz", gzip.compress(b"date,open,high,low,close,volume\n")),
        ("AAPL.csv.gz", gzip.compress(b"date,open,high,low,close,volume\n2026-03-12,1,1,1,one,1\n")),
        ("AAPL.csv.gz", gzip.compress(b"x" * 1000)[:30]),
    ],
    ids=["no JSON", "an empty object", "a format alone", "no gzip", "rows of another shape", "no rows", "a word as price", "cut off"],
)
def test_a_damaged_file_is_named(tmp_path: Path, name: str, content: bytes) -> None:
    """A file that cannot be read is an error that names the symbol, never a snapshot with holes."""
    for suffix in ("json", "csv.gz"):
        shutil.copy(FOLDER / f"AAPL.{suffix}", tmp_path)
    (tmp_path / name).write_bytes(content)

    with pytest.raises(MarketDataUnavailable, match="sample data of AAPL cannot be read"):
        SampleMarketData(tmp_path).snapshot("AAPL")


def test_a_part_of_the_set_works_alone(tmp_path: Path) -> None:
    """A set reduced to one symbol has neither benchmark nor peers, and is read from its files once."""
    for suffix in ("json", "csv.gz"):
        shutil.copy(FOLDER / f"AAPL.{suffix}", tmp_path)
    provider = SampleMarketData(tmp_path)
    snapshot = provider.snapshot("AAPL")

    assert (snapshot.benchmark, snapshot.peers) == (None, ())
    assert provider.snapshot("AAPL").prices is snapshot.prices
