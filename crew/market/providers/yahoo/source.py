"""The parts of snapshots: from the cache while fresh, else fetched once on the shared pool and kept."""

from collections.abc import Callable
from concurrent.futures import Executor, Future
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from crew.domain.base import Value
from crew.domain.market import Frequency, StatementKind
from crew.errors import SymbolNotFound
from crew.market.providers.yahoo import freshness
from crew.market.providers.yahoo.cache import PartCache
from crew.market.providers.yahoo.client import YahooClient
from crew.market.providers.yahoo.flight import SingleFlight
from crew.market.providers.yahoo.news import fetch_news
from crew.market.providers.yahoo.parts import NewsPart, PricesPart, ProfilePart, StatementsPart, UnknownPart
from crew.market.providers.yahoo.prices import fetch_prices
from crew.market.providers.yahoo.profile import fetch_profile
from crew.market.providers.yahoo.statements import fetch_statements

Part = TypeVar("Part", bound=Value)

WINDOW = timedelta(days=6 * 365 + 10)


class PartSource:
    """Starts fetches and returns their futures. Work on the pool never waits for other work on the pool."""

    def __init__(self, *, client: YahooClient, cache: PartCache, pool: Executor, clock: Callable[[], datetime]) -> None:
        self._client = client
        self._cache = cache
        self._clock = clock
        self._flight = SingleFlight(pool)

    def refuse_unknown(self, symbol: str) -> None:
        """Ask nothing about a symbol that Yahoo did not know a moment ago.

        Raises:
            SymbolNotFound: it did not.
        """
        unknown = self._cache.get("unknown", symbol, UnknownPart)
        if unknown is not None:
            raise SymbolNotFound(unknown.message)

    def prices(self, symbol: str, *, whole: bool) -> Future[PricesPart]:
        """Daily bars of the last six years, or with `whole` of the listing's whole life."""
        kind = "prices_whole" if whole else "prices"
        return self._flight.start((kind, symbol), partial(self._known_prices, kind, symbol, whole))

    def profile(self, symbol: str) -> Future[ProfilePart]:
        """Profile, analysts, calendar and key statistics."""

        def fetch(now: datetime) -> ProfilePart:
            return self._client.data(symbol, lambda data: fetch_profile(data, symbol, retrieved_at=now))

        return self._start("profile", symbol, ProfilePart, fetch, lambda _, now: now + freshness.PROFILE)

    def statements(self, symbol: str, kind: StatementKind, frequency: Frequency) -> Future[StatementsPart]:
        """One statement at one frequency."""

        def fetch(now: datetime) -> StatementsPart:
            return self._client.ticker(symbol, lambda ticker: fetch_statements(ticker, symbol, kind, frequency, retrieved_at=now))

        return self._start(f"{kind}_{frequency}", symbol, StatementsPart, fetch, lambda _, now: now + freshness.STATEMENTS)

    def news(self, symbol: str) -> Future[NewsPart]:
        """Recent headlines."""

        def fetch(now: datetime) -> NewsPart:
            return self._client.ticker(symbol, lambda ticker: fetch_news(ticker, symbol, retrieved_at=now))

        return self._start("news", symbol, NewsPart, fetch, lambda _, now: now + freshness.NEWS)

    def _start(
        self, kind: str, symbol: str, shape: type[Part], fetch: Callable[[datetime], Part], fresh_until: Callable[[Part, datetime], datetime]
    ) -> Future[Part]:
        return self._flight.start((kind, symbol), partial(self._load, kind, symbol, shape, fetch, fresh_until))

    def _load(
        self, kind: str, symbol: str, shape: type[Part], fetch: Callable[[datetime], Part], fresh_until: Callable[[Part, datetime], datetime]
    ) -> Part:
        kept = self._cache.get(kind, symbol, shape)
        if kept is not None:
            return kept
        now = self._clock()
        part = fetch(now)
        self._cache.put(kind, symbol, part, fresh_until=fresh_until(part, now))
        return part

    def _known_prices(self, kind: str, symbol: str, whole: bool) -> PricesPart:
        """Load prices, or remember for a while that the symbol is unknown."""

        def fetch(now: datetime) -> PricesPart:
            start = None if whole else now.date() - WINDOW
            return self._client.chart(symbol, lambda ticker: fetch_prices(ticker, symbol, start=start, retrieved_at=now))

        try:
            return self._load(kind, symbol, PricesPart, fetch, lambda part, now: freshness.prices_fresh_until(now, part.listing.hours))
        except SymbolNotFound as error:
            self._cache.put("unknown", symbol, UnknownPart(message=error.message), fresh_until=self._clock() + freshness.UNKNOWN_SYMBOL)
            raise
