"""Pure functions from market data to evidence."""
