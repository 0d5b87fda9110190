"""Live Yahoo Finance through the real yfinance: paced, cached, and failing in our own words."""

from crew.market.providers.yahoo.provider import YahooMarketData

__all__ = ["YahooMarketData"]
