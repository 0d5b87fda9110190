"""Price evidence: the last price, changes and returns here, ranges, volume and risk in the sister modules.

`bar_evidence` says how each figure unfolds to observed bars.
"""

from crew.analytics.bar_evidence import BarLedger, Name
from crew.analytics.bars import WINDOW_WORDS, Shortfall, Window, read_bars, require_current
from crew.analytics.book import EvidenceBook
from crew.analytics.price_ranges import enter_continuity, enter_range, enter_volume
from crew.analytics.price_risk import enter_market_risk, enter_risk
from crew.analytics.risk import cagr
from crew.domain.market import MarketSnapshot

RISK_FREE_ID = "assumption.risk_free_rate"
DAYS_PER_YEAR = 365.25

_LAST = Name("price.last", "Last price")
_LAST_DATE = Name("price.last_date", "Day of the last price")
_AGE = Name("price.age_days", "Age of the last price")
_PREVIOUS = Name("price.previous_close", "Previous close")
_CHANGE = Name("price.change_1d", "Change on the day")
_CHANGE_AMOUNT = Name("price.change_1d_amount", "Change on the day, amount")
_DIVIDENDS = Name("price.dividends_1y", "Dividends per share, 1 year")
_ADJUSTED = "the source has taken dividends out of past prices, so neither the prices traded then nor a return without dividends can be known"
_REINVESTED = "dividends reinvested at the close of their ex-date"


def enter_prices(book: EvidenceBook, snapshot: MarketSnapshot, *, risk_free_rate: float | None) -> None:
    """Enter all `price.*`, `benchmark.*` and `series.*` evidence of a snapshot already cut to the book's as-of day.

    `risk_free_rate` is in percent per year. It is entered as `assumption.risk_free_rate` unless the book has that already;
    None leaves a gap where a ratio needs it.
    """
    instrument = snapshot.instrument
    ledger = BarLedger(book, read_bars(snapshot.prices, minor_units=instrument.minor_units), instrument)
    if risk_free_rate is not None and not book.has(RISK_FREE_ID):
        book.assume(RISK_FREE_ID, "Risk-free rate", risk_free_rate, "percent", reason="stated yearly yield of a safe investment", period="1y")
    _enter_last(ledger)
    _enter_change(ledger)
    _enter_dividends(ledger)
    for name in WINDOW_WORDS:
        _enter_return(ledger, name)
        _enter_total_return(ledger, name)
    for name in ("3y", "5y"):
        _enter_cagr(ledger, Name(f"price.cagr_{name}", f"Price growth per year, {WINDOW_WORDS[name]}"), name, "price.return")
        _enter_cagr(ledger, Name(f"price.total_cagr_{name}", f"Total return per year, {WINDOW_WORDS[name]}"), name, "price.total_return")
    enter_range(ledger, unknowable=_ADJUSTED if ledger.bars.dividends_in_prices else None)
    enter_volume(ledger)
    enter_continuity(ledger)
    enter_risk(ledger, RISK_FREE_ID)
    market = snapshot.benchmark
    enter_market_risk(ledger, BarLedger(book, read_bars(market), instrument, benchmark=snapshot.benchmark_currency) if market else None, RISK_FREE_ID)


def _enter_last(ledger: BarLedger) -> None:
    bars, as_of = ledger.bars, ledger.book.as_of
    with ledger.withholding(_LAST, _LAST_DATE, _AGE):
        if not len(bars):
            raise Shortfall("insufficient_history", f"no close on or before {as_of}")
        last = len(bars) - 1
        with ledger.withholding(_LAST):
            if bars.lowered_since:
                raise Shortfall("not_applicable", f"the source has taken dividends paid since {bars.day(last)} out of its prices")
            ledger.bar("close", last, name=_LAST)
        ledger.day_figure(_LAST_DATE, last, formula="day of the last close", inputs=(ledger.last_close(),))
        age = as_of.toordinal() - int(bars.days[last])
        ledger.figure(_AGE, age, "days", formula="as-of day − day of the last close, in calendar days", inputs=(_LAST_DATE.id,))


