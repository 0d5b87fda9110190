"""A small but complete report, for tests that need one without running the crew."""

from datetime import UTC, date, datetime

from crew.domain.evidence import Evidence, Gap
from crew.domain.factsheet import DataQuality, PillarScore, RuleResult, Scorecard, Valuation
from crew.domain.instrument import Instrument
from crew.domain.report import Figures, Paragraph, Provenance, Recommendation, Report, Section, Totals

AS_OF = date(2026, 3, 12)
_RETRIEVED = datetime(2026, 3, 12, 21, 0, tzinfo=UTC)


def observed(id: str, label: str, value: float, period: str = "spot") -> Evidence:
    """A figure as a provider stated it."""
    return Evidence(
        id=id,
        kind="observed",
        label=label,
        value=value,
        unit="currency_per_share",
        currency="USD",
        period=period,
        as_of=AS_OF,
        retrieved_at=_RETRIEVED,
        source="sample",
        locator=f"prices#{label.lower()}",
    )


def small_report(id: str = "an_aaaaaaaaaaaaaaaaaaaaaaaaaa", symbol: str = "AAPL") -> Report:
    """A report with one section, two observed figures and one computed from them."""
    last, previous = observed("price.last", "Last", 260.83), observed("price.previous_close", "Previous close", 258.0)
    change = Evidence(
        id="price.change_1d",
        kind="derived",
        label="Change on the day",
        value=1.0969,
        unit="percent",
        period="1d",
        as_of=AS_OF,
        source="computed",
        formula="(price.last / price.previous_close - 1) * 100",
        inputs=("price.last", "price.previous_close"),
    )
    rule = RuleResult(name="up", statement="The price rose on the day", evidence=("price.change_1d",), points=60.0, maximum=100.0)
    scorecard = Scorecard(
        pillars=(PillarScore(pillar="momentum", score=60.0, rules=(rule,)),), total=60.0, rating="hold", rating_rule="hold from 40 to 60"
    )
    return Report(
        id=id,
        status="complete",
        symbol=symbol,
        as_of=AS_OF,
        language="en",
        instrument=Instrument(symbol=symbol, name="Apple Inc.", quote_type="equity", currency="USD"),
        data_quality=DataQuality(coverage=100, figures=3, missing=1, oldest=AS_OF, newest=AS_OF),
        sections=(
            Section(
                id="summary",
                title="Summary",
                task="report",
                agent="reporter",
                paragraphs=(Paragraph(text="The last price is [[price.last]], a change of [[price.change_1d]]. Ünïcode <b>stays</b> text."),),
            ),
        ),
        claims=(),
        scorecard=scorecard,
        recommendation=Recommendation(rating="hold", rule="hold from 40 to 60", crew_view=None, dissent=False),
        valuation=Valuation(),
        evidence=(last, previous, change),
        gaps=(Gap(id="valuation.pe", label="Price to earnings", reason="not_reported", detail="The provider states no earnings."),),
        withheld=(),
        provenance=Provenance(
            model_calls=(),
            totals=Totals(calls=0, prompt_tokens=0, completion_tokens=0, cached_tokens=0, milliseconds=0, cost_usd=0.0),
            figures=Figures(total=3, bound=2, withheld=0),
            models={"reporter": "rules"},
            writer="a rule-based writer",
            data_source="sample",
            repair_rounds=0,
            config_hash="c",
            snapshot_hash="s",
            code_version="0.1.0",
        ),
        disclosures=("This is not investment advice.",),
    )
