"""Writes docs/facts.md: every figure a fact sheet can hold, with its unit and its formula or source, taken from real fact sheets.

`python -m crew.analytics.reference > docs/facts.md`
"""

import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

from crew.analytics.factsheet import fact_sheet
from crew.domain.evidence import Evidence
from crew.domain.factsheet import FactSheet
from crew.domain.market import CalendarEvent, FxRate, KeyStatistic, MarketSnapshot, NewsItem
from crew.market.providers.sample import SampleMarketData

SAMPLE = Path(__file__).resolve().parents[1] / "market" / "sample_data"

SECTIONS = {
    "company": "Company",
    "price": "Price and risk",
    "benchmark": "Benchmark",
    "series": "Observed series",
    "technical": "Technical figures",
    "income": "Income statement",
    "balance": "Balance sheet",
    "cashflow": "Cash flow statement",
    "shares": "Shares",
    "per_share": "Per share",
    "margin": "Margins",
    "growth": "Growth",
    "returns": "Returns on capital",
    "leverage": "Leverage",
    "liquidity": "Liquidity",
    "quality": "Quality of earnings",
    "fx": "Exchange rates",
    "assumption": "Assumptions",
    "valuation": "Valuation",
    "scorecard": "Scorecard",
    "peer": "Peers, each",
    "peers": "Peers together",
    "analyst": "Analysts",
    "event": "Dated events",
    "news": "Headlines",
    "stat": "Figures the source states itself",
}

_PATTERNS = (
    (re.compile(r"(^peer\.)[A-Za-z0-9_\-]+"), r"\1SYMBOL"),
    (re.compile(r"\.FY\d{4}\b"), ".PERIOD"),
    (re.compile(r"\.Q[1-4]-\d{4}\b"), ".PERIOD"),
    (re.compile(r"\.TTM(-1Y)?\b"), ".PERIOD"),
    (re.compile(r"\.\d{4}-\d\d-\d\d\b"), ".DATE"),
    (re.compile(r"\.Y\d+\b"), ".YEAR"),
    (re.compile(r"^news\.\d+"), "news.N"),
    (re.compile(r"^fx\.[A-Z]{3}-[A-Z]{3}"), "fx.BASE-QUOTE"),
)
_PERIOD_WORDS = re.compile(r",?\s*(when )?\b(FY\d{4}|Q[1-4]-\d{4}|TTM(-1Y)?)\b( was known)?|, forecast year \d+|^[A-Z0-9.\-]+: (?=.)")
_DATES = re.compile(r"\d{4}-\d\d-\d\d")
_CONVERTED = re.compile(r"; amounts × [A-Z]{3}/[A-Z]{3} rate$")
_PERIOD_IN_FORMULA = re.compile(r"\((FY\d{4}|Q[1-4]-\d{4}|TTM)\)")


@dataclass
class Family:
    """All figures that differ in period, day, peer or number only."""

    name: str
    label: str
    units: list[str] = field(default_factory=list)
    origins: list[str] = field(default_factory=list)

    def add(self, item: Evidence) -> None:
        """Note the unit and the origin of one member."""
        origin = _CONVERTED.sub("", _PERIOD_IN_FORMULA.sub("(PERIOD)", item.formula or ""))
        origin = f"assumed: {origin}" if item.kind == "assumption" else origin or "as the source states it"
        for values, value in ((self.units, item.unit), (self.origins, _DATES.sub("DATE", origin))):
            if value not in values:
                values.append(value)


def family_of(id: str) -> str:
    """The id with period, day, peer and number replaced by a word."""
    name = id
    for pattern, word in _PATTERNS:
        name = pattern.sub(word, name)
    return name


def families(sheets: Iterable[FactSheet]) -> dict[str, Family]:
    """Families of all evidence, in the order first seen. What stands under a peer's figures is the company's own again, and left out."""
    found: dict[str, Family] = {}
    for sheet in sheets:
        for item in sheet.evidence:
            name = family_of(item.id)
            if name.startswith("peer.") and name.count(".") > 2:
                continue
            label = _DATES.sub("DATE", _PERIOD_WORDS.sub("", item.label)).strip()
            found.setdefault(name, Family(name, label)).add(item)
    return found