def _enter_change(ledger: BarLedger) -> None:
    with ledger.withholding(_PREVIOUS, _CHANGE, _CHANGE_AMOUNT):
        require_current(ledger.bars, ledger.book.as_of)
        _require_traded_prices(ledger)
        if len(ledger.bars) == 1:
            raise Shortfall("insufficient_history", "there is one close only")
        if not ledger.bars.adjacent[-1]:
            raise Shortfall("not_reported", f"the source has no close for the trading day before {ledger.bars.day(-1)}")
        ledger.bar("close", len(ledger.bars) - 2, name=_PREVIOUS)
        before, last = (float(value) for value in ledger.bars.close[-2:])
        inputs = (_LAST.id, _PREVIOUS.id)
        ledger.figure(_CHANGE, (last / before - 1) * 100, "percent", formula="(last price ÷ previous close − 1) × 100", inputs=inputs, period="1d")
        ledger.figure(_CHANGE_AMOUNT, last - before, ledger.price_unit, formula="last price − previous close", inputs=inputs, period="1d")


def _enter_dividends(ledger: BarLedger) -> None:
    with ledger.withholding(_DIVIDENDS):
        window = ledger.window("1y")
        _require_traded_prices(ledger)
        paid = float(ledger.bars.payout[window.first + 1 :].sum())
        _, dividends = ledger.total_return_span(window)
        ledger.figure(
            _DIVIDENDS, paid, ledger.price_unit, formula="sum of the dividends with an ex-date in the window", inputs=(dividends,), period="1y"
        )


def _enter_return(ledger: BarLedger, period: str) -> None:
    name = Name(f"price.return_{period}", f"Price return, {WINDOW_WORDS[period]}")
    with ledger.withholding(name):
        window = ledger.window(period)
        _require_traded_prices(ledger)
        growth = float(ledger.bars.close[window.last] / ledger.bars.close[window.first])
        formula = "(last price ÷ close at the start of the window − 1) × 100"
        ledger.figure(name, (growth - 1) * 100, "percent", formula=formula, inputs=_ends(ledger, window), period=period)


def _enter_total_return(ledger: BarLedger, period: str) -> None:
    name = Name(f"price.total_return_{period}", f"Total return with dividends, {WINDOW_WORDS[period]}")
    with ledger.withholding(name):
        window = ledger.window(period)
        growth = float(ledger.bars.wealth[window.last] / ledger.bars.wealth[window.first])
        formula = f"(product of (close + dividend) ÷ close before, over the window, − 1) × 100: {_REINVESTED}"
        inputs = (*_ends(ledger, window), *ledger.total_return_span(window))
        ledger.figure(name, (growth - 1) * 100, "percent", formula=formula, inputs=inputs, period=period)


def _enter_cagr(ledger: BarLedger, name: Name, period: str, source: str) -> None:
    with ledger.withholding(name):
        window = ledger.window(period)
        gain = ledger.require(f"{source}_{period}")
        elapsed = int(ledger.bars.days[window.last] - ledger.bars.days[window.first])
        rate = cagr(1 + gain / 100, elapsed / DAYS_PER_YEAR) * 100
        formula = f"((1 + {source}_{period} ÷ 100) ^ ({DAYS_PER_YEAR} ÷ days between first and last close) − 1) × 100"
        ledger.figure(name, rate, "percent", formula=formula, inputs=(f"{source}_{period}", *_ends(ledger, window)), period=period)


def _require_traded_prices(ledger: BarLedger) -> None:
    if ledger.bars.dividends_in_prices:
        raise Shortfall("not_applicable", _ADJUSTED)


def _ends(ledger: BarLedger, window: Window) -> tuple[str, str]:
    return (ledger.last_close(), ledger.bar("close", window.first))
