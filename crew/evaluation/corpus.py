"""The evaluation's material: fact sheets of the sample companies with texts from outside, and clean sentences resolved on them."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

from crew.agents.rules_page import Page
from crew.analytics.factsheet import fact_sheet
from crew.domain.evidence import Evidence
from crew.domain.factsheet import FactSheet
from crew.market.providers.sample import SampleMarketData
from crew.settings import Settings

DATA = Path(__file__).parent / "data"
LANGUAGES = ("en", "pt-BR", "es")
_AS_OF = date(2026, 3, 12)
_REFERENCE = re.compile(r"\[\[([a-zA-Z0-9_.*\-]+?)(?:\.(\*|FY[12]?|Q1?))?([+-])?\]\]")


@dataclass(frozen=True)
class Line:
    """One line of a data file: a sentence that cites figures by stem, or only for one company; `style` is whose habit it follows."""

    text: str
    style: str
    only: str | None


@cache
def symbols() -> tuple[str, ...]:
    """The sample companies, in a fixed order."""
    return tuple(sorted(json.loads((DATA / "outside.json").read_text(encoding="utf-8"))))


@cache
def sheet(symbol: str) -> FactSheet:
    """The fact sheet of a sample company, with a richer profile and headlines of the evaluation's own."""
    outside = json.loads((DATA / "outside.json").read_text(encoding="utf-8"))[symbol]
    made = fact_sheet(SampleMarketData(Settings().sample_dir).snapshot(symbol), as_of=_AS_OF)
    texts = {"company.description": outside["description"], **{f"news.{number}": text for number, text in enumerate(outside["news"], 1)}}
    kept = tuple(item for item in made.evidence if item.id not in texts)
    return made.model_copy(update={"evidence": (*(_text(id, value) for id, value in texts.items()), *kept)})


def _text(id: str, value: str) -> Evidence:
    return Evidence(
        id=id, kind="text", label="Headline", value=value, unit="text", period="spot", as_of=_AS_OF, source="evaluation", locator="outside"
    )


def lines(name: str) -> tuple[Line, ...]:
    """The lines of a data file; `# style` begins a group, `@AAPL` binds a line to one company."""
    found, style = [], ""
    for raw in (DATA / name).read_text(encoding="utf-8").splitlines():
        if raw.startswith("# "):
            style = raw[2:].strip()
        elif raw.strip():
            only, _, text = raw[1:].partition(" ") if raw.startswith("@") else (None, "", raw)
            found.append(Line(text.strip(), style, only))
    return tuple(found)


@cache
def resolve(text: str, page: Page) -> str | None:
    """`text` with its references set to the ids of one company, or None where it has no such figure or the sign is another.

    `[[x.*]]` is the newest period, `[[x.FY]]`, `[[x.FY1]]` the newest fiscal year and the one before, `[[x.Q]]` the newest quarter; a
    sign at the end asks for a figure of that sign.
    """
    missing = False

    def put(match: re.Match[str]) -> str:
        nonlocal missing
        id = _id_of(match.group(1), match.group(2), page)
        value = page.number(id or "")
        if id not in page.sheet.by_id or (match.group(3) and (value is None or value == 0 or (value > 0) != (match.group(3) == "+"))):
            missing = True
        return f"[[{id}]]"

    written = _REFERENCE.sub(put, text)
    return None if missing else written


def _id_of(stem: str, period: str | None, page: Page) -> str | None:
    if period is None:
        return stem
    if period == "*":
        return page.newest(stem)
    kind = r"FY\d{4}" if period.startswith("FY") else r"Q[1-4]-\d{4}"
    found = [id for id in page.sheet.by_id if re.fullmatch(rf"{re.escape(stem)}\.{kind}", id)]
    found.sort(key=lambda name: (name[-4:], name), reverse=True)
    back = int(period[-1]) if period[-1].isdigit() else 0
    return found[back] if back < len(found) else None


def companies_for(line: Line, *, start: int = 0) -> Iterator[str]:
    """The companies on which a line can be written, beginning at another one for each line."""
    order = symbols()
    for offset in range(len(order)):
        symbol = order[(start + offset) % len(order)]
        if line.only in {None, symbol} and resolve(line.text, page(symbol)) is not None:
            yield symbol


@cache
def page(symbol: str) -> Page:
    """The sheet to write from."""
    return Page(sheet(symbol))


__all__ = ["DATA", "LANGUAGES", "Line", "companies_for", "lines", "page", "resolve", "sheet", "symbols"]
