"""The report as Markdown: reads well as plain text, and every cited figure carries a number that leads to its source."""

from collections.abc import Iterator

from crew.domain.draft import Tripwire
from crew.domain.evidence import Evidence
from crew.domain.report import Report, ReportClaim, Section
from crew.report.bind import Plain, bind
from crew.report.figures import NBSP, format_date, format_number, format_value
from crew.report.mdtext import code, inert, numbered, table
from crew.report.tables import FigureTable
from crew.report.view import ReportView

FEW_GAPS = 4


def render_markdown(report: Report) -> str:
    """The report as GitHub-flavoured Markdown.

    Raises:
        OutputInvalid: the report cites what it does not hold.
    """
    page = _Page(report)
    blocks: list[list[str]] = [page.head()]
    if page.view.leads_with_flags:
        blocks.append(page.flags("read_first"))
    blocks += [page.section(section, 2) for section in page.view.opening]
    blocks += [page.key_figures(), page.arguments()]
    for group, sections in page.view.body:
        if group is not None:
            blocks.append([f"## {inert(group)}"])
        blocks += [page.section(section, 2 if group is None else 3) for section in sections]
    blocks += page.tables()
    blocks += [page.scorecard(), page.scenarios(), page.sensitivity(), page.data_quality(), page.gaps(), page.documents(), page.withheld()]
    blocks += [page.evidence(), page.receipt(), page.notice()]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


