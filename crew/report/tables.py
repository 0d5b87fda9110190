"""The figures in tables: fiscal years, quarters, returns, multiples beside their own history, peers, and what analysts say."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from crew.domain.evidence import Evidence
from crew.domain.report import Report

YEARLY = (
    "income.revenue",
    "growth.revenue_yoy",
    "income.net_interest_income",
    "margin.gross",
    "margin.operating",
    "income.net_income",
    "margin.net",
    "income.eps_diluted",
    "growth.eps_yoy",
    "cashflow.operating",
    "cashflow.capex",
    "cashflow.free",
    "margin.fcf",
    "cashflow.dividends",
    "cashflow.buybacks",
    "shares.diluted",
    "balance.cash",
    "balance.total_debt",
    "balance.net_debt",
    "balance.total_assets",
    "balance.equity",
    "per_share.book_value",
    "per_share.tangible_book_value",
    "returns.roe",
    "returns.roa",
    "returns.rote",
    "returns.roic",
    "leverage.net_debt_to_ebitda",
    "leverage.interest_cover",
    "leverage.equity_ratio",
    "liquidity.current_ratio",
)
QUARTERLY = (
    "income.revenue",
    "growth.revenue_yoy",
    "margin.gross",
    "margin.operating",
    "income.net_income",
    "margin.net",
    "income.eps_diluted",
    "growth.eps_yoy",
    "cashflow.free",
    "balance.net_debt",
    "shares.diluted",
)
# A bank's cash flow and net debt follow its deposits and lending.
NOT_FOR_BANKS = frozenset({"cashflow.operating", "balance.cash", "balance.total_debt", "balance.net_debt"})
FOR_BANKS_ONLY = frozenset({"income.net_interest_income", "balance.total_assets", "per_share.tangible_book_value", "returns.rote"})
RETURNS = ("price.return", "price.total_return", "price.cagr", "price.total_cagr", "price.max_drawdown", "price.volatility")
WINDOWS = ("1w", "1m", "3m", "6m", "ytd", "1y", "3y", "5y")
MULTIPLES = ("pe", "forward_pe", "ps", "pb", "ptb", "ev_ebitda", "ev_sales", "fcf_yield")
COMPARED = ("market_cap", "pe", "ps", "ev_ebitda", "fcf_yield", "operating_margin", "net_margin", "roe", "revenue_growth")
ANALYSTS = (
    "target_low",
    "target_median",
    "target_mean",
    "target_high",
    "upside_mean",
    "opinions",
    "strong_buy",
    "buy",
    "hold",
    "sell",
    "strong_sell",
    "buy_share",
    "actions_90d",
    "upgrades_90d",
    "downgrades_90d",
    "targets_raised_90d",
    "targets_lowered_90d",
)
MOST_QUARTERS = 6
_PERIOD = re.compile(r"(?P<stem>[a-z_]+\.[a-z_]+)\.(?P<label>FY\d{4}|Q\d-\d{4}|TTM)")
_ON_ONE_DAY = ("balance.", "per_share.", "leverage.", "liquidity.")
_PEER = re.compile(r"peer\.(?P<symbol>[A-Za-z0-9_\-]+)\.market_cap")


@dataclass(frozen=True)
class Row:
    """One line: its label, what the ids of its figures begin with (empty where they differ), and a figure or None for each column."""

    label: str
    stem: str
    cells: tuple[Evidence | None, ...]


@dataclass(frozen=True)
class FigureTable:
    """A table. `id` is also the word for its title, `note` for the line under it; columns are words or read as they are.

    `ended` is the day on which the period of each column ended, where columns are periods.
    """

    id: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    note: str | None = None
    ended: tuple[date, ...] = ()


def tables_of(report: Report, by_id: Mapping[str, Evidence]) -> list[FigureTable]:
    """Every table of which the report has figures."""
    skipped = NOT_FOR_BANKS if report.instrument.is_financial else FOR_BANKS_ONLY
    made = (
        _years(by_id, [stem for stem in YEARLY if stem not in skipped]),
        _quarters(by_id, [stem for stem in QUARTERLY if stem not in skipped]),
        _returns(by_id),
        _multiples(by_id),
        _peers(by_id, report.symbol),
        _analysts(by_id),
    )
    return [table for table in made if table is not None]


def _name(item: Evidence) -> str:
    return item.label.removesuffix(item.period).rstrip(" ,")


def _rows(by_id: Mapping[str, Evidence], named: Iterable[tuple[str, Sequence[str]]]) -> tuple[Row, ...]:
    """A row for each stem with the ids of its cells; rows without any figure are left out."""
    rows = []
    for stem, ids in named:
        cells = tuple(by_id.get(id) for id in ids)
        first = next((item for item in cells if item is not None), None)
        if first is not None:
            rows.append(Row(_name(first), stem, cells))
    return tuple(rows)


def _ends(by_id: Mapping[str, Evidence], stems: Sequence[str]) -> dict[str, date]:
    """The day on which each period ended of which any of `stems` has a figure, the first to end first."""
    ends: dict[str, date] = {}
    for id, item in by_id.items():
        match = _PERIOD.fullmatch(id)
        if match and match["stem"] in stems:
            ends[match["label"]] = max(ends.get(match["label"], item.as_of), item.as_of)
    return dict(sorted(ends.items(), key=lambda entry: entry[1]))


def _years(by_id: Mapping[str, Evidence], stems: Sequence[str]) -> FigureTable | None:
    """Fiscal years, and beside them the last twelve months with the balance sheet of their end, where they end later or know more."""
    ends = _ends(by_id, stems)
    years = [label for label in ends if label.startswith("FY")]
    quarters = [label for label in ends if label.startswith("Q")]
    latest = ends.get("TTM")
    fuller = bool(years) and any(f"{stem}.TTM" in by_id and f"{stem}.{years[-1]}" not in by_id for stem in stems)
    further = latest is not None and (not years or latest > ends[years[-1]] or fuller)
    balance = quarters[-1] if quarters and ends[quarters[-1]] == latest else "TTM"

    def newest(stem: str) -> str:
        return f"{stem}.TTM" if f"{stem}.TTM" in by_id or not stem.startswith(_ON_ONE_DAY) else f"{stem}.{balance}"

    rows = _rows(by_id, ((stem, [*(f"{stem}.{year}" for year in years), *([newest(stem)] if further else [])]) for stem in stems))
    if not rows:
        return None
    columns, days = [*years], [ends[year] for year in years]
    if further and latest is not None:
        columns, days = [*columns, "latest"], [*days, latest]
    return FigureTable("table_years", tuple(columns), rows, note="table_years_note" if further else None, ended=tuple(days))


def _quarters(by_id: Mapping[str, Evidence], stems: Sequence[str]) -> FigureTable | None:
    ends = {label: end for label, end in _ends(by_id, stems).items() if label.startswith("Q")}
    labels = tuple(ends)[-MOST_QUARTERS:]
    rows = _rows(by_id, ((stem, [f"{stem}.{label}" for label in labels]) for stem in stems))
    return FigureTable("table_quarters", labels, rows, note="table_quarters_note", ended=tuple(ends[label] for label in labels)) if rows else None


def _returns(by_id: Mapping[str, Evidence]) -> FigureTable | None:
    known = [window for window in WINDOWS if any(f"{stem}_{window}" in by_id for stem in RETURNS)]
    named = [(stem, [f"{stem}_{window}" for window in known]) for stem in RETURNS]
    rows = tuple(Row(row.label.rpartition(", ")[0], row.stem, row.cells) for row in _rows(by_id, named))
    return FigureTable("table_returns", tuple(window.upper() for window in known), rows) if rows else None


def _multiples(by_id: Mapping[str, Evidence]) -> FigureTable | None:
    stems = [f"valuation.{name}" for name in MULTIPLES]
    years = [label for label in _ends(by_id, stems) if label.startswith("FY")][::-1]
    known = [stem for stem in stems if stem in by_id]
    named = ((stem, [stem, f"{stem}_history_median", f"{stem}_vs_history", *(f"{stem}.{year}" for year in years)]) for stem in known)
    rows = _rows(by_id, named)
    columns = ("today", "median", "against_median", *years)
    return FigureTable("table_multiples", columns, rows, note="table_multiples_note") if rows and years else None


def _peers(by_id: Mapping[str, Evidence], symbol: str) -> FigureTable | None:
    symbols = [match["symbol"] for id in by_id if (match := _PEER.fullmatch(id))]
    if not symbols:
        return None
    own = [_own(by_id, name) for name in COMPARED]
    shown = [position for position, item in enumerate(own) if item is not None]
    heads = tuple(_name(own[position]) for position in shown)  # type: ignore[arg-type]
    names = [COMPARED[position] for position in shown]
    rows = [Row(symbol, "", tuple(own[position] for position in shown))]
    rows += [Row(peer, f"peer.{peer}", tuple(by_id.get(f"peer.{peer}.{name}") for name in names)) for peer in symbols]
    rows.append(Row("median", "peers.median", tuple(by_id.get(f"peers.median.{name}") for name in names)))
    return FigureTable("table_peers", heads, tuple(rows))


def _own(by_id: Mapping[str, Evidence], name: str) -> Evidence | None:
    """The company's own figure that `peers.difference.NAME` compares; its market value as it is."""
    compared = by_id.get(f"peers.difference.{name}")
    id = compared.inputs[0] if compared is not None and compared.inputs else f"valuation.{name}"
    return by_id.get(id)


def _analysts(by_id: Mapping[str, Evidence]) -> FigureTable | None:
    rows = tuple(Row(by_id[id].label, id, (by_id[id],)) for name in ANALYSTS if (id := f"analyst.{name}") in by_id)
    return FigureTable("table_analysts", ("amount",), rows) if rows else None
