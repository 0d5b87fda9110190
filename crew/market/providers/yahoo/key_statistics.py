"""The figures Yahoo states about a company that have no price in them; whatever has one is recomputed from evidence."""

from typing import Any, Literal, NamedTuple

from crew.domain.market import KeyStatistic
from crew.market.providers.yahoo.figures import number


class Stated(NamedTuple):
    """Where a statistic stands in quoteSummary and the unit Yahoo states it in."""

    name: str
    module: str
    key: str
    unit: Literal["ratio", "percent", "currency", "currency_per_share", "shares", "count", "days"]


STATED = (
    Stated("shares_outstanding", "defaultKeyStatistics", "sharesOutstanding", "shares"),
    Stated("implied_shares_outstanding", "defaultKeyStatistics", "impliedSharesOutstanding", "shares"),
    Stated("float_shares", "defaultKeyStatistics", "floatShares", "shares"),
    Stated("shares_short", "defaultKeyStatistics", "sharesShort", "shares"),
    Stated("short_ratio", "defaultKeyStatistics", "shortRatio", "days"),
    Stated("short_share_of_float", "defaultKeyStatistics", "shortPercentOfFloat", "ratio"),
    Stated("held_percent_insiders", "defaultKeyStatistics", "heldPercentInsiders", "ratio"),
    Stated("held_percent_institutions", "defaultKeyStatistics", "heldPercentInstitutions", "ratio"),
    Stated("forward_eps", "defaultKeyStatistics", "forwardEps", "currency_per_share"),
    Stated("full_time_employees", "assetProfile", "fullTimeEmployees", "count"),
    Stated("payout_ratio", "summaryDetail", "payoutRatio", "ratio"),
    Stated("total_assets", "defaultKeyStatistics", "totalAssets", "currency"),
    Stated("annual_expense_ratio", "defaultKeyStatistics", "annualReportExpenseRatio", "ratio"),
    Stated("circulating_supply", "summaryDetail", "circulatingSupply", "count"),
)


def key_statistics(modules: dict[str, dict[str, Any]]) -> tuple[KeyStatistic, ...]:
    """Return the statistics that the modules of a quoteSummary answer state."""
    found = ((stated, number(modules.get(stated.module, {}).get(stated.key))) for stated in STATED)
    return tuple(KeyStatistic(name=stated.name, value=value, unit=stated.unit) for stated, value in found if value is not None)
