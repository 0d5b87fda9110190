"""Bodies of watchlists."""

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, Field

from api.schemas.automation import MergePatch, PlainText
from api.schemas.fields import Answered, Sent, SymbolText

MOST_SYMBOLS = 100


def _each_once(symbols: list[str]) -> list[str]:
    return list(dict.fromkeys(symbols))


Symbols = Annotated[
    list[SymbolText],
    Field(min_length=1, max_length=MOST_SYMBOLS, description="1 to 100 tickers; one given twice counts once."),
    AfterValidator(_each_once),
]


class CreateWatchlist(Sent):
    """A named set of symbols."""

    name: PlainText = Field(description="What it is called.")
    symbols: Symbols


class ChangeWatchlist(MergePatch):
    """A merge patch (RFC 7396): what is left out stays as it is."""

    name: PlainText = Field("", description="What it is called.")
    symbols: Symbols = Field(default_factory=list)


class WatchlistBody(Answered):
    """One watchlist."""

    id: str
    name: str
    symbols: list[str]
    created_at: datetime
    updated_at: datetime


class WatchlistPage(Answered):
    """One page of watchlists, newest first."""

    data: list[WatchlistBody]
    next_cursor: str | None
