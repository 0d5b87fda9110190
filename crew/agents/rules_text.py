"""The rules writer's prose, subject by subject: what a figure is, and by stated thresholds what it means."""

from collections.abc import Mapping
from typing import Any

from crew.agents.rules_claims import ASSET, FUNDAMENTALS, TECHNICALS, claims
from crew.agents.rules_page import Page, cited
from crew.domain.document import FAMILY
from crew.domain.run import TaskResult

_MOST_EVENTS = 8


_KINDS = {
    "company": "a company",
    "etf": "an exchange-traded fund",
    "fund": "a fund",
    "crypto": "a crypto asset",
    "index": "an index",
    "currency": "a currency pair",
    "future": "a futures contract",
}


def research(page: Page, upstream: Mapping[str, TaskResult]) -> dict[str, Any]:  # noqa: ARG001 - every subject is written by one signature
    """The business, what happened, what could move it, what could go wrong."""
    instrument = page.sheet.instrument
    kind = _KINDS.get("company" if instrument.is_company else instrument.quote_type, "an instrument")
    where = " " + page.words("It belongs to the {sector} sector.").format(sector=page.name(instrument.sector)) if instrument.sector else ""
    about = page.say("In its profile: [[company.description]]")
    opening = page.words("The subject of this report is {kind}.").format(kind=page.words(kind)) + where + (f" {about}" if about else "")
    size = page.paragraph(
        [
            "Over the latest twelve months it took in [[income.revenue.TTM]] and earned [[income.net_income.TTM]].",
            None
            if page.newest("income.revenue") == "TTM"
            else "In the latest fiscal year it took in [[income.revenue.*]] and earned [[income.net_income.*]].",
            "Diluted shares at the last price come to a market value of [[valuation.market_cap]].",
            "A share last cost [[price.last]].",
        ],
        "No figure on its size is available.",
    )
    events = [{"text": text, "evidence": cited(text)} for text in _events(page)]
    catalysts = [
        text
        for text in (
            page.say("The next results show whether sales keep their pace of [[growth.revenue_yoy.*]]."),
            page.say("Analysts' mean target of [[analyst.target_mean]], by [[analyst.opinions]], would be revised with them."),
            page.say("A move out of the band between [[technical.support]] and [[technical.resistance]] would draw attention."),
        )
        if text
    ]
    return {"business": [opening, size], "events": events, "catalysts": catalysts, "risks": _risks(page)}


def _events(page: Page) -> list[str]:
    found = [page.say(text) for text in ("The high of the year was [[price.high_52w]], the low [[price.low_52w]].",)]
    news = [_quoted(page, "Reported:", item.id) for item in page.sheet.evidence if item.id.startswith("news.") and item.kind == "text"]
    documents = [_quoted(page, "An attached document says:", item.id) for item in page.sheet.evidence if item.id.startswith(FAMILY)]
    return [text for text in (*found, *documents[:4], *news[:5]) if text][: page.at_most(_MOST_EVENTS)]


def _quoted(page: Page, words: str, id: str) -> str | None:
    return page.bound(f"{page.words(words)} [[{id}]]")


def _risks(page: Page) -> list[dict[str, Any]]:
    wanted = (
        (
            "growth.revenue_yoy.*",
            "Sales lose pace: a year brought [[growth.revenue_yoy.*]].",
            "<",
            -5.0,
        ),
        ("margin.operating.*", "Margins give way from [[margin.operating.*]].", "<", -5.0),
        (
            "leverage.net_debt_to_ebitda.*",
            "Debt grows faster than earnings, from [[leverage.net_debt_to_ebitda.*]] EBITDA.",
            ">",
            1.0,
        ),
        ("technical.sma_200", "The long trend breaks: the price last stood at [[price.last]], its long average at [[technical.sma_200]].", "<", None),
        ("price.volatility_1y", "Swings widen from [[price.volatility_1y]] a year.", ">", 15.0),
    )
    made = []
    for _stem, text, operator, distance in wanted:
        written = page.say(text)
        if written is None:
            continue
        id = cited(written)[0]
        value = page.number(id)
        if value is None:
            continue
        limit = value * 0.85 if distance is None else value + distance
        made.append({"text": written, "tripwire": {"evidence": id, "operator": operator, "threshold": round(limit, 4)}})
    return made[: page.at_most(4)]


