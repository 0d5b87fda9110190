"""What holds for every fact sheet: scale, splits, no look-ahead, and that every figure unfolds to what was observed or assumed."""

from datetime import date, timedelta
from functools import lru_cache

import pytest
from fakes.companies import AS_OF, company, history, instrument, split, statements, with_lines
from hypothesis import given, settings
from hypothesis import strategies as st

from crew.analytics.factsheet import fact_sheet
from crew.analytics.reference import SAMPLE, foreign
from crew.domain.evidence import Evidence
from crew.domain.factsheet import FactSheet
from crew.domain.market import MarketSnapshot, PriceHistory
from crew.domain.tree import unfold
from crew.market.providers.sample import SampleMarketData

SYMBOLS = ("AAPL", "AMZN", "GLD", "GOOGL", "JPM", "META", "MSFT", "NVDA", "PETR4.SA", "SPY", "TSLA")
MONEY = frozenset({"currency", "currency_per_share"})
_MONEY_LINES = frozenset(name for part in statements() for name in part.lines if name != "diluted_average_shares")


@lru_cache
def sample(symbol: str) -> MarketSnapshot:
    """A snapshot of the sample."""
    return SampleMarketData(SAMPLE).snapshot(symbol)


@lru_cache
def sheet_of(symbol: str) -> FactSheet:
    """Its fact sheet as of the sample's day."""
    return fact_sheet(sample(symbol), as_of=None)


@settings(max_examples=15, deadline=None)
@given(factor=st.floats(0.001, 1000))
def test_scaling_all_money_scales_amounts_and_leaves_the_rest(factor: float) -> None:
    """Counting in another unit of money multiplies amounts and changes no ratio, share count, score or date."""
    base = fact_sheet(company(), as_of=AS_OF)
    scaled = company(
        prices=history(scale=factor),
        benchmark=history("SPY", scale=factor),
        statements=with_lines(statements(), dict.fromkeys(_MONEY_LINES, factor)),
    )
    sheet = fact_sheet(scaled, as_of=AS_OF)

    assert [item.id for item in sheet.evidence] == [item.id for item in base.evidence]
    for before, after in zip(base.evidence, sheet.evidence, strict=True):
        if isinstance(before.value, str):
            assert after.value == before.value
        else:
            expected = before.value * factor if before.unit in MONEY or before.id.startswith("benchmark.close") else before.value
            assert after.value == pytest.approx(expected, rel=1e-6, abs=1e-6 * max(1.0, factor if before.unit in MONEY else 1.0)), before.id


@settings(max_examples=10, deadline=None)
@given(ratio=st.sampled_from([2.0, 3.0, 4.0, 7.0, 20.0, 0.1]), back=st.integers(5, 1200))
def test_a_split_changes_no_ratio_and_no_amount(ratio: float, back: int) -> None:
    """Whenever the split was and whatever its ratio, only per-share figures and share counts differ, by the ratio."""
    base = fact_sheet(company(), as_of=AS_OF)
    from_split = company(
        prices=history(
            scale=1 / ratio, volume=tuple(volume * ratio for volume in (1e6,) * 1400), splits=(split(AS_OF - timedelta(days=back), ratio),)
        ),
        statements=statements(shares=100e6 * ratio),
    )
    sheet = fact_sheet(from_split, as_of=AS_OF)

    for before, after in zip(base.evidence, sheet.evidence, strict=True):
        if isinstance(before.value, str) or isinstance(after.value, str):
            assert before.value == after.value, before.id
            continue
        expected = {"currency_per_share": before.value / ratio, "shares": before.value * ratio}.get(before.unit, before.value)
        assert after.value == pytest.approx(expected, rel=1e-7, abs=1e-7), before.id


@settings(max_examples=25, deadline=None)
@given(
    symbol=st.sampled_from(["AAPL", "NVDA", "JPM", "TSLA", "SPY", "GOOGL"]),
    day=st.dates(date(2021, 3, 1), date(2026, 3, 12)),
    more=st.integers(0, 500),
)
def test_later_data_never_changes_a_figure(symbol: str, day: date, more: int) -> None:
    """Forgetting everything that came later leaves each figure, gap, rule and flag of the day as it was."""
    whole = sample(symbol)
    sheet = fact_sheet(whole, as_of=day)
    earlier = fact_sheet(_forget(whole, day + timedelta(days=more)), as_of=day)

    assert _figures(earlier) == _figures(sheet)
    assert earlier.scorecard == sheet.scorecard
    assert earlier.valuation == sheet.valuation
    assert [gap.id for gap in earlier.gaps] == [gap.id for gap in sheet.gaps]
    assert all(item.as_of <= day for item in sheet.evidence)


