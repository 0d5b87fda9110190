"""Load tests: k6 scenarios, and the Python that runs, sums up, judges and compares them."""
