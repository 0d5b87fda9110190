"""The report composed and rendered."""