def _figures(sheet: FactSheet) -> dict[str, Evidence]:
    return {item.id: item for item in sheet.evidence}


def _forget(snapshot: MarketSnapshot, day: date) -> MarketSnapshot:
    """The snapshot without bars, statements and actions of after `day`, in the share basis it had."""
    benchmark = snapshot.benchmark
    return snapshot.model_copy(
        update={
            "prices": _shortened(snapshot.prices, day),
            "benchmark": _shortened(benchmark, day) if benchmark else None,
            "statements": tuple(part for part in snapshot.statements if part.period_end <= day),
            "analyst_actions": tuple(action for action in snapshot.analyst_actions if action.at.date() <= day),
            "peers": tuple(
                peer.model_copy(
                    update={"prices": _shortened(peer.prices, day), "statements": tuple(part for part in peer.statements if part.period_end <= day)}
                )
                for peer in snapshot.peers
            ),
        }
    )


def _shortened(prices: PriceHistory, day: date) -> PriceHistory:
    count = sum(on <= day for on in prices.dates)
    columns = {name: getattr(prices, name)[:count] for name in ("dates", "open", "high", "low", "close", "volume")}
    return prices.model_copy(update={**columns, "dividends": tuple(item for item in prices.dividends if item.on <= day)})


_LINE_NAMES = sorted({name for part in statements() for name in part.lines})
_ENDS = sorted({part.period_end for part in statements()})


@settings(max_examples=40, deadline=None)
@given(
    changes=st.dictionaries(st.sampled_from(_LINE_NAMES), st.sampled_from([None, 0.0, -1.0, 1e-9, 1e6]), max_size=8),
    lost=st.sets(st.sampled_from(_ENDS), max_size=4),
    kinds=st.sets(st.sampled_from(["income", "balance", "cash_flow"]), max_size=1),
    bank=st.booleans(),
    bars=st.sampled_from([1, 2, 30, 300, 1400]),
)
def test_whatever_is_missing_or_odd_is_a_gap_and_never_a_crash(
    changes: dict[str, float | None], lost: set[date], kinds: set[str], *, bank: bool, bars: int
) -> None:
    """Lines missing, zero, negative or absurd, periods and whole statements lost: the sheet stands, and all it holds unfolds."""
    parts = tuple(part for part in with_lines(statements(), changes) if part.period_end not in lost and part.kind not in kinds)
    sector = "Financial Services" if bank else "Industrials"
    sheet = fact_sheet(company(statements=parts, instrument=instrument(sector=sector), prices=history(bars=bars)), as_of=AS_OF)

    assert not {item.id for item in sheet.evidence} & {gap.id for gap in sheet.gaps}
    assert all(unfold(sheet, item.id) for item in sheet.evidence)
    assert not [gap for gap in sheet.gaps if "None" in gap.detail or "None" in gap.id]


_IDENTITIES = {
    "gross_profit": "identity_gross_profit",
    "total_assets": "identity_balance",
    "free_cash_flow": "identity_free_cash_flow",
    "diluted_eps": "identity_eps",
}


@settings(max_examples=30, deadline=None)
@given(line=st.sampled_from(sorted(_IDENTITIES)), factor=st.floats(0.2, 5.0), end=st.sampled_from(_ENDS))
def test_an_identity_holds_within_rounding_or_raises_its_flag(line: str, factor: float, end: date) -> None:
    """However far one line is off: a rounding raises nothing, more than a twentieth raises that identity's flag for that period alone."""
    sheet = fact_sheet(company(statements=with_lines(statements(), {line: factor}, ends=(end,))), as_of=AS_OF)
    broken = [flag for flag in sheet.data_quality.flags if flag.code.startswith("identity_")]

    assert {flag.code for flag in broken} <= {_IDENTITIES[line]}
    assert {sheet.by_id[name].as_of for flag in broken for name in flag.evidence} <= {end}
    assert not broken or abs(factor - 1) > 0.002
    assert broken or abs(factor - 1) < 0.05


