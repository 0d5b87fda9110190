"""Snapshots whose figures are known by construction, different for every symbol."""

import zlib
from datetime import UTC, date, datetime, timedelta

from crew.domain.instrument import Instrument, QuoteType
from crew.domain.market import (
    AnalystAction,
    AnalystConsensus,
    CalendarEvent,
    Dividend,
    MarketSnapshot,
    NewsItem,
    PriceHistory,
    SeriesSource,
    Split,
    Statement,
)

NEWS_URL = "https://news.example/1"
LAST_DAY = date(2026, 3, 12)
SOURCE = SeriesSource(provider="synthetic", endpoint="made", retrieved_at=datetime(2026, 3, 12, 23, tzinfo=UTC), as_of=LAST_DAY)


def base_price(symbol: str) -> float:
    """The first close of `symbol`, by which its figures are told from any other's."""
    return round(10 + zlib.crc32(symbol.encode()) % 90_000 / 100, 2)


def synthetic_snapshot(
    symbol: str, *, quote_type: QuoteType = "equity", currency: str = "USD", reporting_currency: str | None = "USD", bars: int = 1600
) -> MarketSnapshot:
    """A listing that rises by a cent a day, with a dividend, a split, statements and one item of everything else."""
    days = _weekdays(bars)
    first = base_price(symbol)
    closes = tuple(round(first + index / 100, 2) for index in range(bars))
    prices = PriceHistory(
        symbol=symbol,
        basis=LAST_DAY,
        dates=days,
        open=closes,
        high=tuple(round(close + 0.5, 2) for close in closes),
        low=tuple(round(close - 0.5, 2) for close in closes),
        close=closes,
        volume=tuple(float(1000 + index) for index in range(bars)),
        dividends=(Dividend(on=days[-10], amount=0.5),),
        splits=(Split(on=days[-300], ratio=4.0),),
        source=SOURCE,
    )
    company = quote_type == "equity"
    action = AnalystAction(at=datetime(2026, 2, 1, 12, tzinfo=UTC), firm="Firm", action="up", to_grade="Buy", target=first * 2)
    consensus = AnalystConsensus(target_mean=first * 1.5, opinions=7, strong_buy=1, buy=2, hold=3, sell=1, strong_sell=0, source=SOURCE)
    return MarketSnapshot(
        provider="synthetic",
        instrument=Instrument(
            symbol=symbol,
            name=f"{symbol} Company",
            quote_type=quote_type,
            currency=currency,
            reporting_currency=reporting_currency if company else None,
            sector="Industrials" if company else None,
            country="Utopia" if company else None,
            description=f"{symbol} makes known figures." if company else None,
        ),
        retrieved_at=SOURCE.retrieved_at,
        prices=prices,
        statements=_statements(first, reporting_currency or currency) if company else (),
        analyst_actions=(action,) if company else (),
        consensus=consensus if company else None,
        news=(NewsItem(published_at=datetime(2026, 3, 1, 8, tzinfo=UTC), title=f"{symbol} in the news", publisher="Wire", url=NEWS_URL),),
        calendar=(CalendarEvent(on=date(2026, 4, 30), kind="earnings"),) if company else (),
    )


def _weekdays(count: int) -> tuple[date, ...]:
    days: list[date] = []
    day = LAST_DAY
    while len(days) < count:
        if day.weekday() < 5:
            days.append(day)
        day -= timedelta(days=1)
    return tuple(reversed(days))


def _statements(first: float, currency: str) -> tuple[Statement, ...]:
    lines = {
        "income": {"total_revenue": first * 1e6, "net_income": first * 1e5, "diluted_eps": first / 10},
        "balance": {"total_assets": first * 3e6, "total_debt": first * 1e6},
        "cash_flow": {"operating_cash_flow": first * 2e5, "free_cash_flow": first * 1e5},
    }
    ends = {"annual": [date(year, 12, 31) for year in (2025, 2024, 2023, 2022)], "quarterly": [date(2025, month, 30) for month in (12, 9, 6)]}
    return tuple(
        Statement(kind=kind, frequency=frequency, period_end=end, currency=currency, lines=figures, source=SOURCE)
        for kind, figures in lines.items()
        for frequency, period_ends in ends.items()
        for end in period_ends
    )
