"""The statement calls: income, balance sheet and cash flow, annual and quarterly, one request each."""

from datetime import datetime
from typing import Any

from crew.domain.market import Frequency, SeriesSource, StatementKind
from crew.market.line_items import line_item_name
from crew.market.providers.yahoo.figures import number
from crew.market.providers.yahoo.parts import StatementColumn, StatementsPart

KINDS: tuple[StatementKind, ...] = ("income", "balance", "cash_flow")
FREQUENCIES: tuple[Frequency, ...] = ("annual", "quarterly")
YFINANCE_FREQUENCY: dict[Frequency, str] = {"annual": "yearly", "quarterly": "quarterly"}


def fetch_statements(ticker: Any, symbol: str, kind: StatementKind, frequency: Frequency, *, retrieved_at: datetime) -> StatementsPart:
    """Ask for one statement at one frequency. Lines that Yahoo leaves empty are left out, and so are empty periods."""
    calls = {"income": ticker.get_income_stmt, "balance": ticker.get_balance_sheet, "cash_flow": ticker.get_cash_flow}
    frame = calls[kind](pretty=True, freq=YFINANCE_FREQUENCY[frequency])
    names = [line_item_name(str(label)) for label in frame.index]
    columns = []
    for period_end in frame.columns:
        values = zip(names, frame[period_end].tolist(), strict=True)
        lines = {name: figure for name, value in values if (figure := number(value)) is not None}
        if lines:
            columns.append(StatementColumn(period_end=period_end.date(), lines=lines))
    return StatementsPart(
        kind=kind,
        frequency=frequency,
        columns=tuple(columns),
        source=SeriesSource(
            provider="yahoo",
            endpoint=f"fundamentals-timeseries/{symbol}/{frequency}",
            retrieved_at=retrieved_at,
            as_of=columns[0].period_end if columns else None,
        ),
    )