@pytest.mark.parametrize("symbol", ["AAPL", "AMZN", "GOOGL", "JPM", "META", "MSFT", "NVDA", "TSLA"])
def test_identities_of_real_statements_hold_or_are_flagged(symbol: str) -> None:
    """Assets are liabilities plus equity, gross profit is revenue less its cost, in every period of the sample that raises no flag."""
    sheet = sheet_of(symbol)
    flagged = {name for flag in sheet.data_quality.flags if flag.code.startswith("identity_") for name in flag.evidence}

    def number(stem: str, label: str) -> float | None:
        item = sheet.by_id.get(f"{stem}.{label}")
        return None if item is None else item.number

    checked = 0
    for label in {name.rpartition(".")[2] for name in sheet.by_id if name.startswith("balance.total_assets.")}:
        assets, owed, equity = (number(f"balance.{name}", label) for name in ("total_assets", "total_liabilities", "equity"))
        if assets is not None and owed is not None and equity is not None and f"balance.total_assets.{label}" not in flagged:
            assert assets == pytest.approx(owed + equity + (number("balance.minority_interest", label) or 0), rel=0.005)
            checked += 1
        gross, revenue, cost = (number(f"income.{name}", label) for name in ("gross_profit", "revenue", "cost_of_revenue"))
        if gross is not None and revenue is not None and cost is not None and f"income.gross_profit.{label}" not in flagged:
            assert gross == pytest.approx(revenue - cost, abs=0.005 * revenue)
    assert checked >= 4


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_every_figure_unfolds_to_what_was_observed_or_assumed(symbol: str) -> None:
    """No figure rests on a missing one or on itself, and every leaf is observed, text or a stated assumption."""
    sheet = sheet_of(symbol)
    for item in sheet.evidence:
        tree = unfold(sheet, item.id)
        assert (item.kind == "derived") == bool(tree.inputs), item.id
        if item.kind != "derived":
            assert item.locator or item.kind == "assumption"
        else:
            assert item.formula
    leaves = {leaf.kind for item in sheet.evidence for leaf in unfold(sheet, item.id).inputs if not leaf.inputs for leaf in (leaf.evidence,)}
    assert "derived" not in leaves


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_ids_are_unique_and_never_both_figure_and_gap(symbol: str) -> None:
    """An id is one figure or one gap, and coverage counts both."""
    sheet = sheet_of(symbol)
    ids = [item.id for item in sheet.evidence] + [gap.id for gap in sheet.gaps]

    assert len(ids) == len(set(ids))
    assert 0 < sheet.data_quality.coverage <= 100


def test_a_company_like_apple_has_well_over_120_figures() -> None:
    """Computed figures alone, without series, bars and peers, number more than 120."""
    own = [
        item
        for item in sheet_of("AAPL").evidence
        if not item.id.startswith(("series.", "peer.", "price.close.", "price.high.", "price.low.", "benchmark."))
    ]

    assert len(own) > 300
    assert len([item for item in own if item.kind == "derived"]) > 120


@pytest.mark.parametrize("symbol", ["AAPL", "MSFT", "NVDA", "GOOGL", "META"])
def test_probabilities_of_real_companies_add_up(symbol: str) -> None:
    """Where scenarios are stated, they are three and 100 % together."""
    scenarios = sheet_of(symbol).valuation.scenarios

    assert len(scenarios) == 3
    assert sum(item.probability for item in scenarios) == 100


def test_every_applicable_company_of_the_sample_is_rated() -> None:
    """The companies with statements have a rating that follows from their total; funds and shares without statements have none."""
    rated = {symbol: sheet_of(symbol).scorecard for symbol in SYMBOLS}

    assert {symbol for symbol, card in rated.items() if card.rating == "not_rated"} == {"GLD", "SPY", "PETR4.SA"}
    assert all((card.total is None) == (card.rating == "not_rated") for card in rated.values())


def test_a_foreign_listing_with_receipts_has_no_raw_mix() -> None:
    """Apple as if it reported in euro and one listed unit were half a share: ratios stay, amounts are converted."""
    own, other = sheet_of("AAPL"), fact_sheet(foreign(sample("AAPL"), rate=1.0, receipts_per_share=1.0), as_of=None)

    for name in ("valuation.ps", "valuation.pb", "valuation.ev_ebitda", "valuation.fcf_yield"):
        assert other.by_id[name].number == pytest.approx(own.by_id[name].number)
        assert any(part.startswith("fx.") for part in other.by_id[name].inputs)
