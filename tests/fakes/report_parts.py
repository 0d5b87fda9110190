"""A small invented company, its fact sheet and the crew's drafts on it: everything a report is composed from, without running a crew."""

from datetime import UTC, date, datetime
from functools import cache
from typing import Any

from crew.domain.analysis import AnalysisRequest
from crew.domain.evidence import Evidence, Gap
from crew.domain.factsheet import (
    ChartSeries,
    DataQuality,
    FactSheet,
    PillarScore,
    QualityFlag,
    RuleResult,
    Scenario,
    Scorecard,
    SensitivityGrid,
    Valuation,
)
from crew.domain.instrument import Instrument
from crew.domain.report import Report
from crew.domain.run import ModelCall, TaskResult, Violation
from crew.report.compose import compose
from crew.settings import Settings

AS_OF = date(2026, 3, 12)
RETRIEVED = datetime(2026, 3, 12, 21, 0, tzinfo=UTC)
ID = "an_00000000000000000000000001"


def seen(id: str, label: str, value: float | str, unit: str, *, period: str = "spot", currency: str | None = None) -> Evidence:
    """A figure as the source states it."""
    return Evidence.model_validate(
        {
            "id": id,
            "kind": "text" if unit == "text" else "observed",
            "label": label,
            "value": value,
            "unit": unit,
            "currency": currency,
            "period": period,
            "as_of": AS_OF,
            "retrieved_at": RETRIEVED,
            "source": "sample",
            "locator": f"endpoint#{id}",
        }
    )


def derived(id: str, label: str, value: float, unit: str, formula: str, inputs: tuple[str, ...], *, period: str = "spot") -> Evidence:
    """A computed figure."""
    currency = "USD" if unit.startswith("currency") else None
    return seen(id, label, value, unit, period=period, currency=currency).model_copy(
        update={"kind": "derived", "source": "stockcrew", "locator": None, "retrieved_at": None, "formula": formula, "inputs": inputs}
    )


def evidence() -> tuple[Evidence, ...]:
    """About twenty figures and texts that hang together."""
    per_share = {"unit": "currency_per_share", "currency": "USD"}
    money = {"unit": "currency", "currency": "USD"}
    return (
        seen("company.name", "Name", "Acme Anvils Inc.", "text"),
        seen("company.description", "Description", "Makes anvils and the Anvil 3 travel anvil.", "text"),
        seen("news.1", "Headline", "Acme opens a second foundry", "text"),
        seen("price.last", "Last price", 50.0, **per_share),
        seen("price.previous_close", "Previous close", 51.0, **per_share),
        derived(
            "price.change_1d",
            "Change on the day",
            -1.9607843137,
            "percent",
            "(last ÷ previous close − 1) × 100",
            ("price.last", "price.previous_close"),
        ),
        seen("price.low_52w", "52-week low", 38.0, **per_share),
        seen("price.high_52w", "52-week high", 61.5, **per_share),
        seen("price.max_drawdown_trough_date", "Trough", "2025-04-08", "date"),
        seen("income.revenue.FY2024", "Revenue FY2024", 3.9e9, period="FY2024", **money),
        seen("income.revenue.FY2025", "Revenue FY2025", 4.162e9, period="FY2025", **money),
        seen("income.net_income.FY2024", "Net income FY2024", 0.98e9, period="FY2024", **money),
        seen("income.net_income.FY2025", "Net income FY2025", 1.124e9, period="FY2025", **money),
        derived(
            "margin.net.FY2025",
            "Net margin FY2025",
            27.0062,
            "percent",
            "100 × net income ÷ revenue",
            ("income.net_income.FY2025", "income.revenue.FY2025"),
            period="FY2025",
        ),
        derived(
            "growth.revenue_yoy.FY2025",
            "Revenue growth FY2025",
            6.718,
            "percent",
            "100 × (revenue ÷ revenue a year before − 1)",
            ("income.revenue.FY2025", "income.revenue.FY2024"),
            period="FY2025",
        ),
        derived("valuation.pe", "Price to earnings", 32.3, "multiple", "last price ÷ earnings per share", ("price.last",)),
        derived("valuation.scenario.bear.per_share", "Value per share, bear", 31.0, "currency_per_share", "discounted cash flow", ("price.last",)),
        derived("valuation.scenario.base.per_share", "Value per share, base", 47.5, "currency_per_share", "discounted cash flow", ("price.last",)),
        derived("valuation.scenario.bull.per_share", "Value per share, bull", 64.0, "currency_per_share", "discounted cash flow", ("price.last",)),
        derived("scorecard.quality", "Score: quality", 80.0, "points", "100 × points ÷ points to be had", ("margin.net.FY2025",)),
    )