def document(sheets: Iterable[FactSheet]) -> str:
    """The reference page."""
    known = families(sheets)
    lines = [
        "# Every figure of a fact sheet",
        "",
        "Written by `python -m crew.analytics.reference > docs/facts.md` and kept true by a test: do not edit.",
        "",
        "PERIOD is a fiscal year (`FY2025`), a calendar quarter (`Q3-2025`), the last twelve months (`TTM`) or the twelve before them (`TTM-1Y`).",
        "DATE, SYMBOL, N and YEAR stand for a day, a peer, a number and a forecast year. Not every source has every figure;",
        "the fact sheet names each gap and its reason. `percent` is in percent: 12.5 means 12.5 %. Figures under a peer's",
        "(`peer.SYMBOL.income.…`) are defined as the company's own. Where statements and price differ in currency, valuations bring the",
        "amounts of the statements into the listing's currency by `fx.BASE-QUOTE`, and their formulas say so.",
    ]
    for prefix, title in SECTIONS.items():
        members = [family for name, family in known.items() if name.partition(".")[0] == prefix]
        if members:
            lines += ["", f"## {title}", "", "| figure | what | unit | formula or source |", "|---|---|---|---|"]
            lines += [f"| `{item.name}` | {item.label} | {', '.join(item.units)} | {'; or '.join(item.origins)} |" for item in members]
    return "\n".join(lines) + "\n"


def reference_sheets() -> Iterator[FactSheet]:
    """Fact sheets of the whole sample, and of one altered in two ways so that what the sample lacks is there too."""
    market = SampleMarketData(SAMPLE)
    for symbol in market.symbols:
        yield fact_sheet(market.snapshot(symbol), as_of=None)
    yield fact_sheet(foreign(market.snapshot("AAPL")), as_of=None)
    yield fact_sheet(expected(market.snapshot("AAPL")), as_of=None)


def expected(snapshot: MarketSnapshot) -> MarketSnapshot:
    """`snapshot` with the one statistic of earnings to come that the sample leaves out."""
    statistic = KeyStatistic(name="forward_eps", value=9.0, unit="currency_per_share")
    return snapshot.model_copy(update={"key_statistics": (*snapshot.key_statistics, statistic)})


def foreign(snapshot: MarketSnapshot, *, rate: float = 1.1, receipts_per_share: float = 2.0) -> MarketSnapshot:
    """`snapshot` as if its statements were in another currency and each listed unit stood for part of a share, with news and dates."""
    newest = snapshot.prices.dates[-1]
    year_ago = newest - timedelta(days=365)
    shares = next(item.lines["diluted_average_shares"] for item in snapshot.statements if "diluted_average_shares" in item.lines)
    source = snapshot.prices.source
    return snapshot.model_copy(
        update={
            "instrument": snapshot.instrument.model_copy(update={"reporting_currency": "EUR"}),
            "statements": tuple(item.model_copy(update={"currency": "EUR"}) for item in snapshot.statements),
            "fx": tuple(FxRate(base="USD", quote="EUR", on=day, rate=1 / rate, source=source) for day in (*_month_ends(year_ago), newest)),
            "key_statistics": (KeyStatistic(name="implied_shares_outstanding", value=shares * receipts_per_share, unit="shares"),),
            "key_statistics_source": source,
            "news": (NewsItem(published_at=source.retrieved_at, title="Example headline", publisher="Example"),),
            "calendar": (
                CalendarEvent(on=newest + timedelta(days=30), kind="earnings", announced=newest),
                CalendarEvent(on=year_ago, kind="earnings"),
            ),
        }
    )


def _month_ends(first: date) -> tuple[date, ...]:
    return tuple(first + timedelta(days=7 * week) for week in range(-156, 52))


if __name__ == "__main__":
    sys.stdout.write(document(reference_sheets()))
