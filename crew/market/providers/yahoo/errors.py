"""Every way in which yfinance and its HTTP library fail, in our own words."""

from json import JSONDecodeError

from curl_cffi.requests import exceptions as http
from yfinance import exceptions as yf

from crew.errors import MarketDataError, MarketDataRateLimited, MarketDataUnavailable, SymbolNotFound

REFUSED = frozenset({401, 403, 429, 999})
RETRY_AFTER_S = 60.0
EMPTY_STATEMENT = "Empty fundamentals-timeseries result"


def translate(error: Exception, symbol: str) -> MarketDataError:
    """Return our error for what a yfinance call about `symbol` raised. Our own errors pass through unchanged."""
    if isinstance(error, MarketDataError):
        return error
    if isinstance(error, yf.YFException):
        return _from_yfinance(error, symbol)
    if isinstance(error, http.RequestException):
        return _from_http(error, symbol)
    if isinstance(error, JSONDecodeError):
        return MarketDataUnavailable(f"Yahoo Finance answered for {symbol} with something that is not JSON")
    return MarketDataUnavailable(f"Yahoo Finance answered for {symbol} in a shape that yfinance does not understand ({type(error).__name__})")


def not_found(symbol: str) -> SymbolNotFound:
    """The error for a symbol that Yahoo does not know."""
    return SymbolNotFound(f"Yahoo Finance knows no instrument {symbol}")


def refused(symbol: str, *, retry_after_s: float = RETRY_AFTER_S) -> MarketDataRateLimited:
    """The error for a request that Yahoo refuses for now."""
    return MarketDataRateLimited(f"Yahoo Finance refuses requests for {symbol}; try again in {retry_after_s:.0f} s", retry_after_s=retry_after_s)


def _from_yfinance(error: yf.YFException, symbol: str) -> MarketDataError:
    if isinstance(error, yf.YFRateLimitError):
        return refused(symbol)
    if isinstance(error, yf.YFPricesMissingError) and error.yahoo_reason is None:
        return MarketDataUnavailable(f"Yahoo Finance answered for {symbol} without prices")
    if isinstance(error, yf.YFTickerMissingError) or EMPTY_STATEMENT in str(error):
        return not_found(symbol)
    return MarketDataUnavailable(f"Yahoo Finance cannot answer for {symbol} now: {error}")


def _from_http(error: http.RequestException, symbol: str) -> MarketDataError:
    status = getattr(getattr(error, "response", None), "status_code", 0)
    if isinstance(error, http.HTTPError) and status:
        if status == 404:
            return not_found(symbol)
        if status in REFUSED:
            return refused(symbol)
        return MarketDataUnavailable(f"Yahoo Finance answered for {symbol} with status {status}")
    return MarketDataUnavailable(_connection_sentence(error))


def _connection_sentence(error: http.RequestException) -> str:
    if isinstance(error, http.DNSError):
        return "Yahoo Finance's address cannot be resolved: is there a network, and does it let this machine out?"
    if isinstance(error, http.Timeout):
        return "Yahoo Finance did not answer in time: raise STOCKCREW_MARKET_TIMEOUT_S or try again"
    if isinstance(error, http.SSLError):
        return "Yahoo Finance's certificate is not trusted: set REQUESTS_CA_BUNDLE to your proxy's certificate authority"
    if isinstance(error, http.JSONDecodeError):
        return "Yahoo Finance answered with something that is not JSON"
    return f"Yahoo Finance cannot be reached ({type(error).__name__}): check the network and HTTPS_PROXY"
