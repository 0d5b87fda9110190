"""Outside text, figures and currencies on their way in."""

from datetime import UTC, date, datetime

import pytest

from crew.market.providers.yahoo.currency import major_unit, pair_of, pair_symbol
from crew.market.providers.yahoo.figures import count, day, moment, number
from crew.market.providers.yahoo.key_statistics import STATED, key_statistics
from crew.market.providers.yahoo.news import fetch_news
from crew.market.providers.yahoo.text import clean

NOW = datetime(2026, 3, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("outside", "inside"),
    [
        ("  Two\n\nlines\tand\u00a0more ", "Two lines and more"),
        ("red\x1b[31m alert\x07", "red[31m alert"),
        ("in\u202ereversed\u202c order\u200b", "inreversed order"),
        ("\x00\x1f", None),
        ("", None),
        (None, None),
        (7, None),
    ],
)
def test_text_loses_what_is_not_text(outside: object, inside: str | None) -> None:
    """Control, bidirectional and zero-width characters go; what is left is one line, or nothing."""
    assert clean(outside, 100) == inside


def test_text_is_bounded() -> None:
    """A text that is too long ends in an ellipsis within the limit."""
    assert clean("word " * 100, 20) == "word word word word…"


@pytest.mark.parametrize(("value", "figure"), [(1, 1.0), ({"raw": 2.5, "fmt": "2.50"}, 2.5), ({}, None), ("3", None), (True, None), (None, None)])
def test_numbers_are_numbers_or_nothing(value: object, figure: float | None) -> None:
    """Only real numbers count, also in Yahoo's raw-and-formatted shape."""
    assert number(value) == figure


def test_infinite_and_missing_numbers_are_nothing() -> None:
    """NaN and infinity never enter."""
    assert number(float("nan")) is number(float("inf")) is count(float("nan")) is None


def test_epochs_are_days_in_utc() -> None:
    """An epoch is a UTC day; nonsense is nothing."""
    assert day(1739145600) == date(2025, 2, 10)
    assert moment(-5) is day("soon") is day(1e30) is None


@pytest.mark.parametrize(
    ("quoted", "unit"), [("GBp", ("GBP", 100)), ("GBX", ("GBP", 100)), ("ZAc", ("ZAR", 100)), ("ILA", ("ILS", 100)), ("USD", ("USD", 1))]
)
def test_minor_units(quoted: str, unit: tuple[str, int]) -> None:
    """Pence, cents and agorot belong to their major unit, 100 to one."""
    assert major_unit(quoted) == unit


@pytest.mark.parametrize(
    ("one", "other", "symbol"), [("USD", "CNY", "USDCNY=X"), ("TRY", "USD", "USDTRY=X"), ("USD", "EUR", "EURUSD=X"), ("GBP", "JPY", "GBPJPY=X")]
)
def test_pairs_are_quoted_as_the_market_does(one: str, other: str, symbol: str) -> None:
    """The pair is the same whichever currency is named first, and its symbol says which is the base."""
    assert pair_symbol(one, other) == pair_symbol(other, one) == symbol
    assert set(pair_of(symbol)) == {one, other}


def test_no_key_statistic_holds_a_price() -> None:
    """Ratios with a price in them, as Yahoo captured them, stay out."""
    modules = {"defaultKeyStatistics": {"priceToBook": 55.3, "forwardPE": 29.8, "enterpriseValue": 1e12, "shortRatio": 2.12}}
    assert [(one.name, one.value) for one in key_statistics(modules)] == [("short_ratio", 2.12)]
    assert not {stated.key for stated in STATED} & {
        "priceToBook",
        "forwardPE",
        "trailingPE",
        "marketCap",
        "enterpriseToRevenue",
        "dividendYield",
        "beta",
    }


class Stream:
    """A ticker whose news is given."""

    def __init__(self, *contents: object) -> None:
        self._contents = contents

    def get_news(self, count: int) -> list[object]:
        """The articles."""
        return list(self._contents)[:count]


def article(**changed: object) -> dict[str, object]:
    content = {
        "title": "Title",
        "pubDate": "2026-03-11T10:00:00Z",
        "provider": {"displayName": "Wire"},
        "canonicalUrl": {"url": "https://news.example/a"},
    }
    return {"content": content | changed}


def test_headlines_without_title_publisher_or_time_are_left_out() -> None:
    """Half an article is none, and whatever is not an article is passed over."""
    stream = Stream(article(), article(title=""), article(provider=None), article(pubDate="yesterday"), {"content": None}, "advert")
    assert [item.title for item in fetch_news(stream, "X", retrieved_at=NOW).items] == ["Title"]


@pytest.mark.parametrize("url", ["javascript:alert(1)", "https://news.example/\u202egpj", "data:text/html,x", None])
def test_only_plain_web_addresses_are_kept(url: object) -> None:
    """A headline keeps no address that is not plain http."""
    assert fetch_news(Stream(article(canonicalUrl={"url": url})), "X", retrieved_at=NOW).items[0].url is None
