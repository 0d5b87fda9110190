"""The database brought to this version: our tables, the job engine's, and the queue."""

import logging

import sqlalchemy as sa
from dbos import DBOSClient, run_dbos_database_migrations

from crew.errors import ConfigurationError, StoreUnavailable
from crew.jobs.names import APPLICATION, QUEUE
from crew.jobs.serializer import JsonSerializer
from crew.settings import Settings
from crew.store.engine import make_engine
from crew.store.keys import KeyStore
from crew.store.migrate import current_version, newest_version, serves, upgrade


def migrate(settings: Settings) -> None:
    """Apply every missing migration. Safe to run again and beside a running service of the version before.

    Raises:
        ConfigurationError: STOCKCREW_BOOTSTRAP_KEY is no key.
        StoreUnavailable: the database cannot be reached or written.
    """
    engine = make_engine(settings)
    # Alembic and DBOS tell each step at INFO, which belongs to an operator's console only when something is wrong.
    for noisy in ("alembic", "dbos"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    try:
        with engine.connect():
            pass  # a server that is not there is found here: the engine would wait for it and then end in a traceback
        run_dbos_database_migrations(system_database_url=settings.resolved_database_url)
        client = DBOSClient(system_database_engine=engine, serializer=JsonSerializer(), application_name=APPLICATION)
        client.register_queue(QUEUE, worker_concurrency=settings.worker_concurrency, polling_interval_sec=settings.poll_interval_s)
        client.destroy()
        # Last, since our version is what tells whether all of this has been done.
        upgrade(engine)
        _see_to_the_bootstrap_key(engine, settings)
    except sa.exc.DBAPIError as error:
        raise StoreUnavailable(f"the database cannot be brought up to date: {str(error.orig).strip()}") from error
    finally:
        engine.dispose()


def _see_to_the_bootstrap_key(engine: sa.Engine, settings: Settings) -> None:
    if settings.bootstrap_key is None:
        return
    try:
        KeyStore(engine).adopt(settings.bootstrap_key.get_secret_value(), tenant="default", name="bootstrap", scopes=("read", "run", "admin"))
    except ValueError as error:
        raise ConfigurationError(f"STOCKCREW_BOOTSTRAP_KEY cannot be used, {error}: make one with `stockcrew keys generate`") from None


def ensure_migrated(settings: Settings) -> None:
    """Migrate when `local`; elsewhere only look.

    Raises:
        ConfigurationError: the database is not up to date and this is not `local`.
        StoreUnavailable: the database cannot be reached or written.
    """
    if settings.env == "local":
        migrate(settings)
        return
    engine = make_engine(settings)
    try:
        found = current_version(engine)
    except sa.exc.DBAPIError as error:
        raise StoreUnavailable(f"the database cannot be reached: {str(error.orig).strip()}") from error
    finally:
        engine.dispose()
    if not serves(found):
        raise ConfigurationError(
            f"the database is at version {found or 'none'}, this release needs {newest_version()}: run `stockcrew migrate` first"
        )