def fundamentals(page: Page, upstream: Mapping[str, TaskResult]) -> dict[str, Any]:  # noqa: ARG001 - every subject is written by one signature
    """Growth, profitability, balance sheet, cash flow, valuation, and the arguments."""
    missing = (
        "No statements are available for it, so nothing can be said here."
        if not page.newest("income.revenue")
        else "The figures of this subject are not available."
    )
    growth = page.paragraph(
        [
            (
                "Over the latest twelve months revenue came to [[income.revenue.TTM]], a change of [[growth.revenue_yoy.TTM]] on the year before.",
                "In the latest fiscal year revenue came to [[income.revenue.*]], a change of [[growth.revenue_yoy.*]] on the year before.",
            ),
            "Over three fiscal years it changed by [[growth.revenue_cagr_3y]] a year.",
            "Net income changed by [[growth.net_income_yoy.*]] and earnings per share by [[growth.eps_yoy.*]].",
            "Earnings per share move faster than net income where shares are bought back."
            if _gap(page, "growth.eps_yoy", "growth.net_income_yoy") > 1
            else None,
        ],
        missing,
    )
    profitability = page.paragraph(
        [
            (
                "Of each unit of revenue [[margin.gross.*]] remains as gross profit, [[margin.operating.*]] as "
                "operating profit and [[margin.net.*]] as net income."
            ),
            None if page.newest("margin.gross") else "Net income comes to [[margin.net.*]] of revenue.",
            "Equity earns [[returns.roe.*]] and total assets [[returns.roa.*]].",
            "Invested capital earns [[returns.roic.*]].",
        ],
        missing,
    )
    balance = page.paragraph(
        [
            "Cash and short-term investments of [[balance.cash.*]] stand against debt of [[balance.total_debt.*]].",
            "Current assets cover current liabilities [[liquidity.current_ratio.*]].",
            "Net debt amounts to [[leverage.net_debt_to_ebitda.*]] EBITDA.",
            "Debt comes to [[leverage.debt_to_equity.*]] of equity.",
            "Operating profit covers interest [[leverage.interest_cover.*]].",
        ],
        missing,
    )
    if balance == page.words(missing):
        balance = _newest_balance(page) or balance
    cash = page.paragraph(
        [
            "Operations brought in [[cashflow.operating.*]], of which [[cashflow.free.*]] was left after investment.",
            "Free cash flow is [[margin.fcf.*]] of revenue.",
            "Buybacks changed cash by [[cashflow.buybacks.*]].",
            "Dividends changed cash by [[cashflow.dividends.*]].",
            "The share count changed by [[shares.change_yoy.*]] against a year before.",
        ],
        missing,
    )
    valuation = page.paragraph(
        [
            "The shares cost [[valuation.pe]] earnings, [[valuation.ps]] sales and [[valuation.pb]] book value.",
            "The enterprise costs [[valuation.ev_ebitda]] EBITDA.",
            "The free-cash-flow yield is [[valuation.fcf_yield]].",
            "The discounted cash flow comes to [[valuation.dcf.per_share]] a share against a price of [[price.last]].",
            "Today's price asks for free cash flow to grow by [[valuation.reverse_dcf.implied_growth]] in the first year, fading from there.",
            (
                "The bear, base and bull cases come to [[valuation.scenario.bear.per_share]], "
                "[[valuation.scenario.base.per_share]] and [[valuation.scenario.bull.per_share]]."
            ),
        ],
        "There is no earnings-based value for an asset like this." if not page.sheet.instrument.is_company else missing,
    )
    found = claims(page, FUNDAMENTALS, at_most=page.at_most(8)) or claims(page, ASSET, at_most=2)
    return {"growth": growth, "profitability": profitability, "balance_sheet": balance, "cash_flow": cash, "valuation": valuation, "claims": found}


def _newest_balance(page: Page) -> str | None:
    cash = next((item.id for item in page.sheet.evidence if item.id.startswith("balance.cash.")), None)
    return page.bound(page.words("Cash and short-term investments stand at [[{cash}]].").format(cash=cash)) if cash else None


def _gap(page: Page, one: str, other: str) -> float:
    label = page.newest(one, other)
    first, second = page.number(f"{one}.{label}"), page.number(f"{other}.{label}")
    return 0.0 if first is None or second is None else first - second