class _Page:
    """The blocks of the page, each a list of lines; an empty list where there is nothing to show."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.view = ReportView(report)
        self.word = self.view.word

    def prose(self, text: str) -> str:
        """A text with its figures in place, each followed by the number of its source."""
        parts = bind(text, self.view.by_id, self.report.language)
        return numbered(inert("".join(part.text if isinstance(part, Plain) else self._numbered(part.text, part.evidence) for part in parts)))

    def cite(self, item: Evidence) -> str:
        """A figure with the number of its source."""
        return numbered(inert(self._numbered(self.view.figure(item), item)))

    def _numbered(self, text: str, item: Evidence) -> str:
        number = self.view.numbers.get(item.id)
        return text if number is None else f"{text}{NBSP}[{number}]"

    def trip(self, tripwire: Tripwire) -> str:
        """A tripwire in words."""
        trip = self.view.trip(tripwire)
        return f"{inert(self.view.label(trip.evidence))} {trip.comparison} {trip.threshold} ({self.word('now')} {self.cite(trip.evidence)})"

    def head(self) -> list[str]:
        """Title, identity, rating and who wrote it."""
        report, instrument = self.report, self.report.instrument
        total = report.scorecard.total
        score = f", {self.word('total').lower()} {format_number(total, 1, report.language)}" if total is not None else ""
        view = report.recommendation.crew_view
        lines = [
            f"# {inert(instrument.name)} ({inert(report.symbol)})",
            "",
            " · ".join(inert(fact) for fact in (*self.view.identity, instrument.currency)),
            "",
            f"**{self.word('rating')}: {self.word(report.recommendation.rating)}** ({self.word('rating_note')}{score})  ",
            f"**{self.word('crew_view')}:** {self.word(view.view) + '. ' + self.prose(view.reason) if view else self.word('no_view')}  ",
            f"**{self.word('as_of')}:** {format_date(report.as_of, report.language)} · {inert(report.provenance.data_source)}"
            + "".join(f" · **{name}:** {value}" for name, value in self.view.asked),
            "",
            f"> {inert(report.provenance.writer)}",
        ]
        if report.status == "partial":
            lines += ["", f"> **{self.word('partial')}.** {self.word('partial_note')}"]
        return lines

    def flags(self, title: str) -> list[str]:
        """What a reader must know about the data."""
        return [f"## {self.word(title)}", "", *(f"- **{self.word(flag.severity)}:** {inert(flag.message)}" for flag in self.view.flags)]

    def section(self, section: Section, level: int) -> list[str]:
        """One section with its paragraphs and items."""
        lines = [f"{'#' * level} {inert(section.title)}"]
        listed = False
        for paragraph in section.paragraphs:
            text = self.prose(paragraph.text)
            if paragraph.tripwire is not None:
                text += f" *{self.word('tripwire')}:* {self.trip(paragraph.tripwire)}."
            is_item = paragraph.style == "item"
            lines += [*([] if listed and is_item else [""]), f"- {text}" if is_item else text]
            listed = is_item
        return lines

    def key_figures(self) -> list[str]:
        """The table at the top."""
        rows = [(inert(self.view.short_label(item)), self.cite(item), inert(self.view.period(item))) for item in self.view.key_figures]
        head = (self.word("figure"), self.word("amount"), self.word("period"))
        return [f"## {self.word('key_figures')}", "", *table(head, rows, right=(1,))] if rows else []

    def arguments(self) -> list[str]:
        """Bull and bear claims, each with the observation that would prove it wrong."""
        lines = [f"## {self.word('arguments')}"]
        for side in ("bull", "bear"):
            rows = [self._argument(item) for item in self.view.claims(side)]
            head = (self.word(side), self.word("wrong_if"), self.word("strength"))
            lines += ["", f"### {self.word(side)}", "", *(table(head, rows, right=(2,)) if rows else [self.word("none")])]
        return lines

    def _argument(self, item: ReportClaim) -> tuple[str, str, str]:
        return self.prose(item.claim.text), self.trip(item.claim.wrong_if), f"{item.claim.strength}/5"

    def scorecard(self) -> list[str]:
        """Every pillar with the rules behind it, and the rule of the rating."""
        card, language = self.report.scorecard, self.report.language
        rows = [(self.word(pillar.pillar), self._score(pillar.score)) for pillar in card.pillars]
        rows.append((f"**{self.word('total')}**", f"**{self._score(card.total)}**"))
        lines = [
            f"## {self.word('scorecard')}",
            "",
            *table((self.word("pillar"), self.word("score")), rows, right=(1,)),
            "",
            inert(self.view.rating_rule),
        ]
        rules = [
            (
                self.word(pillar.pillar),
                inert(rule.statement),
                ", ".join(self._value_of(name) for name in rule.evidence),
                "–"
                if rule.points is None
                else f"{format_number(rule.points, 1, language)} {self.word('of')} {format_number(rule.maximum, 0, language)}",
            )
            for pillar in card.pillars
            for rule in pillar.rules
        ]
        head = (self.word("pillar"), self.word("rule"), self.word("seen"), self.word("points"))
        return [*lines, "", *table(head, rules, right=(3,))] if rules else lines

    def _score(self, score: float | None) -> str:
        return self.word("no_score") if score is None else format_number(score, 1, self.report.language)

    def _value_of(self, name: str) -> str:
        item = self.view.by_id.get(name)
        return code(name) if item is None else self.cite(item)

    def scenarios(self) -> list[str]:
        """Bear, base and bull with their drivers."""
        rows = []
        for scenario in self.report.valuation.scenarios:
            value = self.view.by_id.get(scenario.per_share)
            drivers = "; ".join(f"{inert(self.view.driver(name, scenario))} {self._value_of(name)}" for name in scenario.drivers)
            shown = "–" if value is None else self.cite(value)
            rows.append(
                (self.word(f"case_{scenario.name}"), format_value(scenario.probability, "percent", None, self.report.language), drivers, shown)
            )
        head = (self.word("scenario"), self.word("probability"), self.word("drivers"), self.word("per_share"))
        return [f"## {self.word('scenarios')}", "", *table(head, rows, right=(1, 3))] if rows else []

    def sensitivity(self) -> list[str]:
        """The value per share by discount rate and terminal growth."""
        grid, language = self.report.valuation.sensitivity, self.report.language
        if grid is None:
            return []
        head = [
            f"{self.word('discount_rate')} \\ {self.word('terminal_growth')}",
            *(format_value(column, "percent", None, language) for column in grid.columns),
        ]
        rows = [
            [
                format_value(rate, "percent", None, language),
                *("–" if cell is None else format_value(cell, "currency_per_share", grid.currency, language) for cell in cells),
            ]
            for rate, cells in zip(grid.rows, grid.cells, strict=True)
        ]
        centre = self.view.by_id.get("valuation.dcf.per_share")
        note = [] if centre is None else [f"{self.word('sensitivity_note')} {self.cite(centre)}.", ""]
        return [f"## {self.word('sensitivity')}", "", *note, *table(head, rows, right=range(1, len(head)))]

    def data_quality(self) -> list[str]:
        """Coverage, age and flags."""
        quality, language = self.report.data_quality, self.report.language
        days = [format_date(day, language) if day else "–" for day in (quality.oldest, quality.newest)]
        head = [self.word(key) for key in ("coverage", "figures", "missing", "oldest", "newest")]
        row = [format_value(quality.coverage, "percent", None, language), str(quality.figures), str(quality.missing), *days]
        flags = [] if self.view.leads_with_flags or not self.view.flags else ["", *self.flags("data_quality")[2:]]
        return [f"## {self.word('data_quality')}", "", *table(head, [row]), *flags]

    def tables(self) -> list[list[str]]:
        """The figures in tables. A figure's id is that of its row with the period of its column."""
        blocks = [[f"## {self.word('figures_in_full')}"]] if self.view.tables else []
        return blocks + [self._table(each) for each in self.view.tables]

    def _table(self, each: FigureTable) -> list[str]:
        head = (self.word("figure"), self.word("id"), *(inert(self.word(column)) for column in each.columns))
        rows = [(inert(self.word(row.label)), code(row.stem), *map(self._cell, row.cells)) for row in each.rows]
        if each.ended:
            rows.insert(0, (self.word("period_ended"), "", *(day.isoformat() for day in each.ended)))
        note = ["", self.word(each.note)] if each.note else []
        return [f"### {self.word(each.id)}", "", *table(head, rows, right=range(2, len(head))), *note]

    def _cell(self, item: Evidence | None) -> str:
        return "–" if item is None else inert(self.view.figure(item))

    def gaps(self) -> list[str]:
        """Figures that could not be had, those with one cause together; few are named with their ids."""
        rows = []
        for reason, detail, gaps in self.view.gap_groups:
            named = [f"{inert(gap.label)} {code(gap.id)}" if len(gaps) <= FEW_GAPS else inert(gap.label) for gap in gaps]
            rows.append((self.word(reason), inert(detail), "; ".join(named)))
        head = (self.word("reason"), self.word("why"), self.word("missing"))
        return [f"## {self.word('gaps')}", "", *table(head, rows)] if rows else []

    def documents(self) -> list[str]:
        """The attached documents: what was read, what was left out, how much of each is quoted."""
        language = self.report.language
        rows = [
            (
                str(item.number),
                inert(item.name) + (f" (**{self.word('left_out')}**)" if item.left_out else ""),
                format_date(item.as_of, language) if item.as_of else self.word("undated"),
                self.view.length(item),
                str(self.view.quoted[item.number]),
                code(item.sha256),
            )
            for item in self.report.documents
        ]
        head = ("#", self.word("document"), self.word("public_on"), self.word("length"), self.word("quoted"), "SHA-256")
        return [f"## {self.word('documents')}", "", self.word("documents_note"), "", *table(head, rows, right=(0, 4))] if rows else []

    def withheld(self) -> list[str]:
        """What verification kept out. The withheld text itself is not repeated, since it may hold a figure nobody can trace."""
        rows = [(code(item.path), inert(item.code.replace("_", " ")), inert(self.view.why(item))) for item in self.report.withheld]
        head = (self.word("place"), self.word("reason"), self.word("why"))
        return [f"## {self.word('withheld')}", "", self.word("withheld_note"), "", *table(head, rows)] if rows else []

    def evidence(self) -> list[str]:
        """The source of every figure that the report shows; computed ones with their formula and inputs."""
        cited = [(str(number), *self._evidence(self.view.by_id[name])) for name, number in self.view.numbers.items()]
        head = ("#", self.word("figure"), self.word("amount"), self.word("id"), self.word("source"), self.word("as_of"))
        return [f"## {self.word('evidence')}", "", self.word("evidence_note"), "", *table(head, cited, right=(0, 2))]

    def _evidence(self, item: Evidence) -> Iterator[str]:
        yield inert(self.view.label(item))
        yield inert(self.view.figure(item))
        yield code(item.id)
        inputs = ", ".join(f"{code(name)} {inert(self.view.figure(self.view.by_id[name]))}" for name in item.inputs if name in self.view.by_id)
        origin = code(self.view.origin(item)) if item.locator else inert(self.view.origin(item))
        formula = code(item.formula or "") if item.kind == "derived" else inert(item.formula or "")
        yield " ".join(part for part in (origin, formula, f"← {inputs}" if inputs else "") if part)
        yield item.as_of.isoformat()

    def receipt(self) -> list[str]:
        """Who wrote what, at what cost, from which data."""
        record, language = self.report.provenance, self.report.language
        totals, figures = record.totals, record.figures
        cost = self._cost(totals.cost_usd)
        rows = [
            (self.word("writer"), inert(record.writer)),
            (self.word("model"), ", ".join(f"{inert(agent)}: {inert(model)}" for agent, model in record.models.items())),
            (self.word("data"), inert(record.data_source)),
            (self.word("model_calls"), str(totals.calls)),
            (self.word("tokens"), f"{format_number(totals.prompt_tokens, 0, language)} / {format_number(totals.completion_tokens, 0, language)}"),
            (self.word("cost"), cost),
            *([(self.word("prices_as_of"), inert(record.prices_as_of))] if record.prices_as_of else []),
            *([(self.word("duration"), f"{format_number(record.duration_ms / 1000, 2, language)} s")] if record.duration_ms is not None else []),
            (self.word("time"), f"{format_number(totals.milliseconds / 1000, 2, language)} s"),
            (self.word("figures_bound"), f"{figures.bound} {self.word('of')} {figures.total}"),
            (self.word("withheld"), str(figures.withheld)),
            (self.word("repair_rounds"), str(record.repair_rounds)),
            (self.word("config_hash"), code(record.config_hash)),
            (self.word("snapshot_hash"), code(record.snapshot_hash)),
            (self.word("code_version"), code(record.code_version)),
            *((self.word("notes"), inert(note)) for note in record.notes),
        ]
        return [f"## {self.word('receipt')}", "", *table(("", ""), rows), *self._receipt_lines()]

    def _receipt_lines(self) -> list[str]:
        """What each model did for each agent on each task."""
        lines, language = self.report.provenance.receipt, self.report.language
        head = [self.word(key) for key in ("agent", "task", "model", "calls", "tokens", "cached", "time", "cost")]
        rows = [
            (
                inert(line.agent),
                inert(line.task),
                inert(line.model),
                str(line.calls),
                f"{format_number(line.prompt_tokens, 0, language)} / {format_number(line.completion_tokens, 0, language)}",
                format_number(line.cached_tokens, 0, language),
                f"{format_number(line.milliseconds / 1000, 2, language)} s",
                self._cost(line.cost_usd),
            )
            for line in lines
        ]
        return ["", *table(head, rows, right=(3, 4, 5, 6, 7))] if rows else []

    def _cost(self, cost_usd: float | None) -> str:
        return self.word("price_unknown") if cost_usd is None else format_value(cost_usd, "currency_per_share", "USD", self.report.language)

    def notice(self) -> list[str]:
        """As-of date, sources, and that this is no advice."""
        return [f"## {self.word('disclosures')}", "", *(f"- {inert(text)}" for text in self.report.disclosures)]