def sheet(*items: Evidence, flags: tuple[QualityFlag, ...] = (), **instrument: Any) -> FactSheet:
    """The fact sheet: the usual evidence, or exactly `items` on top of it where an id is new."""
    known = {item.id: item for item in evidence()} | {item.id: item for item in items}
    days = tuple(date(2026, 3, day) for day in (5, 6, 9, 10, 11, 12))
    rule = RuleResult(name="net_margin", statement="Net margin: all 40 points at 25", evidence=("margin.net.FY2025",), points=32.0, maximum=40.0)
    missing = RuleResult(
        name="cover", statement="Interest cover: all 20 points at 8", evidence=("leverage.interest_cover.FY2025",), points=None, maximum=20.0
    )
    return FactSheet(
        instrument=Instrument(
            **{
                "symbol": "ACME",
                "name": "Acme Anvils Inc.",
                "quote_type": "equity",
                "currency": "USD",
                "exchange": "NMS",
                "sector": "Industrials",
                "country": "United States",
            }
            | instrument
        ),
        as_of=AS_OF,
        provider="sample",
        snapshot_hash="5" * 64,
        evidence=tuple(known.values()),
        gaps=(
            Gap(id="leverage.interest_cover.FY2025", label="Interest cover", reason="not_reported", detail="The source states no interest expense."),
        ),
        scorecard=Scorecard(
            pillars=(
                PillarScore(pillar="quality", score=80.0, rules=(rule, missing)),
                PillarScore(pillar="value", score=None, rules=()),
            ),
            total=61.25,
            rating="hold",
            rating_rule="The total is the mean of the pillars; hold from 40 to 62.",
        ),
        valuation=Valuation(
            scenarios=tuple(
                Scenario(name=name, probability=probability, drivers=("growth.revenue_yoy.FY2025",), per_share=f"valuation.scenario.{name}.per_share")
                for name, probability in (("bear", 25.0), ("base", 50.0), ("bull", 25.0))
            ),
            sensitivity=SensitivityGrid(
                rows=(8.0, 9.0, 10.0), columns=(2.0, 2.5, 3.0), cells=((50.0, 54.5, 61.0), (44.0, 47.5, 52.0), (38.5, 41.0, None)), currency="USD"
            ),
        ),
        data_quality=DataQuality(coverage=95.0, figures=17, missing=1, oldest=date(2024, 12, 31), newest=AS_OF, flags=flags),
        charts=(
            ChartSeries(id="chart.price", label="Price", unit="USD", dates=days, values=(47.0, 48.5, None, 52.0, 51.0, 50.0)),
            ChartSeries(id="chart.sma_50", label="50-day average", unit="USD", dates=days, values=(46.0, 46.2, 46.4, 46.7, 46.9, 47.0)),
            ChartSeries(id="chart.drawdown", label="Drawdown", unit="percent", dates=days, values=(0.0, 0.0, None, 0.0, -1.9, -3.8)),
        ),
    )


def claim(text: str, side: str, cited: str, threshold: float, *, strength: int = 3) -> dict[str, Any]:
    """A claim as a draft holds it."""
    return {
        "text": text,
        "side": side,
        "evidence": [cited],
        "direction": "up" if side == "bull" else "down",
        "wrong_if": {"evidence": cited, "operator": "<" if side == "bull" else ">", "threshold": threshold},
        "strength": strength,
    }


