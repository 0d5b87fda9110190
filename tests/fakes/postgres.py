"""Databases of their own on the PostgreSQL server that tests are given."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa

SERVER = os.environ.get("STOCKCREW_TEST_POSTGRES_URL")


@contextmanager
def fresh_database() -> Iterator[str]:
    """The URL of an empty database, which is dropped at the end. Without a server the test is skipped."""
    if SERVER is None:
        pytest.skip("PostgreSQL is missing: set STOCKCREW_TEST_POSTGRES_URL to a server where databases may be created")
    name = f"stockcrew_{uuid.uuid4().hex[:12]}"
    server = sa.create_engine(SERVER.replace("postgresql://", "postgresql+psycopg://"), isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    try:
        yield f"{SERVER.rsplit('/', 1)[0]}/{name}"
    finally:
        with server.connect() as connection:
            connection.execute(sa.text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
        server.dispose()
