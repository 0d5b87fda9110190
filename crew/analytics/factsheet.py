"""The fact sheet: everything computed from one snapshot, on one day, in one order."""

import hashlib
from datetime import date
from typing import Any

import orjson

from crew.analytics.assumptions import RISK_FREE
from crew.analytics.bars import LONGEST_CLOSURE_DAYS
from crew.analytics.book import EvidenceBook
from crew.analytics.charts import chart_series
from crew.analytics.consensus import enter_consensus, enter_news, enter_profile, enter_statistics
from crew.analytics.data_quality import assess
from crew.analytics.figures import Figures
from crew.analytics.listing import enter_listing
from crew.analytics.multiples import enter_dividend_yield, enter_multiples
from crew.analytics.outside_texts import without_instructions
from crew.analytics.peers import enter_peers
from crew.analytics.prices import enter_prices
from crew.analytics.ratios import enter_ratios
from crew.analytics.red_flags import enter_red_flags
from crew.analytics.scorecard import enter_scorecard, withhold_scores
from crew.analytics.statements import KIND_IN_WORDS, Reported, enter_statements
from crew.analytics.technicals import enter_technicals
from crew.analytics.valuation import enter_valuation, withhold_valuation
from crew.domain.evidence import GapReason
from crew.domain.factsheet import FactSheet, Scorecard, Valuation
from crew.domain.market import MarketSnapshot
from crew.errors import StaleData
from crew.market.point_in_time import known_at

_SUPPLY = "stat.circulating_supply"


def fact_sheet(snapshot: MarketSnapshot, *, as_of: date | None) -> FactSheet:
    """Compute everything known about the snapshot's instrument on `as_of`; None means now, see `newest_day`.

    Raises:
        StaleData: there is no price on or before that day.
    """
    retrieved = snapshot.retrieved_at.date() if as_of is None else None
    as_of = as_of or newest_day(snapshot)
    cut = known_at(snapshot, as_of)
    book = EvidenceBook(as_of=as_of, currency=cut.instrument.currency)
    figures = Figures(book)
    enter_profile(figures, cut)
    enter_statistics(figures, cut)
    enter_prices(book, cut, risk_free_rate=RISK_FREE.get(cut.instrument.currency))
    enter_technicals(book, cut)
    reported = enter_statements(figures, cut)
    scorecard, valuation = _enter_company(figures, cut, reported)
    enter_consensus(figures, cut)
    enter_news(figures, cut)
    made = FactSheet(
        instrument=cut.instrument,
        as_of=as_of,
        provider=cut.provider,
        snapshot_hash=snapshot_hash(cut),
        data_quality=assess(book, cut, reported, retrieved=retrieved),
        evidence=book.evidence,
        gaps=book.gaps,
        scorecard=scorecard,
        valuation=valuation,
        charts=chart_series(cut),
    )
    return without_instructions(made)


def newest_day(snapshot: MarketSnapshot) -> date:
    """The day of retrieval, which prices of the last ten days speak for; of older prices the day of the last.

    Raises:
        StaleData: there is no price.
    """
    if not snapshot.prices.dates:
        raise StaleData(f"there is no price of {snapshot.instrument.symbol}")
    last, retrieved = snapshot.prices.dates[-1], snapshot.retrieved_at.date()
    return retrieved if 0 <= (retrieved - last).days <= LONGEST_CLOSURE_DAYS else last


def snapshot_hash(snapshot: MarketSnapshot) -> str:
    """SHA-256 of the snapshot as canonical JSON, without the times at which it was retrieved."""
    content = _without_retrieval(snapshot.model_dump(mode="json"))
    return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _without_retrieval(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: _without_retrieval(value) for key, value in node.items() if key != "retrieved_at"}
    if isinstance(node, list) and node and isinstance(node[0], dict):
        return [_without_retrieval(value) for value in node]
    return node


def _enter_company(figures: Figures, cut: MarketSnapshot, reported: Reported | None) -> tuple[Scorecard, Valuation]:
    if cut.instrument.quote_type in {"equity", "etf", "fund"}:
        enter_dividend_yield(figures)
    if reported is None:
        return _withhold_company(figures, cut)
    enter_ratios(figures, reported)
    enter_red_flags(figures, reported)
    listing = enter_listing(figures, cut, reported)
    enter_multiples(listing, cut)
    valuation = enter_valuation(listing)
    scorecard = enter_scorecard(listing)
    enter_peers(listing, cut)
    return scorecard, valuation


def _withhold_company(figures: Figures, cut: MarketSnapshot) -> tuple[Scorecard, Valuation]:
    company = cut.instrument.is_company
    reason: GapReason = "not_reported" if company else "not_applicable"
    detail = "there are no statements of this company" if company else f"{KIND_IN_WORDS[cut.instrument.quote_type]} has no earnings to value"
    if cut.instrument.quote_type == "crypto" and figures.book.has(_SUPPLY):
        formula = "last price × units in circulation"
        figures.derive(
            "valuation.market_cap", "Market value", "currency", lambda price, units: price * units, ("price.last", _SUPPLY), formula=formula
        )
    else:
        figures.book.gap("valuation.market_cap", "Market value", reason, detail)
    for key, label in (("valuation.pe", "Price to earnings"), ("valuation.enterprise_value", "Enterprise value")):
        figures.book.gap(key, label, reason, detail)
    return withhold_scores(figures, reason, detail), withhold_valuation(figures, reason, detail)
