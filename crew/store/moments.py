"""Moments as the databases give them back: SQLite keeps no time zone, and everything written is UTC."""

from datetime import UTC, datetime


def aware(moment: datetime) -> datetime:
    """`moment` with its time zone."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def maybe_aware(moment: datetime | None) -> datetime | None:
    """The same, for a column that may be empty."""
    return None if moment is None else aware(moment)
