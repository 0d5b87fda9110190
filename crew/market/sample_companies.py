"""What the sample data set says about its instruments beyond the figures of its source: our own line about each, and facts of the listing."""

from typing import Any

# `peers` are companies of the set in a like business; a car maker and a bank have none there.
# `one_share_class`: the source's count of shares leaves out the other classes.
LISTINGS: dict[str, dict[str, Any]] = {
    "AAPL": {"about": "Makes phones, computers, tablets and wearables and sells services to their owners.", "peers": ["MSFT", "GOOGL"]},
    "MSFT": {"about": "Sells software, cloud computing, professional networking and games.", "peers": ["AAPL", "GOOGL", "AMZN"]},
    "NVDA": {"about": "Designs graphics and data-centre processors and the software that runs on them.", "peers": ["AAPL", "MSFT"]},
    "TSLA": {"about": "Makes electric cars, batteries and solar equipment.", "peers": []},
    "AMZN": {"about": "Runs online shops, logistics, advertising and cloud computing.", "peers": ["GOOGL", "MSFT"]},
    "GOOGL": {
        "about": "Runs a search engine, a video platform, advertising and cloud computing.",
        "peers": ["META", "MSFT", "AMZN"],
        "one_share_class": True,
    },
    "META": {"about": "Runs social networks and messaging services paid for by advertising.", "peers": ["GOOGL", "MSFT"], "one_share_class": True},
    "JPM": {"about": "A universal bank: consumer and commercial banking, investment banking and asset management.", "peers": []},
    "SPY": {"name": "SPDR S&P 500 ETF Trust", "quote_type": "etf", "exchange": "PCX", "about": "A fund that tracks the S&P 500 index."},
    "GLD": {"name": "SPDR Gold Shares", "quote_type": "etf", "exchange": "PCX", "about": "A fund that holds gold bullion."},
    "PETR4.SA": {
        "name": "Petróleo Brasileiro S.A. - Petrobras",
        "currency": "BRL",
        "exchange": "SAO",
        "country": "Brazil",
        "sector": "Energy",
        "industry": "Oil & Gas Integrated",
        "about": "Finds, produces, refines and sells oil and gas, mainly in Brazil.",
        "peers": [],
        "dividends_in_prices": True,
        "prices_retrieved": "2026-06-29",
    },
}
