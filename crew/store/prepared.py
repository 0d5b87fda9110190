"""The reads that clients repeat most, run on the database's driver: SQLAlchemy takes several times as long as the database does (ADR 60)."""

from collections import namedtuple
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from crew.errors import StoreUnavailable

Values = tuple[Any, ...]


class Prepared:
    """One SELECT on the connections of `engine`, written out once.

    Args:
        engine: the database.
        query: takes parameters by name and finds one row at most.
    """

    def __init__(self, engine: sa.Engine, query: sa.Select[Any]) -> None:
        dialect = engine.dialect
        compiled = query.compile(dialect=dialect)
        columns = list(query.selected_columns)
        self._engine = engine
        self._text = str(compiled)
        self._order: tuple[str, ...] | None = tuple(compiled.positiontup) if compiled.positional and compiled.positiontup else None
        self._row = _maker([column.name for column in columns])
        self._conversions = [column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns]

    def values(self, **parameters: str) -> Values | None:
        """The row as the driver gives it, for comparing; None when there is none.

        Raises:
            StoreUnavailable: the database cannot be used.
        """
        dbapi = self._engine.dialect.loaded_dbapi
        failures = (dbapi.Error, sa.exc.DBAPIError, sa.exc.TimeoutError)
        sent = parameters if self._order is None else [parameters[name] for name in self._order]
        try:
            connection = self._engine.raw_connection()
        except failures as error:
            raise StoreUnavailable(f"the database cannot be used: {error}") from error
        try:
            cursor = connection.cursor()
            cursor.execute(self._text, sent)
            found: Values | None = cursor.fetchone()
        except failures as error:
            # Whether the connection is still good is not looked into: the next read takes another one.
            connection.invalidate(error)
            raise StoreUnavailable(f"the database cannot be used: {error}") from error
        finally:
            # Ends the transaction too, where the driver began one.
            connection.close()
        return found

    def row(self, values: Values) -> Any:
        """`values` as SQLAlchemy would give them, by the columns' names: SQLite, for one, has moments as text."""
        return self._row(value if convert is None else convert(value) for value, convert in zip(values, self._conversions, strict=True))


def _maker(names: Sequence[str]) -> Callable[[Iterable[Any]], Any]:
    shape: Any = namedtuple("Row", names)  # type: ignore[misc]  # noqa: PYI024 - the names come with the query
    make: Callable[[Iterable[Any]], Any] = shape._make
    return make
