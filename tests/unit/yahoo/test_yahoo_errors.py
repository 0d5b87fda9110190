"""Every exception that yfinance and its HTTP library define has an error of ours."""

import inspect
import json
from types import SimpleNamespace

import pytest
from curl_cffi.requests import exceptions as http
from yfinance import exceptions as yf

from crew.errors import MarketDataError, MarketDataRateLimited, MarketDataUnavailable, SymbolNotFound
from crew.market.providers.yahoo.errors import translate

HTTP_ERRORS = [found for _, found in inspect.getmembers(http, inspect.isclass) if issubclass(found, http.RequestException)]
YFINANCE_ERRORS = [found for _, found in inspect.getmembers(yf, inspect.isclass) if issubclass(found, Exception)]
ARGUMENTS = {
    yf.YFTickerMissingError: ("X", "why"),
    yf.YFTzMissingError: ("X",),
    yf.YFPricesMissingError: ("X", "(1d)"),
    yf.YFEarningsDateMissing: ("X",),
    yf.YFInvalidPeriodError: ("X", "7y", "1y"),
    yf.YFNotImplementedError: ("shares",),
}


@pytest.mark.parametrize("kind", HTTP_ERRORS, ids=lambda kind: kind.__name__)
def test_every_http_failure_without_an_answer_is_unavailable(kind: type[Exception]) -> None:
    """No failure of the HTTP library is taken for an unknown symbol, those of later versions included."""
    assert type(translate(kind.__new__(kind, "boom"), "X")) is MarketDataUnavailable


@pytest.mark.parametrize("kind", YFINANCE_ERRORS, ids=lambda kind: kind.__name__)
def test_every_yfinance_error_has_one_of_ours(kind: type[Exception]) -> None:
    """Each exception class of the pinned yfinance becomes one of our three errors, never the bare base."""
    arguments = () if kind is yf.YFRateLimitError else ARGUMENTS.get(kind, ("boom",))
    assert type(translate(kind(*arguments), "X")) in {SymbolNotFound, MarketDataRateLimited, MarketDataUnavailable}


@pytest.mark.parametrize(
    ("status", "ours"),
    [
        (400, MarketDataUnavailable),
        (401, MarketDataRateLimited),
        (403, MarketDataRateLimited),
        (404, SymbolNotFound),
        (429, MarketDataRateLimited),
        (500, MarketDataUnavailable),
        (999, MarketDataRateLimited),
    ],
)
def test_http_statuses(status: int, ours: type[MarketDataError]) -> None:
    """A status says whether the symbol is unknown, Yahoo refuses, or Yahoo fails."""
    error = http.HTTPError("refused", 0, SimpleNamespace(status_code=status))
    assert type(translate(error, "X")) is ours


@pytest.mark.parametrize(
    ("error", "ours"),
    [
        (yf.YFRateLimitError(), MarketDataRateLimited),
        (yf.YFTzMissingError("X"), SymbolNotFound),
        (yf.YFPricesMissingError("X", "", yahoo_reason="No data found, symbol may be delisted"), SymbolNotFound),
        (yf.YFPricesMissingError("X", "(1d 2020 -> 2021)"), MarketDataUnavailable),
        (yf.YFException("Empty fundamentals-timeseries result"), SymbolNotFound),
        (yf.YFDataException("down"), MarketDataUnavailable),
        (json.JSONDecodeError("no", "<html>", 0), MarketDataUnavailable),
        (KeyError("currentTradingPeriod"), MarketDataUnavailable),
        (TypeError("NoneType"), MarketDataUnavailable),
    ],
)
def test_what_yfinance_means(error: Exception, ours: type[MarketDataError]) -> None:
    """Yahoo's own reason makes a symbol unknown; an answer without one is rubbish."""
    assert type(translate(error, "X")) is ours


def test_our_own_errors_pass_through() -> None:
    """An error that the session raised already is not wrapped again."""
    mine = MarketDataRateLimited("wait", retry_after_s=7)
    assert translate(mine, "X") is mine