def technicals(page: Page, upstream: Mapping[str, TaskResult]) -> dict[str, Any]:  # noqa: ARG001 - every subject is written by one signature
    """Trend, momentum, volatility, levels, and the arguments."""
    above = page.sign("technical.price_vs_sma_200")
    trend = page.paragraph(
        [
            (
                "The last price is [[price.last]], against averages of [[technical.sma_50]] over fifty sessions and "
                "[[technical.sma_200]] over two hundred."
            ),
            {1: "The long trend points up.", -1: "The long trend points down.", 0: None}[above],
            "The year brought [[price.return_1y]], the last quarter [[price.return_3m]], the last month [[price.return_1m]].",
        ],
        "The history is too short for a trend.",
    )
    rsi = page.number("technical.rsi_14")
    reading = (
        None
        if rsi is None
        else "That is stretched to the upside."
        if rsi >= 70
        else "That is stretched to the downside."
        if rsi <= 30
        else "That is neither stretched nor washed out."
    )
    momentum = page.paragraph(
        [
            "The relative strength index stands at [[technical.rsi_14]].",
            reading,
            "MACD is at [[technical.macd]] against a signal line of [[technical.macd_signal]].",
            "The stochastic oscillator reads [[technical.stochastic_k]], the trend strength index [[technical.adx_14]].",
        ],
        "The history is too short for momentum.",
    )
    volatility = page.paragraph(
        [
            "Over a year prices swung by [[price.volatility_1y]] annualised, over the last thirty sessions by [[price.volatility_30d]].",
            "The average true range is [[technical.atr_14]].",
            "Against the market the beta is [[price.beta_1y]].",
            "The deepest fall of the last years was [[price.max_drawdown_5y]].",
        ],
        "The history is too short for volatility.",
    )
    levels = page.paragraph(
        [
            "The range of the year runs from [[price.low_52w]] to [[price.high_52w]].",
            "The price has come [[price.from_high_52w]] from the high.",
            "Support lies near [[technical.support]].",
            "Resistance lies near [[technical.resistance]].",
            "The Bollinger band spans [[technical.bollinger_lower]] to [[technical.bollinger_upper]].",
        ],
        "The history is too short for levels.",
    )
    found = claims(page, TECHNICALS, at_most=page.at_most(6)) or claims(page, ASSET, at_most=2)
    return {"trend": trend, "momentum": momentum, "volatility": volatility, "levels": levels, "claims": found}


def section(page: Page, upstream: Mapping[str, TaskResult]) -> dict[str, Any]:  # noqa: ARG001 - every subject is written by one signature
    """A free section: what the scorecard says."""
    return {"body": [_scores(page)], "claims": []}


def _scores(page: Page) -> str:
    return page.paragraph(
        [
            "On the scorecard value stands at [[scorecard.value]], quality at [[scorecard.quality]] and growth at [[scorecard.growth]].",
            "Momentum stands at [[scorecard.momentum]].",
            "Safety stands at [[scorecard.safety]].",
            "The weighted total is [[scorecard.total]].",
        ],
        "Too little is known for a scorecard, so the asset is not rated.",
    )


def report(page: Page, upstream: Mapping[str, TaskResult]) -> dict[str, Any]:
    """The top of the report, from verified claims alone."""
    made = [claim for result in upstream.values() for claim in result.draft.get("claims") or ()]
    made.sort(key=lambda claim: -claim["strength"])
    best = {side: next((claim for claim in made if claim["side"] == side), None) for side in ("bull", "bear")}
    summary = " ".join(text for text in (*(claim["text"] for claim in best.values() if claim), _scores(page)) if text)
    thesis = [_argued(page, claim) for side in ("bull", "bear") for claim in [one for one in made if one["side"] == side][:2]]
    changes = [_changes(page, claim) for claim in made[:3]]
    reason = page.first(
        "The computed total of [[scorecard.total]] is what the verified arguments add up to.",
        "The last price of [[price.last]] is all that the figures carry.",
    ) or _scores(page)
    evidence = cited(reason) or [page.sheet.evidence[0].id]
    return {
        "summary": summary,
        "thesis": thesis or [_scores(page)],
        "change_our_mind": changes or [page.words("More reported figures would change this view.")],
        "crew_view": {"view": "agree", "reason": reason, "evidence": evidence},
    }


def _argued(page: Page, claim: dict[str, Any]) -> str:
    return page.words("For the shares: {text}" if claim["side"] == "bull" else "Against the shares: {text}").format(text=claim["text"])


def _changes(page: Page, claim: dict[str, Any]) -> str:
    way = "falls through" if claim["wrong_if"]["operator"].startswith("<") else "climbs through"
    side = "for" if claim["side"] == "bull" else "against"
    text = page.words(f"The argument {side} the shares that rests on [[{{id}}]] falls when that figure {way} its tripwire.")
    return text.format(id=claim["wrong_if"]["evidence"])


WRITERS = {"research": research, "fundamentals": fundamentals, "technicals": technicals, "section": section, "report": report}
