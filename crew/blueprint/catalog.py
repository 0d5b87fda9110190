"""The names that agents.yaml and tasks.yaml may use: tools, placeholders and families of facts, one line on each."""

TOOLS: dict[str, str] = {
    "fact_lookup": "Look up figures and texts of the fact sheet by evidence id or prefix",
    "statement_history": "One line item of the financial statements over all reported periods",
    "price_history": "Closing prices at month ends, with the largest moves between them",
    "compare_peers": "A figure of the company beside the same figure of its peers",
    "search_documents": "Search the attached documents for passages that can be quoted, by the words they hold",
}

PLACEHOLDERS: dict[str, str] = {
    "symbol": "the ticker, as the provider spells it",
    "company": "the instrument's name",
    "as_of": "the day the report speaks of, as an ISO date",
    "language": "the language to write in, by its English name",
    "currency": "the ISO code of the listing's currency",
    "rating": "the rating that the scorecard gives, which the crew may not change",
    "facts": "the task's facts, one per line with the id to cite",
    "gaps": "the figures that could not be had, with the reason",
    "upstream": "the verified claims of the tasks named under `context`",
    "schema": "the JSON Schema of the draft to hand in",
}

FACT_FAMILIES: dict[str, str] = {
    "company": "name, description, sector and country",
    "news": "headlines",
    "event": "dated company events",
    "document": "passages of attached documents",
    "price": "prices, returns, risk and volume",
    "technical": "indicators computed from prices",
    "benchmark": "the market index the price is compared with",
    "income": "income statement",
    "cashflow": "cash-flow statement",
    "balance": "balance sheet",
    "margin": "margins in percent of revenue",
    "growth": "growth rates",
    "returns": "returns on capital",
    "leverage": "debt against equity and earnings",
    "liquidity": "current and quick ratio",
    "quality": "earnings quality and warning signs",
    "shares": "share counts and dilution",
    "per_share": "revenue, free cash flow and book value per share",
    "valuation": "multiples, discounted cash flow, scenarios",
    "analyst": "price targets and opinions",
    "peer": "the same figures of each comparable company",
    "peers": "the median of comparable companies and the distance to it",
    "stat": "figures the provider states about the company",
    "scorecard": "the pillars and their total",
    "assumption": "assumptions that the computations state",
    "series": "how many days of data a computation covers",
    "fx": "currency rates used",
}
