"""Versions of the tables, asked without Alembic and compared with it."""

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.config import Config
from alembic.script import ScriptDirectory

from crew.settings import Settings
from crew.store.engine import make_engine
from crew.store.migrate import MIGRATIONS, VERSION_TABLE, current_version, newest_version, serves, upgrade


def test_the_newest_version_is_alembics_head() -> None:
    """The number in the last file's name is the one head of the migrations."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))

    assert ScriptDirectory.from_config(config).get_heads() == [newest_version()]


def test_a_database_knows_its_version(tmp_path: Path) -> None:
    """Before the first migration there is none, afterwards it is the newest."""
    engine = make_engine(Settings(data_dir=tmp_path))
    before = current_version(engine)
    upgrade(engine)

    assert (before, current_version(engine)) == (None, newest_version())
    engine.dispose()


def test_a_newer_database_serves_an_older_release(tmp_path: Path) -> None:
    """After a rollback the database is ahead: it is served, and left alone by the older release's migration."""
    engine = make_engine(Settings(data_dir=tmp_path))
    upgrade(engine)
    with engine.begin() as connection:
        connection.execute(sa.text(f"UPDATE {VERSION_TABLE} SET version_num = '9998'"))
    upgrade(engine)

    assert current_version(engine) == "9998"
    assert [serves(version) for version in ("9998", newest_version(), "0000", None)] == [True, True, False, False]
    engine.dispose()


def test_a_migration_cut_off_leaves_nothing(tmp_path: Path) -> None:
    """A process that ends in the middle of a migration leaves the tables as they were, so that the next one can begin."""
    engine = make_engine(Settings(data_dir=tmp_path))

    def cut_off(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if "webhook_endpoints" in statement:
            raise InterruptedError(statement)

    sa.event.listen(engine, "before_cursor_execute", cut_off)
    with pytest.raises(InterruptedError):
        upgrade(engine)
    sa.event.remove(engine, "before_cursor_execute", cut_off)
    left = sa.inspect(engine).get_table_names()
    upgrade(engine)

    assert (left, current_version(engine)) == ([], newest_version())
    engine.dispose()
