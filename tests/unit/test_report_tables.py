"""The tables of a report: which figures stand in them, in which order, and that each leads to its source."""

from functools import lru_cache

import pytest
from fakes.report_parts import full_report

from crew.analytics.factsheet import fact_sheet
from crew.analytics.reference import SAMPLE
from crew.domain.evidence import Gap
from crew.domain.report import Report
from crew.market.providers.sample import SampleMarketData
from crew.report.html import render_html
from crew.report.markdown import render_markdown
from crew.report.tables import FigureTable
from crew.report.view import ReportView


@lru_cache
def report(symbol: str) -> Report:
    """A report without prose on a sheet of the sample."""
    sheet = fact_sheet(SampleMarketData(SAMPLE).snapshot(symbol), as_of=None)
    kept = {name: getattr(sheet, name) for name in ("instrument", "evidence", "gaps", "scorecard", "valuation", "data_quality", "charts", "as_of")}
    bare = full_report()
    recommendation = bare.recommendation.model_copy(update={"crew_view": None})
    return bare.model_copy(update={**kept, "symbol": symbol, "sections": (), "claims": (), "recommendation": recommendation})


def tables(symbol: str) -> dict[str, FigureTable]:
    """Its tables by id."""
    return {table.id: table for table in ReportView(report(symbol)).tables}


def values(table: FigureTable, stem: str) -> list[float | None]:
    """The numbers of one row."""
    row = next(row for row in table.rows if row.stem == stem)
    return [None if item is None else item.number for item in row.cells]


def test_fiscal_years_run_from_the_oldest_to_the_last_twelve_months() -> None:
    """Apple's revenue of four fiscal years and of the twelve months to December, with the days on which they ended."""
    table = tables("AAPL")["table_years"]

    assert table.columns == ("FY2022", "FY2023", "FY2024", "FY2025", "latest")
    assert [day.isoformat() for day in table.ended] == ["2022-09-30", "2023-09-30", "2024-09-30", "2025-09-30", "2025-12-31"]
    assert values(table, "income.revenue") == [394328e6, 383285e6, 391035e6, 416161e6, 435617e6]
    assert values(table, "growth.revenue_yoy")[-1] is None
    assert values(table, "balance.total_debt")[-1] == 90509e6


def test_the_last_twelve_months_stand_beside_a_year_that_lacks_a_figure() -> None:
    """Meta's fiscal 2025 has no earnings per share in the source, the sum of its quarters has: both columns end on the same day."""
    table = tables("META")["table_years"]

    assert table.columns[-2:] == ("FY2025", "latest")
    assert table.ended[-1] == table.ended[-2]
    assert values(table, "income.eps_diluted")[-2:] == [None, pytest.approx(23.5)]


def test_a_bank_has_a_banks_rows() -> None:
    """JPMorgan's years show what banks report, without operating cash flow or net debt, and no column twice for the same twelve months."""
    table = tables("JPM")["table_years"]
    stems = {row.stem for row in table.rows}

    assert table.columns == ("FY2022", "FY2023", "FY2024", "FY2025")
    assert {"income.net_interest_income", "per_share.tangible_book_value", "returns.rote"} <= stems
    assert not {"cashflow.operating", "balance.net_debt", "margin.gross"} & stems
    assert "table_quarters" not in tables("JPM")


def test_quarters_bear_their_last_day() -> None:
    """NVIDIA's quarter to the end of January is told by its day, whatever the company calls it."""
    table = tables("NVDA")["table_quarters"]

    assert table.columns[-1] == "Q1-2026"
    assert table.ended[-1].isoformat() == "2026-01-31"
    assert list(table.ended) == sorted(table.ended)


def test_multiples_stand_beside_their_median_and_past_years() -> None:
    """Today, median, distance and each past year, the newest first, are the figures under those ids."""
    found = tables("AAPL")["table_multiples"]
    by_id = ReportView(report("AAPL")).by_id

    assert found.columns == ("today", "median", "against_median", "FY2025", "FY2024", "FY2023", "FY2022")
    ids = ("valuation.pe", "valuation.pe_history_median", "valuation.pe_vs_history", "valuation.pe.FY2025")
    assert values(found, "valuation.pe")[:4] == [by_id[id].number for id in ids]


def test_peers_are_compared_by_the_same_figures() -> None:
    """Company, peers and median in one table: each cell is the figure that the peer comparison rests on."""
    table = tables("AAPL")["table_peers"]
    by_id = ReportView(report("AAPL")).by_id

    assert [row.label for row in table.rows] == ["AAPL", "MSFT", "GOOGL", "median"]
    assert table.columns[1] == "Price to earnings"
    assert [row.cells[1] for row in table.rows] == [by_id[id] for id in ("valuation.pe", "peer.MSFT.pe", "peer.GOOGL.pe", "peers.median.pe")]


def test_a_fund_has_returns_only() -> None:
    """What a fund does not have makes no empty table."""
    assert set(tables("SPY")) == {"table_returns"}


@pytest.mark.parametrize("symbol", ["AAPL", "JPM", "TSLA", "SPY", "PETR4.SA"])
def test_every_figure_of_a_table_leads_to_its_source(symbol: str) -> None:
    """In HTML each cell is a link to a row of the evidence; in Markdown each row names the ids."""
    page, text = render_html(report(symbol)), render_markdown(report(symbol))
    for table in tables(symbol).values():
        for row in table.rows:
            assert not row.stem or f"`{row.stem}`" in text
            for item in row.cells:
                assert item is None or f'id="ev-{item.id}"' in page
                assert item is None or f'href="#ev-{item.id}"' in page


def test_gaps_with_one_cause_stand_together() -> None:
    """Forty figures that say nothing about a bank are one line; few are named with their ids."""
    groups = ReportView(report("JPM")).gap_groups

    assert sum(len(gaps) for _, _, gaps in groups) == len(report("JPM").gaps)
    assert len(groups) == len({(reason, detail) for reason, detail, _ in groups}) < 12
    many = report("JPM").model_copy(update={"gaps": tuple(Gap(id=f"a.b{n}", label=f"Figure {n}", reason="stale", detail="why") for n in range(9))})
    assert render_markdown(many).count("| too old | why |") == 1
