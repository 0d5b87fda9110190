"""Where the files lie that the door serves."""

from pathlib import Path

# Served as it is: a test sees to it that it is what the code gives, and starting need not build it.
SNAPSHOT = Path(__file__).parent / "openapi.snapshot.json"
