"""The rules writer's page: figures that stand in one sentence are of one period, and old ones do not stand in for new ones."""

from functools import lru_cache

from crew.agents.rules_page import Page
from crew.analytics.factsheet import fact_sheet
from crew.analytics.reference import SAMPLE
from crew.market.providers.sample import SampleMarketData


@lru_cache
def page(symbol: str = "AAPL") -> Page:
    """The page of a company of the sample."""
    return Page(fact_sheet(SampleMarketData(SAMPLE).snapshot(symbol), as_of=None))


def test_a_sentence_speaks_of_one_period() -> None:
    """Growth of the twelve months is not known, so revenue beside growth is that of the fiscal year; alone it is that of the twelve months."""
    assert page().say("[[income.revenue.*]] and [[growth.revenue_yoy.*]]") == "[[income.revenue.FY2025]] and [[growth.revenue_yoy.FY2025]]"
    assert page().say("[[income.revenue.*]]") == "[[income.revenue.TTM]]"


def test_a_balance_is_that_of_the_newest_balance_sheet() -> None:
    """What stands on a balance sheet is taken from the newest, a quarter's where there is one; JPMorgan's is that of its fiscal year."""
    assert page().say("[[balance.cash.*]]") == "[[balance.cash.Q4-2025]]"
    assert page().say("[[liquidity.current_ratio.*]]") == "[[liquidity.current_ratio.Q4-2025]]"
    assert page("JPM").say("[[balance.cash.*]]") == "[[balance.cash.FY2025]]"


def test_an_old_year_does_not_stand_in_for_the_newest() -> None:
    """Apple stated its interest until fiscal 2023: a sentence on interest cover is left out, not written with the cover of that year."""
    assert "leverage.interest_cover.FY2023" in page().sheet.by_id
    assert page().newest("leverage.interest_cover") is None
    assert page().say("[[leverage.interest_cover.*]]") is None
    assert page().sign("leverage.interest_cover") == 0


def test_a_missing_figure_leaves_the_sentence_out() -> None:
    """One missing figure is enough, whether it names its period or not."""
    assert page().say("[[price.last]] and [[no.such]]") is None
    assert page().say("[[price.last]] and [[no.such.*]]") is None
    assert page().say(None) is None
    assert page().first("[[no.such]]", "[[price.last]]") == "[[price.last]]"
