"""The HTTP door to the crew."""
