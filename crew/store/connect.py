"""One transaction on the database, with its failures turned into ours, and transactions that wait for each other."""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, IntegrityError

from crew.errors import StoreUnavailable


@contextmanager
def connected(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A connection in a transaction, kept at the end and undone by any error.

    Raises:
        IntegrityError: a row is in the way.
        StoreUnavailable: the database cannot be used.
    """
    try:
        with engine.begin() as connection:
            yield connection
    except IntegrityError:
        raise
    except (DBAPIError, sa.exc.TimeoutError) as error:
        raise StoreUnavailable(f"the database cannot be used: {_reason(error)}") from error


def one_at_a_time(connection: sa.Connection, name: str) -> None:
    """Let the transaction wait for those that said the same `name`, and keep later ones waiting until it ends.

    What is read afterwards stays true until then, as far as all that change it say the name. On SQLite one name is as good as another: only one
    transaction writes. It must be said before reading, because there a transaction begins with the first statement that writes.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext(name))))
    elif not connection.connection.driver_connection.in_transaction:  # type: ignore[union-attr]
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _reason(error: Exception) -> str:
    lines = str(getattr(error, "orig", None) or error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
