"""Market data: the port, its providers, and the cut to an as-of date."""
