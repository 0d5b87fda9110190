"""The report as one self-contained HTML page: no script, no outside resource, every figure unfolds to its source."""

import base64
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from crew.domain.evidence import Evidence
from crew.domain.report import Report
from crew.report.bind import Bound, Plain, bind
from crew.report.drawings import drawings
from crew.report.figures import format_date, format_number, format_value
from crew.report.view import ReportView

_FOLDER = Path(__file__).parent / "templates"
_RATINGS = ("strong_sell", "sell", "hold", "buy", "strong_buy")
_STYLE = (_FOLDER / "report.css").read_text(encoding="utf-8")
_ENVIRONMENT = Environment(loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)

STYLE_HASH = "sha256-" + base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
CONTENT_SECURITY_POLICY = f"default-src 'none'; style-src '{STYLE_HASH}'; base-uri 'none'; form-action 'none'"


def render_html(report: Report) -> str:
    """The page. It also carries its own content security policy; serve it with `CONTENT_SECURITY_POLICY` or a laxer one.

    Raises:
        OutputInvalid: the report cites what it does not hold.
    """
    view = ReportView(report)
    page = _ENVIRONMENT.get_template("report.html.j2")
    return page.render(
        report=report,
        view=view,
        word=view.word,
        style=Markup(_STYLE),  # noqa: S704  our own file, hashed in the policy
        policy=CONTENT_SECURITY_POLICY,
        ratings=_RATINGS,
        drawings=drawings(view),
        families=_families(view.unfolded),
        **_filters(view),
    )


def _filters(view: ReportView) -> dict[str, Any]:
    language = view.language

    def parts(text: str) -> list[Plain | Bound]:
        return bind(text, view.by_id, language)

    def number(value: float, decimals: int = 0) -> str:
        return format_number(value, decimals, language)

    def value(amount: float, unit: Any, currency: str | None = None) -> str:
        return format_value(amount, unit, currency, language)

    return {
        "parts": parts,
        "is_plain": lambda part: isinstance(part, Plain),
        "number": number,
        "value": value,
        "day": lambda moment: format_date(moment, language),
        "anchor": lambda name: f"ev-{name}",
        "heat": lambda cell: _heat(cell, view.by_id.get("price.last")),
        "tone": _tone,
    }


def _families(evidence: Sequence[Evidence]) -> list[tuple[str, list[Evidence]]]:
    """Evidence by the first part of its id, families in the order in which they begin."""
    families: dict[str, list[Evidence]] = {}
    for item in evidence:
        families.setdefault(item.id.split(".", 1)[0], []).append(item)
    return list(families.items())


def _heat(cell: float, price: Evidence | None) -> str:
    """How far a value per share lies above (h1 to h3) or below (l1 to l3) the price; `h0` near it or without a price."""
    if price is None or price.number <= 0:
        return "h0"
    distance = cell / price.number - 1
    step = sum(abs(distance) > bound for bound in (0.05, 0.2, 0.4))
    return f"{'h' if distance > 0 or step == 0 else 'l'}{step}"


def _tone(item: Evidence) -> str:
    """The class that colours a change: `up`, `down` or nothing."""
    changes = item.id.startswith(("price.return", "price.total_return", "price.change", "growth.")) or item.id.endswith(".upside")
    if not changes or isinstance(item.value, str) or item.value == 0:
        return ""
    return "up" if item.value > 0 else "down"
