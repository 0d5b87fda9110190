"""StockCrew's analysis: market data in, grounded report out. Knows nothing of HTTP."""

__version__ = "0.1.0"