DRAFTS: dict[str, dict[str, Any]] = {
    "research": {
        "business": ["[[company.description]] It sold goods for [[income.revenue.FY2025]]."],
        "events": [{"text": "The press reported [[news.1]].", "evidence": ["news.1"]}],
        "catalysts": [],
        "risks": [
            {
                "text": "The margin of [[margin.net.FY2025]] may not last.",
                "tripwire": {"evidence": "margin.net.FY2025", "operator": "<", "threshold": 20.0},
            }
        ],
    },
    "fundamentals": {
        "growth": "Revenue grew by [[growth.revenue_yoy.FY2025]].",
        "profitability": "The net margin is [[margin.net.FY2025]].",
        "balance_sheet": "",
        "cash_flow": "The sheet has no cash flow.",
        "valuation": "The shares cost [[valuation.pe]] earnings.",
        "claims": [
            claim("Earnings of [[income.net_income.FY2025]] carry the price.", "bull", "margin.net.FY2025", 20.0),
            claim("The price of [[price.last]] is above the base case.", "bear", "valuation.pe", 40.0, strength=4),
        ],
    },
    "technicals": {
        "trend": "The last price is [[price.last]].",
        "momentum": "The day brought [[price.change_1d]].",
        "volatility": "The trough was on [[price.max_drawdown_trough_date]].",
        "levels": "The year's range is [[price.low_52w]] to [[price.high_52w]].",
        "claims": [claim("The shares have a margin of [[margin.net.FY2025]] behind them.", "bull", "margin.net.FY2025", 20.0, strength=5)],
    },
    "report": {
        "summary": "[[company.name]] earns well at [[margin.net.FY2025]] and is priced for it at [[valuation.pe]].",
        "thesis": ["Quality stands at [[scorecard.quality]] points."],
        "change_our_mind": ["Revenue growth below [[growth.revenue_yoy.FY2025]]."],
        "crew_view": {"view": "one_notch_up", "reason": "The margin of [[margin.net.FY2025]] is worth more.", "evidence": ["margin.net.FY2025"]},
    },
}
AGENTS = {"research": "researcher", "fundamentals": "analyst", "technicals": "analyst", "report": "reporter"}


def result(task: str, draft: dict[str, Any] | None = None, *, schema: str | None = None, **changes: Any) -> TaskResult:
    """One task's outcome with one model call; `draft` replaces the usual one."""
    fields: dict[str, Any] = {
        "task": task,
        "agent": AGENTS.get(task, "analyst"),
        "schema_name": schema or task,
        "title": task,
        "model": "rules",
        "draft": DRAFTS[task] if draft is None else draft,
        "calls": (
            ModelCall(
                task=task, agent=AGENTS.get(task, "analyst"), model="rules", prompt_tokens=900, completion_tokens=300, milliseconds=12, cost_usd=0.0
            ),
        ),
    }
    return TaskResult.model_validate(fields | changes)


def results(**changed: TaskResult) -> dict[str, TaskResult]:
    """All four outcomes, in an order in which they might finish."""
    return {task: changed.get(task) or result(task) for task in ("technicals", "report", "research", "fundamentals")}


@cache
def blueprint() -> Any:
    """The blueprint shipped with the project."""
    from crew.blueprint.loader import load_blueprint

    settings = Settings()
    return load_blueprint(settings.agents_file, settings.tasks_file)


def composed(
    facts: FactSheet | None = None,
    outcomes: dict[str, TaskResult] | None = None,
    *,
    language: str = "en",
    id: str = ID,
    plan: Any = None,
    **wishes: Any,
) -> Report:
    """The report on the small company; `wishes` are what the request asks beyond the usual."""
    request = AnalysisRequest.model_validate({"symbol": "ACME", "language": language, **wishes})
    return compose(
        analysis_id=id,
        sheet=facts or sheet(),
        blueprint=plan or blueprint(),
        results=outcomes if outcomes is not None else results(),
        request=request,
        code_version="0.1.0",
    )


def full_report() -> Report:
    """The report with one of everything: a serious flag, a withheld claim, a gap, dissent. The golden files show it."""
    flags = (
        QualityFlag(code="stale_price", severity="serious", message="The last price is nine days old."),
        QualityFlag(code="no_news", severity="info", message="The source has no older news."),
    )
    withheld = Violation(path="claims[1].text", code="unbound_digit", message="a figure without a citation", text="It rose by 42 %.")
    outcomes = results(technicals=result("technicals", withheld=(withheld,), repair_rounds=1))
    report = composed(sheet(flags=flags), outcomes)
    return report.model_copy(update={"provenance": report.provenance.model_copy(update={"config_hash": "c" * 64})})
