"""The quoteSummary call: profile, consensus, analyst actions, calendar and key statistics in one request.

`Ticker.info`, `.recommendations`, `.upgrades_downgrades`, `.calendar` and `.analyst_price_targets` would ask seven times for
modules that Yahoo gives in one answer; yfinance's own client asks once, with its cookie and crumb.
"""

from datetime import date, datetime
from typing import Any

from yfinance.data import YfData

from crew.domain.market import AnalystAction, AnalystConsensus, CalendarEvent, SeriesSource
from crew.errors import MarketDataUnavailable
from crew.market.providers.yahoo.currency import major_unit
from crew.market.providers.yahoo.figures import count, day, moment, number
from crew.market.providers.yahoo.key_statistics import key_statistics
from crew.market.providers.yahoo.parts import ProfilePart
from crew.market.providers.yahoo.text import clean

URL = "https://query2.finance.yahoo.com/v10/finance/quoteSummary/"
ENDPOINT = "v10/finance/quoteSummary"
MODULES = (
    "quoteType",
    "assetProfile",
    "summaryDetail",
    "financialData",
    "defaultKeyStatistics",
    "recommendationTrend",
    "upgradeDowngradeHistory",
    "calendarEvents",
)
NAME_LIMIT = 200
PLACE_LIMIT = 80
DESCRIPTION_LIMIT = 4000
FIRM_LIMIT = 100
GRADE_LIMIT = 50
ACTIONS_KEPT = 1000
Modules = dict[str, dict[str, Any]]


def fetch_profile(client: YfData, symbol: str, *, retrieved_at: datetime) -> ProfilePart:
    """Ask for everything that quoteSummary knows of `symbol`.

    Raises:
        MarketDataUnavailable: the answer has no result.
    """
    parameters = {
        "modules": ",".join(MODULES),
        "corsDomain": "finance.yahoo.com",
        "formatted": "false",
        "symbol": symbol,
        "lang": "en-US",
        "region": "US",
    }
    answer = client.get_raw_json(URL + symbol, params=parameters)
    results = (answer.get("quoteSummary") or {}).get("result") or []
    if not results or not isinstance(results[0], dict):
        raise MarketDataUnavailable(f"Yahoo Finance answered for {symbol} without a profile")
    modules: Modules = {name: value for name, value in results[0].items() if isinstance(value, dict)}
    source = SeriesSource(provider="yahoo", endpoint=f"{ENDPOINT}/{symbol}", retrieved_at=retrieved_at, as_of=retrieved_at.date())
    about, kind = modules.get("assetProfile", {}), modules.get("quoteType", {})
    stated = modules.get("financialData", {}).get("financialCurrency")
    return ProfilePart(
        name=clean(kind.get("longName"), NAME_LIMIT) or clean(kind.get("shortName"), NAME_LIMIT),
        reporting_currency=major_unit(stated)[0] if isinstance(stated, str) and stated else None,
        country=clean(about.get("country"), PLACE_LIMIT),
        sector=clean(about.get("sector"), PLACE_LIMIT),
        industry=clean(about.get("industry"), PLACE_LIMIT),
        description=clean(about.get("longBusinessSummary") or about.get("description"), DESCRIPTION_LIMIT),
        consensus=_consensus(modules, source),
        actions=_actions(modules),
        key_statistics=key_statistics(modules),
        calendar=_calendar(modules, retrieved_at.date()),
        source=source,
    )


def _consensus(modules: Modules, source: SeriesSource) -> AnalystConsensus | None:
    targets = modules.get("financialData", {})
    trend = modules.get("recommendationTrend", {}).get("trend") or []
    now = next((month for month in trend if isinstance(month, dict) and month.get("period") == "0m"), {})
    figures = {
        "target_mean": number(targets.get("targetMeanPrice")),
        "target_median": number(targets.get("targetMedianPrice")),
        "target_high": number(targets.get("targetHighPrice")),
        "target_low": number(targets.get("targetLowPrice")),
    }
    counts = {
        "opinions": count(targets.get("numberOfAnalystOpinions")),
        "strong_buy": count(now.get("strongBuy")),
        "buy": count(now.get("buy")),
        "hold": count(now.get("hold")),
        "sell": count(now.get("sell")),
        "strong_sell": count(now.get("strongSell")),
    }
    if all(value is None for value in (*figures.values(), *counts.values())):
        return None
    return AnalystConsensus(**figures, **counts, source=source)


def _actions(modules: Modules) -> tuple[AnalystAction, ...]:
    history = modules.get("upgradeDowngradeHistory", {}).get("history") or []
    actions = [action for entry in history if isinstance(entry, dict) and (action := _action(entry)) is not None]
    actions.sort(key=lambda action: action.at, reverse=True)
    return tuple(actions[:ACTIONS_KEPT])


def _action(entry: dict[str, Any]) -> AnalystAction | None:
    at, firm = moment(entry.get("epochGradeDate")), clean(entry.get("firm"), FIRM_LIMIT)
    if at is None or firm is None:
        return None
    return AnalystAction(
        at=at,
        firm=firm,
        action=clean(entry.get("action"), GRADE_LIMIT) or "unstated",
        from_grade=clean(entry.get("fromGrade"), GRADE_LIMIT),
        to_grade=clean(entry.get("toGrade"), GRADE_LIMIT),
        target=number(entry.get("currentPriceTarget")) or None,
        prior_target=number(entry.get("priorPriceTarget")) or None,
    )


def _calendar(modules: Modules, seen: date) -> tuple[CalendarEvent, ...]:
    """Dated events. Yahoo does not say when one was announced: an event to come is known from the day it was `seen`."""
    stated = modules.get("calendarEvents", {})
    earnings = (stated.get("earnings") or {}).get("earningsDate") or []
    found = [("earnings", day(value)) for value in earnings]
    found += [("ex_dividend", day(stated.get("exDividendDate"))), ("dividend_payment", day(stated.get("dividendDate")))]
    return tuple(CalendarEvent(on=on, kind=kind, announced=min(on, seen)) for kind, on in found if on is not None)
