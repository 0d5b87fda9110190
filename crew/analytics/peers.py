"""Peers beside the company: a few figures of each, computed just as the company's own, and where the company stands among them."""

import re
from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

from crew.analytics.bar_evidence import BarLedger, Name
from crew.analytics.bars import LONGEST_CLOSURE_DAYS, read_bars
from crew.analytics.book import EvidenceBook
from crew.analytics.figures import Figures, quotient
from crew.analytics.lines import LINES
from crew.analytics.listing import Listing, enter_listing
from crew.analytics.multiples import MULTIPLES, enter_multiples_of_today
from crew.analytics.ratio_table import RATIOS
from crew.analytics.ratios import enter_by_period
from crew.analytics.statements import enter_statements
from crew.domain.evidence import Unit
from crew.domain.market import MarketSnapshot, PeerFigures


class Comparison(NamedTuple):
    """A figure compared: its name under `peer.SYMBOL.`, the company's own figure, its label and unit."""

    name: str
    figure: str
    label: str
    unit: Unit


MARKET_VALUE = Comparison("market_cap", "valuation.market_cap", "Market value", "currency")
COMPARED = (
    Comparison("pe", "valuation.pe", "Price to earnings", "multiple"),
    Comparison("ps", "valuation.ps", "Price to sales", "multiple"),
    Comparison("ev_ebitda", "valuation.ev_ebitda", "Enterprise value to EBITDA", "multiple"),
    Comparison("fcf_yield", "valuation.fcf_yield", "Free cash flow yield", "percent"),
    Comparison("operating_margin", "margin.operating.{flow}", "Operating margin", "percent"),
    Comparison("net_margin", "margin.net.{flow}", "Net margin", "percent"),
    Comparison("roe", "returns.roe.{flow}", "Return on equity", "percent"),
    Comparison("revenue_growth", "growth.revenue_yoy.{year}", "Revenue growth, newest fiscal year", "percent"),
)
_FEWEST = 2
_RATIOS = tuple(ratio for ratio in RATIOS if any(item.figure.partition(".{")[0] == ratio.id for item in COMPARED))
_MULTIPLES = tuple(multiple for multiple in MULTIPLES if any(item.figure == multiple.id for item in COMPARED))
# What a listing is made of, beside the inputs of ratios and multiples: shares, net debt and claims on the enterprise, free cash flow.
_UNDER_A_LISTING = (
    "shares.diluted",
    "balance.total_debt",
    "balance.cash",
    "balance.minority_interest",
    "balance.preferred_equity",
    "cashflow.operating",
    "cashflow.capex",
    "cashflow.free_reported",
    "income.net_income",
    "income.eps_diluted",
)
_NAMED = {*_UNDER_A_LISTING, *(name.partition("@")[0] for ratio in _RATIOS for name in ratio.inputs), *(item.figure for item in _MULTIPLES)}
_LINES = tuple(line for line in LINES if line.id in _NAMED)


def enter_peers(listing: Listing, snapshot: MarketSnapshot) -> None:
    """Enter `peer.SYMBOL.*` with everything under them, `peers.median.*`, and `peers.difference.*` of the company."""
    known = [peer for peer in snapshot.peers if _enter_peer(listing.figures, snapshot, peer)]
    if not snapshot.peers:
        listing.figures.book.gap("peers.companies", "Peers", "not_reported", "the source names no peers")
        return
    for compared in COMPARED:
        _enter_standing(listing, [prefix_of(peer.instrument.symbol) for peer in known], compared)


def prefix_of(symbol: str) -> str:
    """`peer.SYMBOL`, with what an evidence id cannot hold replaced by an underscore."""
    return "peer." + re.sub(r"[^A-Za-z0-9\-]", "_", symbol)


def snapshot_of(peer: PeerFigures, snapshot: MarketSnapshot) -> MarketSnapshot:
    """What `snapshot` knows of one of its peers, as a snapshot of that one."""
    return MarketSnapshot(
        provider=snapshot.provider,
        instrument=peer.instrument,
        retrieved_at=snapshot.retrieved_at,
        prices=peer.prices,
        statements=peer.statements,
        fx=snapshot.fx,
    )


def _enter_peer(figures: Figures, snapshot: MarketSnapshot, peer: PeerFigures) -> bool:
    """Compute the peer's figures in a book of their own, then carry over those compared and all they rest on."""
    book = EvidenceBook(as_of=figures.book.as_of, currency=peer.instrument.currency)
    own = Figures(book)
    bars = read_bars(peer.prices, minor_units=peer.instrument.minor_units)
    if len(bars) and (book.as_of - bars.day(-1)).days <= LONGEST_CLOSURE_DAYS:
        BarLedger(book, bars, peer.instrument).bar("close", len(bars) - 1, name=Name("price.last", "Last price"))
    alone = snapshot_of(peer, snapshot)
    reported = enter_statements(own, alone, _LINES)
    if reported is None:
        return False
    enter_by_period(own, reported, _RATIOS)
    listing = enter_listing(own, alone, reported)
    enter_multiples_of_today(listing, _MULTIPLES)
    wanted = {_resolve(item.figure, listing): item.name for item in (MARKET_VALUE, *COMPARED)}
    _carry(figures.book, book, wanted, peer.instrument.symbol)
    return True


def _resolve(figure: str, listing: Listing) -> str:
    year = listing.reported.annual[0].label if listing.reported.annual else "FY"
    return figure.format(flow=listing.basis or "TTM", year=year)


def _carry(book: EvidenceBook, source: EvidenceBook, wanted: dict[str, str], symbol: str) -> None:
    needed: set[str] = set()
    queue = [key for key in wanted if source.has(key)]
    while queue:
        key = queue.pop()
        item = source.get(key)
        if item is not None and key not in needed:
            needed.add(key)
            queue.extend(item.inputs)
    prefix = prefix_of(symbol)

    def renamed(id: str) -> str:
        return f"{prefix}.{wanted.get(id, id)}"

    for item in source.evidence:
        if item.id in needed:
            book.carry(
                item.model_copy(update={"id": renamed(item.id), "label": f"{symbol}: {item.label}", "inputs": tuple(map(renamed, item.inputs))})
            )


def _enter_standing(listing: Listing, prefixes: Sequence[str], compared: Comparison) -> None:
    figures = listing.figures
    name, figure, label, unit = compared
    values = [f"{prefix}.{name}" for prefix in prefixes if figures.book.has(f"{prefix}.{name}")]
    key, title = f"peers.median.{name}", f"{label}, median of peers"
    if len(values) < _FEWEST:
        figures.book.gap(key, title, "insufficient_history", f"{len(values)} peers have this figure, {_FEWEST} are needed")
        return
    figures.derive(key, title, unit, lambda *numbers: float(median(numbers)), values, formula="median of the peers' figures")
    inputs = (_resolve(figure, listing), key)
    if unit == "percent":
        figures.derive(
            f"peers.difference.{name}",
            f"{label} against peers, in percentage points",
            "percent",
            lambda own, usual: own - usual,
            inputs,
            formula="own figure − median of peers",
        )
    else:
        formula = "100 × (own figure ÷ median of peers − 1)"
        figures.derive(
            f"peers.difference.{name}",
            f"{label} against peers",
            "percent",
            lambda own, usual: 100 * (quotient(own, usual) - 1),
            inputs,
            formula=formula,
        )
