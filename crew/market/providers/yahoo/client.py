"""yfinance set up for a server: its process-wide state in one place, each call guarded, nothing frozen or poisoned.

yfinance keeps one session, cookie and crumb per process, an endless cache of some answers, and tickers that go on failing
after one failure. So: one session of ours, that cache emptied before each call, and a new ticker for every call.
"""

import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import structlog
import yfinance
from curl_cffi.requests import Response, Session
from yfinance import cache
from yfinance.data import SingletonMeta, YfData

from crew.errors import MarketDataError
from crew.market.providers.yahoo.errors import not_found, translate
from crew.market.providers.yahoo.session import Aborted

Answer = TypeVar("Answer")

log = structlog.get_logger(__name__)
_set_up = threading.Lock()


class YahooClient:
    """Calls of yfinance on one session. `caches` is the folder for its cookie and time zones."""

    def __init__(self, session: Session[Response], *, caches: Path) -> None:
        self.session = session
        with _set_up:
            warnings.filterwarnings("ignore", category=DeprecationWarning, module=r"yfinance(\.|$)")
            warnings.filterwarnings("ignore", category=FutureWarning, module=r"yfinance(\.|$)")
            caches.mkdir(parents=True, exist_ok=True)
            yfinance.config.debug.hide_exceptions = False
            yfinance.config.network.retries = 0
            _begin_afresh(caches)
            self._data = YfData(session=session)

    def ticker(self, symbol: str, call: Callable[[Any], Answer]) -> Answer:
        """Return `call` of a new ticker for `symbol`.

        Raises:
            SymbolNotFound: Yahoo knows no such symbol.
            MarketDataRateLimited: Yahoo refuses for now.
            MarketDataUnavailable: Yahoo cannot be reached or answers rubbish.
        """
        return self._guarded(symbol, lambda: call(yfinance.Ticker(symbol, session=self.session)))

    def chart(self, symbol: str, call: Callable[[Any], Answer]) -> Answer:
        """Return `call` of a new ticker for `symbol`, for a history that starts on a day. Raises as `ticker` does.

        yfinance asks Yahoo for the listing's time zone only to turn that day into a time. Years back a few hours do not
        matter, so it is told UTC and the request is saved; the bars' own days come from the zone in the answer.
        """

        def told(ticker: Any) -> Answer:
            zones = cache.get_tz_cache()
            if zones.lookup(symbol) is None:
                zones.store(symbol, "UTC")
            return call(ticker)

        return self.ticker(symbol, told)

    def data(self, symbol: str, call: Callable[[YfData], Answer]) -> Answer:
        """Return `call` of yfinance's HTTP client. Raises as `ticker` does."""
        return self._guarded(symbol, lambda: call(self._data))

    def _guarded(self, symbol: str, call: Callable[[], Answer]) -> Answer:
        if yfinance.utils.is_isin(symbol):
            raise not_found(symbol)  # yfinance would look it up elsewhere, sending Yahoo's crumb along
        YfData.cache_get.cache_clear()
        try:
            return call()
        except Aborted as aborted:
            raise aborted.error from aborted.__cause__
        except MarketDataError:
            raise
        except Exception as error:
            ours = translate(error, symbol)
            log.warning("yahoo_call_failed", symbol=symbol, raised=type(error).__name__, code=ours.code, message=ours.message)
            raise ours from error


def _begin_afresh(caches: Path) -> None:
    """Drop what an earlier client of this process left in yfinance, and open its caches in `caches`.

    They are opened here because yfinance opens them at first use, where two threads can trip over each other.
    """
    SingletonMeta._instances.pop(YfData, None)  # noqa: SLF001 - yfinance offers no other way
    cache._TzCacheManager._tz_cache = None  # noqa: SLF001
    cache._CookieCacheManager._Cookie_cache = None  # noqa: SLF001
    yfinance.set_tz_cache_location(str(caches))
    cache.get_tz_cache().lookup("")
    cache.get_cookie_cache().lookup("")
