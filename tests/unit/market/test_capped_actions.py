"""Counts over analysts' actions are given only where the source's list covers the window."""

from datetime import date

from crew.analytics.factsheet import fact_sheet
from crew.market.providers.sample import SampleMarketData
from crew.settings import Settings

SAMPLE = SampleMarketData(Settings().sample_dir)


def test_a_list_that_begins_within_the_window_gives_no_counts() -> None:
    """The newest fifteen actions on Apple reach back 45 days: how many there were in 90 is not known, and said so."""
    sheet = fact_sheet(SAMPLE.snapshot("AAPL"), as_of=None)
    gaps = {gap.id: gap for gap in sheet.gaps}

    assert "analyst.actions_90d" not in sheet.by_id
    assert gaps["analyst.actions_90d"].reason == "insufficient_history"
    assert "2026-01-27" in gaps["analyst.actions_90d"].detail


def test_a_list_that_covers_the_window_is_counted() -> None:
    """The list on JPMorgan reaches back to September: six actions fall into the 90 days up to 2026-03-12, four raised a target, one lowered it."""
    sheet = fact_sheet(SAMPLE.snapshot("JPM"), as_of=date(2026, 3, 12))

    assert sheet.by_id["analyst.actions_90d"].value == 6
    assert sheet.by_id["analyst.targets_raised_90d"].value == 4
    assert sheet.by_id["analyst.targets_lowered_90d"].value == 1
