"""The provider: which parts make a snapshot, in which order they are fetched, and which of them may be missing."""

import secrets
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from crew.domain.market import MarketSnapshot
from crew.errors import MarketDataError, SymbolNotFound
from crew.market.ports import ProviderHealth
from crew.market.providers.yahoo.assemble import Gaps, assemble, rates_of
from crew.market.providers.yahoo.breaker import CircuitBreaker
from crew.market.providers.yahoo.cache import PartCache
from crew.market.providers.yahoo.client import YahooClient
from crew.market.providers.yahoo.currency import major_unit, pair_symbol
from crew.market.providers.yahoo.limiter import RateLimiter
from crew.market.providers.yahoo.parts import PricesPart, ProfilePart
from crew.market.providers.yahoo.session import PacedSession
from crew.market.providers.yahoo.source import PartSource
from crew.market.providers.yahoo.statements import FREQUENCIES, KINDS
from crew.settings import Settings

NAME = "yahoo"
BENCHMARK = "SPY"
THREADS = 16
RECENT = timedelta(days=180)
HEALTH_URL = f"https://query2.finance.yahoo.com/v8/finance/chart/{BENCHMARK}?range=1d&interval=1d"

_random = secrets.SystemRandom()


class YahooMarketData:
    """Market data of Yahoo Finance. One instance serves all threads of a process; make only one per process.

    Args:
        settings: data folder, timeout and request rate.
        clock: the time in UTC, for freshness and `retrieved_at`.
        monotonic, sleep, random: for the pace, the pauses between tries and their jitter.
        proxy: an HTTP proxy in place of HTTPS_PROXY; `ca_file` the certificate authorities to trust.

    Raises:
        ConfigurationError: the data folder cannot be written.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        random: Callable[[], float] = _random.random,
        proxy: str | None = None,
        ca_file: Path | None = None,
    ) -> None:
        folder = settings.data_dir / "cache"
        self._clock = clock
        self._breaker = CircuitBreaker(monotonic=monotonic)
        limiter = RateLimiter(settings.market_requests_per_s, monotonic=monotonic, sleep=sleep)
        self._cache = PartCache(folder / "market.db", provider=NAME, clock=clock)
        self._session = PacedSession(
            limiter=limiter, breaker=self._breaker, timeout_s=settings.market_timeout_s, sleep=sleep, random=random, proxy=proxy, ca_file=ca_file
        )
        client = YahooClient(self._session, caches=folder / "yfinance")
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="yahoo")
        self._source = PartSource(client=client, cache=self._cache, pool=self._pool, clock=clock)

    @property
    def name(self) -> str:
        """`yahoo`."""
        return NAME

    @property
    def requests_sent(self) -> int:
        """HTTP requests sent so far, those for cookies and those tried again included."""
        return self._session.requests_sent

    def snapshot(self, symbol: str, *, as_of: date | None = None) -> MarketSnapshot:
        """Collect everything Yahoo has on `symbol`, from the cache where that is fresh.

        Chart and profile are asked first: they tell whether the symbol exists, of what kind it is and which currencies it
        needs, so that nothing is asked in vain.

        Raises:
            SymbolNotFound: Yahoo knows no such symbol.
            MarketDataRateLimited: Yahoo refuses for now; `retry_after_s` says how long.
            MarketDataUnavailable: Yahoo cannot be reached or answers rubbish for a part that no report can do without.
        """
        self._source.refuse_unknown(symbol)
        whole = as_of is not None and as_of < self._clock().date() - RECENT
        benchmark = self._source.prices(BENCHMARK, whole=whole)
        profile = self._source.profile(symbol)
        prices = self._source.prices(symbol, whole=whole).result()
        news = self._source.news(symbol)
        company = prices.listing.quote_type == "equity"
        statements = [(kind, frequency, self._source.statements(symbol, kind, frequency)) for kind in KINDS for frequency in FREQUENCIES if company]
        gaps = Gaps()
        known = self._profile(profile, gaps)
        rates = self._rates(prices, known, whole=whole)
        taken = [gaps.take("statements", future, what=f"{frequency} {kind.replace('_', ' ')}") for kind, frequency, future in statements]
        return assemble(
            symbol,
            prices=prices,
            profile=known,
            benchmark=gaps.take("benchmark", benchmark) if symbol != BENCHMARK else None,
            statements=[part for part in taken if part is not None],
            news=gaps.take("news", news),
            rates=rates_of(gaps.take("fx", rates)) if rates is not None else (),
            gaps=gaps,
        )

    def health(self) -> ProviderHealth:
        """Ask for one day of the benchmark's chart, once."""
        try:
            self._session.probe(HEALTH_URL)
        except MarketDataError as error:
            return ProviderHealth(ok=False, detail=error.message)
        return ProviderHealth(ok=True, detail="Yahoo Finance answers.")

    def close(self) -> None:
        """Let running fetches end, then free the threads and the cache."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._cache.close()

    @staticmethod
    def _profile(future: Future[ProfilePart], gaps: Gaps) -> ProfilePart | None:
        """Without a profile a bank could not be told from a maker of cars: only that Yahoo has none is a gap."""
        try:
            return future.result()
        except SymbolNotFound:
            gaps.note("profile", "not_reported", "Yahoo Finance has no profile of this symbol.")
            return None

    def _rates(self, prices: PricesPart, profile: ProfilePart | None, *, whole: bool) -> Future[PricesPart] | None:
        listed = major_unit(prices.listing.currency)[0]
        reported = profile.reporting_currency if profile is not None else None
        return None if reported in {None, listed} else self._source.prices(pair_symbol(listed, str(reported)), whole=whole)
