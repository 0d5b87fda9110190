"""Our own tables brought to this version, and the question whether they are."""

from functools import cache
from pathlib import Path

import sqlalchemy as sa

from crew.store.connect import one_at_a_time

MIGRATIONS = Path(__file__).parent / "migrations"
VERSION_TABLE = "stockcrew_version"


def upgrade(engine: sa.Engine) -> None:
    """Apply every migration that is missing, in one transaction; none to a database that a newer release has migrated already.

    Processes that do so at the same time go one after another.
    """
    # Only who migrates pays for Alembic: the API asks for versions with every look at its readiness.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        # On SQLite this also opens the transaction, which the driver does before a row is written but not before a table is made.
        one_at_a_time(connection, "migrations")
        if (found := _version(connection)) is not None and found > newest_version():
            return
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


@cache
def newest_version() -> str:
    """The version this code needs: the number in the name of the last migration, which is its revision."""
    return max(path.name[1:5] for path in (MIGRATIONS / "versions").glob("v[0-9][0-9][0-9][0-9]_*.py"))


def serves(found: str | None) -> bool:
    """Whether a database at version `found` serves this code: at the version it needs, or a newer one.

    A newer one is what a release meets while its successor is rolled out, and after a rollback. Migrations therefore first add, and
    take away only what no release in use needs any more.
    """
    return found is not None and found >= newest_version()


def current_version(engine: sa.Engine) -> str | None:
    """The version the database has; None when it was never migrated."""
    with engine.connect() as connection:
        return _version(connection)


def _version(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table(VERSION_TABLE):
        return None
    found: str | None = connection.execute(sa.text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar_one_or_none()  # noqa: S608 - a constant
    return found
