"""What a reader is told about prices that look wrong or incomplete."""

import pytest
from fakes.price_histories import growing, history, price_book, snapshot_of

from crew.analytics.price_flags import price_flags


def flags(closes):
    """Code and evidence of every flag."""
    return [(flag.code, flag.evidence) for flag in price_flags(price_book(snapshot_of(history(closes))))]


def test_sound_prices_have_no_flags():
    """A complete history without jumps is not commented on, nor is one too short to judge."""
    assert flags(growing(300)) == []
    assert flags(growing(10)) == []


@pytest.mark.parametrize(("factor", "evidence"), [(0.25, "price.worst_day_1y"), (4.0, "price.best_day_1y")])
def test_an_unadjusted_split_shows_as_a_jump(factor, evidence):
    """A price that quarters or quadruples within a day is pointed at, with the figure that shows it."""
    closes = [close * (factor if position >= 250 else 1) for position, close in enumerate(growing(300))]

    assert flags(closes) == [("price_jump", (evidence,))]


def test_an_ordinary_bad_day_is_no_jump():
    """A fall by a third is news, not an error."""
    closes = [close * (0.66 if position >= 250 else 1) for position, close in enumerate(growing(300))]

    assert flags(closes) == []


def test_missing_closes_are_named():
    """A close the source left out is a flag that points to the count."""
    closes = [None if position == 280 else close for position, close in enumerate(growing(300))]

    assert flags(closes) == [("missing_closes", ("price.missing_closes_1y",))]
