"""What every representation shows, worked out once: figures by id, key figures, tripwires, the order of citations."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

from crew.domain.document import FAMILY, AttachedDocument
from crew.domain.draft import Tripwire
from crew.domain.evidence import Evidence, Gap
from crew.domain.factsheet import QualityFlag, Scenario
from crew.domain.report import Report, ReportClaim, Section
from crew.domain.run import Violation
from crew.report.bind import cited_ids, prose_of
from crew.report.figures import format_figure, format_number, format_value
from crew.report.tables import FigureTable, tables_of
from crew.report.words import known, word

KEY_FIGURES: tuple[str, ...] = (
    "price.last",
    "price.change_1d",
    "price.return_ytd",
    "price.return_1y",
    "price.total_return_1y",
    "price.total_return_5y",
    "price.high_52w",
    "price.low_52w",
    "valuation.market_cap",
    "valuation.enterprise_value",
    "income.revenue",
    "growth.revenue_yoy",
    "income.net_income",
    "income.eps_diluted",
    "cashflow.free",
    "margin.gross",
    "margin.operating",
    "margin.net",
    "returns.roe",
    "returns.roic",
    "leverage.net_debt_to_ebitda",
    "valuation.pe",
    "valuation.forward_pe",
    "valuation.pb",
    "valuation.ev_ebitda",
    "valuation.fcf_yield",
    "valuation.dividend_yield",
    "valuation.dcf.per_share",
    "analyst.target_mean",
    "event.next_earnings",
    "price.volatility_1y",
    "price.beta_1y",
    "price.max_drawdown_5y",
    "technical.rsi_14",
)
_EXCHANGES = {
    "NMS": "Nasdaq",
    "NGM": "Nasdaq",
    "NCM": "Nasdaq",
    "NYQ": "NYSE",
    "PCX": "NYSE Arca",
    "ASE": "NYSE American",
    "BTS": "Cboe",
    "SAO": "B3",
    "LSE": "London",
    "IST": "Borsa Istanbul",
    "JKT": "Indonesia",
    "GER": "Xetra",
    "PAR": "Euronext Paris",
    "AMS": "Euronext Amsterdam",
    "MCE": "Madrid",
    "TOR": "Toronto",
    "HKG": "Hong Kong",
    "JPX": "Tokyo",
}
_FISCAL = re.compile(r"TTM|FY\d{4}|[QH]\d-\d{4}")
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|“[^”]*”")
_OPERATORS = {"<": "below", "<=": "at_most", ">": "above", ">=": "at_least"}
_SEVERITIES = ("serious", "warning", "info")


@dataclass(frozen=True)
class Trip:
    """A tripwire in words: what is watched, how it is compared, with what, and where it stands."""

    evidence: Evidence
    comparison: str
    threshold: str


class ReportView:
    """A report with everything its renderers look up more than once."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.language = report.language

    def word(self, key: str) -> str:
        """The report's own word in its language, or the key itself in plain words where there is none."""
        return word(key, self.language) if known(key) else key.replace("_", " ")

    @cached_property
    def by_id(self) -> dict[str, Evidence]:
        """Evidence by id."""
        return {item.id: item for item in self.report.evidence}

    def figure(self, item: Evidence) -> str:
        """The evidence's value for readers."""
        return format_figure(item, self.language)

    def label(self, item: Evidence) -> str:
        """The evidence's name, with the fiscal period where it has one and the name does not say it already."""
        return f"{item.label}, {item.period}" if _FISCAL.fullmatch(item.period) and item.period not in item.label else item.label

    def short_label(self, item: Evidence) -> str:
        """The evidence's name without its period, which then stands beside it."""
        return item.label.removesuffix(item.period).rstrip(" ,")

    def period(self, item: Evidence) -> str:
        """The fiscal period of the figure, or nothing for a figure of the day or of a window that its name states."""
        return item.period if _FISCAL.fullmatch(item.period) else ""

    def latest(self, prefix: str) -> Evidence | None:
        """The evidence under `prefix` itself, else over the trailing year, else of the latest fiscal year."""
        for name in (prefix, f"{prefix}.TTM"):
            if name in self.by_id:
                return self.by_id[name]
        years = sorted(name for name in self.by_id if name.startswith(f"{prefix}.FY"))
        return self.by_id[years[-1]] if years else None

    def driver(self, name: str, scenario: Scenario) -> str:
        """The name of a scenario's driver, without the scenario that it stands under."""
        return self.by_id[name].label.removesuffix(f", {scenario.name} scenario") if name in self.by_id else ""

    @property
    def identity(self) -> list[str]:
        """What the instrument is, in a few words: kind, exchange, sector, industry, country."""
        instrument = self.report.instrument
        exchange = _EXCHANGES.get(instrument.exchange or "", instrument.exchange)
        return [self.word(instrument.quote_type), *(fact for fact in (exchange, instrument.sector, instrument.industry, instrument.country) if fact)]

    @property
    def asked(self) -> list[tuple[str, str]]:
        """What was asked for beyond the usual: the depth and the subjects in focus, each with its name."""
        report = self.report
        depth = [(self.word("depth"), self.word(f"depth_{report.depth}"))] if report.depth != "standard" else []
        return depth + ([(self.word("focus"), ", ".join(map(self.word, report.focus)))] if report.focus else [])

    @cached_property
    def key_figures(self) -> list[Evidence]:
        """The figures shown at the top, as far as the sheet has them."""
        return [item for item in map(self.latest, KEY_FIGURES) if item is not None]

    @cached_property
    def numbers(self) -> dict[str, int]:
        """The number of each evidence id that the report shows, counted from 1: first as the text cites them, then as the tables do."""
        cited = [name for text in prose_of(self.report) for name in cited_ids(text)]
        for section in self.report.sections:
            for paragraph in section.paragraphs:
                cited += [*paragraph.evidence, *([paragraph.tripwire.evidence] if paragraph.tripwire else [])]
        for item in self.report.claims:
            cited += [*item.claim.evidence, item.claim.wrong_if.evidence]
        view = self.report.recommendation.crew_view
        cited += [*(view.evidence if view else ()), *(item.id for item in self.key_figures), *self._tabulated]
        return {name: number for number, name in enumerate(dict.fromkeys(name for name in cited if name in self.by_id), start=1)}

    @cached_property
    def tables(self) -> list[FigureTable]:
        """The figures in tables."""
        return tables_of(self.report, self.by_id)

    @property
    def gap_groups(self) -> list[tuple[str, str, list[Gap]]]:
        """What could not be had, by reason and detail, in the sheet's order."""
        groups: dict[tuple[str, str], list[Gap]] = {}
        for gap in self.report.gaps:
            groups.setdefault((gap.reason, gap.detail), []).append(gap)
        return [(reason, detail, gaps) for (reason, detail), gaps in groups.items()]

    @property
    def _tabulated(self) -> list[str]:
        """The ids that the rating, the scorecard, the scenarios and the sensitivity grid show."""
        names = ["scorecard.total", "valuation.dcf.per_share"]
        names += [name for pillar in self.report.scorecard.pillars for rule in pillar.rules for name in rule.evidence]
        return names + [name for scenario in self.report.valuation.scenarios for name in (*scenario.drivers, scenario.per_share)]

    @cached_property
    def unfolded(self) -> list[Evidence]:
        """Every figure that the report shows, down to what was observed, in the sheet's order."""
        reached = self._reached([*self.numbers, *(item.id for table in self.tables for row in table.rows for item in row.cells if item is not None)])
        return [item for item in self.report.evidence if item.id in reached]

    def _reached(self, names: Iterable[str]) -> set[str]:
        wanted = list(names)
        reached = set(wanted)
        while wanted:
            further = [name for name in self.by_id[wanted.pop()].inputs if name in self.by_id and name not in reached]
            reached.update(further)
            wanted += further
        return reached

    def trip(self, tripwire: Tripwire) -> Trip:
        """The tripwire in words, its threshold in the unit of the figure it watches."""
        item = self.by_id[tripwire.evidence]
        unit = "ratio" if item.unit in {"date", "text"} else item.unit
        threshold = format_value(tripwire.threshold, unit, item.currency, self.language)
        return Trip(item, self.word(_OPERATORS[tripwire.operator]), threshold)

    def claims(self, side: str) -> list[ReportClaim]:
        """The claims of one side, the strongest first."""
        return sorted((item for item in self.report.claims if item.claim.side == side), key=lambda item: -item.claim.strength)

    def groups(self) -> Iterator[tuple[str | None, list[Section]]]:
        """Consecutive sections under their common heading."""
        for group, sections in groupby(self.report.sections, key=lambda section: section.group):
            yield group, list(sections)

    @property
    def rating_rule(self) -> str:
        """The rule by which the rating follows, with the ratings' codes as words."""
        return self.report.scorecard.rating_rule.replace("_", " ")

    @property
    def opening(self) -> list[Section]:
        """The sections that stand before everything else: the reporter's."""
        first = self.report.sections[0].task if self.report.sections else None
        return [section for section in self.report.sections if section.task == first and section.group is None]

    @property
    def body(self) -> list[tuple[str | None, list[Section]]]:
        """All other sections by group."""
        opening = {section.id for section in self.opening}
        kept = ((group, [section for section in sections if section.id not in opening]) for group, sections in self.groups())
        return [(group, sections) for group, sections in kept if sections]

    @property
    def flags(self) -> list[QualityFlag]:
        """Data-quality flags and valuation checks, the serious ones first."""
        every = [*self.report.data_quality.flags, *self.report.valuation.checks]
        return sorted(every, key=lambda flag: _SEVERITIES.index(flag.severity))

    @property
    def leads_with_flags(self) -> bool:
        """Whether a flag is so serious that it comes before the summary."""
        return any(flag.severity == "serious" for flag in self.flags)

    def why(self, withheld: Violation) -> str:
        """Why something was withheld, without the withheld words that the message may quote: they may hold a figure nobody can trace."""
        return _QUOTED.sub("…", withheld.message)

    @cached_property
    def quoted(self) -> Counter[int]:
        """How many passages of each attached document the report shows, by the document's number."""
        return Counter(int(name.split(".")[1]) for name in self.numbers if name.startswith(FAMILY))

    def length(self, item: AttachedDocument) -> str:
        """How long an attached document is: in pages where it has some, else in characters."""
        count, unit = (item.characters, "characters") if item.pages is None else (item.pages, "pages")
        return f"{format_number(count, 0, self.language)} {self.word(unit)}"

    def inputs(self, item: Evidence) -> list[Evidence]:
        """The evidence that `item` was computed from."""
        return [self.by_id[name] for name in item.inputs if name in self.by_id]

    def origin(self, item: Evidence) -> str:
        """Where the figure comes from: source and locator, or that it was computed or assumed."""
        if item.kind == "assumption":
            return self.word("assumption")
        if item.kind == "derived":
            return self.word("computed")
        return item.source if item.locator is None else f"{item.source}: {item.locator}"
