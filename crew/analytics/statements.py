"""Statement evidence: annual, quarterly and twelve-month figures as reported, and the two that code adds, net debt and free cash flow."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import product

from crew.analytics.figures import Figures
from crew.analytics.lines import LINES, Line
from crew.analytics.periods import PRIOR_TTM, TTM, YEAR_DAYS, Column, StatementSet, label_of
from crew.domain.instrument import QuoteType
from crew.domain.market import MarketSnapshot, Statement

_NOT_FOR_BANKS = "banks and insurers do not report this, or it says nothing about them"
KIND_IN_WORDS: dict[QuoteType, str] = {
    "equity": "a share",
    "etf": "an exchange-traded fund",
    "fund": "a fund",
    "crypto": "a crypto pair",
    "index": "an index",
    "currency": "a currency pair",
}


@dataclass(frozen=True)
class Reported:
    """What statements there are: periods newest first, and the twelve months that valuations rest on (None without any)."""

    currency: str
    annual: tuple[Column, ...]
    quarterly: tuple[Column, ...]
    ttm: Column | None
    newest_balance: str | None
    is_financial: bool
    statements: StatementSet

    @property
    def columns(self) -> tuple[Column, ...]:
        """All periods."""
        return (*self.annual, *self.quarterly, *((self.ttm,) if self.ttm else ()))

    @property
    def newest(self) -> Column | None:
        """The period that ended last, the shorter one first."""
        return max((*self.quarterly, *self.annual), key=lambda column: column.end, default=None)


def enter_statements(figures: Figures, snapshot: MarketSnapshot, lines: Sequence[Line] = LINES) -> Reported | None:
    """Enter what `lines` name of `income.*`, `balance.*`, `cashflow.*` and `shares.diluted.*`; None when the instrument has no usable statement."""
    statements = StatementSet(snapshot.statements)
    if statements.currency is None or not (statements.ends("annual") or statements.ends("quarterly")):
        _enter_absence(figures, snapshot)
        return None
    reported = Reported(
        currency=statements.currency,
        annual=statements.columns("annual"),
        quarterly=statements.columns("quarterly"),
        ttm=statements.twelve_months(),
        newest_balance=statements.newest_balance,
        is_financial=snapshot.instrument.is_financial,
        statements=statements,
    )
    newest = {columns[0].label for columns in (reported.annual, reported.quarterly) if columns}
    for column in (*reported.annual, *reported.quarterly):
        for line in lines:
            _enter_line(figures, reported, line, column, is_newest=column.label in newest)
    flows = [line for line in lines if line.to_twelve_months != "none"]
    for column, line in product((reported.ttm,) if reported.ttm else (), flows):
        _enter_twelve_months(figures, reported, line, column)
    for column in reported.columns:
        _enter_sums(figures, reported, column)
    if reported.ttm is not None and reported.ttm.prior is not None:
        _enter_free_cash_flow(figures, reported, PRIOR_TTM, reported.ttm)
    return reported


def _enter_absence(figures: Figures, snapshot: MarketSnapshot) -> None:
    for subject, label in (("income", "Income statement"), ("balance", "Balance sheet"), ("cashflow", "Cash flow statement")):
        if snapshot.instrument.is_company:
            figures.book.gap(f"{subject}.statement", label, "not_reported", "the source has none of this company up to the as-of day")
        else:
            figures.book.gap(
                f"{subject}.statement", label, "not_applicable", f"{KIND_IN_WORDS[snapshot.instrument.quote_type]} has no financial statements"
            )


def _enter_line(figures: Figures, reported: Reported, line: Line, column: Column, *, is_newest: bool) -> None:
    key, label = f"{line.id}.{column.label}", f"{line.label} {column.label}"
    if reported.is_financial and line.industrial:
        if is_newest:
            figures.book.gap(key, label, "not_applicable", _NOT_FOR_BANKS)
        return
    statement = reported.statements.find(line.kind, column.label)
    name = _name_in(line, statement)
    if statement is not None and name is not None:
        _observe(figures, line, statement, name, column)
    elif _is_named_when_missing(line, is_newest=is_newest):
        words = f"{line.kind.replace('_', ' ')} statement"
        what = words if statement is None else f"{line.names[0]} in the {words}"
        figures.book.gap(key, label, "not_reported", f"the source has no {what} of the period that ended {column.end}")


def _name_in(line: Line, statement: Statement | None) -> str | None:
    known = statement.lines if statement is not None else {}
    for name in line.names:
        if name in known:
            return name
    return None


def _observe(figures: Figures, line: Line, statement: Statement, name: str, column: Column) -> None:
    figures.book.observe(
        f"{line.id}.{column.label}",
        f"{line.label} {column.label}",
        statement.lines[name],
        line.unit,
        source=statement.source,
        field=f"{name}@{statement.period_end}",
        period=column.label,
        as_of=statement.period_end,
        currency=statement.currency,
    )


def _is_named_when_missing(line: Line, *, is_newest: bool) -> bool:
    if line.core and not line.optional:
        return True
    return is_newest and (line.core or not line.optional)


def _enter_twelve_months(figures: Figures, reported: Reported, line: Line, ttm: Column) -> None:
    key, label = f"{line.id}.{TTM}", f"{line.label} {TTM}"
    if reported.is_financial and line.industrial:
        figures.book.gap(key, label, "not_applicable", _NOT_FOR_BANKS)
        return
    quarters = reported.statements.quarters_up_to(ttm.end, line.kind)
    if _enter_sum(figures, reported, line, quarters, TTM):
        if ttm.prior is not None:
            _enter_sum(figures, reported, line, reported.statements.quarters_up_to(_a_year_before(reported, ttm), line.kind), PRIOR_TTM)
        return
    year = f"{line.id}.{label_of('annual', ttm.end)}"
    statement = reported.statements.find(line.kind, TTM)
    name = _name_in(line, statement)
    if reported.annual and reported.annual[0].end == ttm.end and figures.book.has(year):
        formula = "the fiscal year, because it ends with the newest statement"
        figures.derive(key, label, line.unit, float, (year,), formula=formula, period=TTM, as_of=ttm.end, currency=reported.currency)
    elif statement is not None and name is not None and statement.period_end == ttm.end:
        _observe(figures, line, statement, name, ttm)
    elif not line.optional:
        _enter_no_twelve_months(figures, line, ttm, has_quarters=bool(quarters))


def _enter_no_twelve_months(figures: Figures, line: Line, ttm: Column, *, has_quarters: bool) -> None:
    key, label = f"{line.id}.{TTM}", f"{line.label} {TTM}"
    if has_quarters:
        figures.book.gap(key, label, "not_reported", f"the source does not have it for each of the four quarters up to {ttm.end}")
    else:
        figures.book.gap(key, label, "insufficient_history", f"the four quarters up to {ttm.end} are not all known, and no fiscal year ends there")


def _enter_sum(figures: Figures, reported: Reported, line: Line, quarters: tuple[str, ...], period: str) -> bool:
    inputs = tuple(f"{line.id}.{quarter}" for quarter in quarters)
    if not inputs or not figures.book.has(*inputs):
        return False
    averaged = line.to_twelve_months == "average"
    figures.derive(
        f"{line.id}.{period}",
        f"{line.label} {period}",
        line.unit,
        (lambda *values: sum(values) / len(values)) if averaged else (lambda *values: sum(values)),
        inputs,
        formula="mean of four quarters" if averaged else "sum of four quarters",
        period=period,
        as_of=next(column.end for column in reported.quarterly if column.label == quarters[0]),
        currency=reported.currency,
    )
    return True


def _a_year_before(reported: Reported, ttm: Column) -> date:
    return next(column.end for column in reported.quarterly if (ttm.end - column.end).days in YEAR_DAYS)


def _enter_sums(figures: Figures, reported: Reported, column: Column) -> None:
    _enter_free_cash_flow(figures, reported, column.label, column)
    if column.frequency == "ttm":
        return
    figures.derive(
        f"balance.net_debt.{column.label}",
        f"Net debt {column.label}",
        "currency",
        lambda debt, cash: debt - cash,
        (f"balance.total_debt.{column.label}", f"balance.cash.{column.label}"),
        formula="total debt − cash and short-term investments",
        period=column.label,
        as_of=column.end,
        currency=reported.currency,
    )


def _enter_free_cash_flow(figures: Figures, reported: Reported, period: str, column: Column) -> None:
    key, label = f"cashflow.free.{period}", f"Free cash flow {period}"
    operating, capex, stated = (f"cashflow.{name}.{period}" for name in ("operating", "capex", "free_reported"))
    if reported.is_financial:
        if column.label == TTM or column in (reported.annual[:1]):
            figures.book.gap(key, label, "not_applicable", _NOT_FOR_BANKS)
    elif figures.book.has(stated) and not figures.book.has(operating, capex):
        figures.derive(
            key, label, "currency", float, (stated,), formula="as the source states it", period=period, as_of=column.end, currency=reported.currency
        )
    else:
        figures.derive(
            key,
            label,
            "currency",
            lambda flow, spent: flow + spent,
            (operating, capex),
            formula="operating cash flow + capital expenditure (which is negative)",
            period=period,
            as_of=column.end,
            currency=reported.currency,
        )
