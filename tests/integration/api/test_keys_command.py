"""`stockcrew keys`, and the service that takes the key."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests
from click.testing import CliRunner
from pydantic import SecretStr

from crew.cli import main
from crew.errors import ConfigurationError
from crew.jobs.migrate import migrate
from crew.settings import Settings
from crew.store.engine import make_engine
from crew.store.keys import KeyStore
from crew.store.keytext import read_key
from crew.store.migrate import upgrade


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., object]:
    """Runs `stockcrew keys …` on a fresh production database."""
    engine = make_engine(Settings(data_dir=tmp_path))
    upgrade(engine)
    engine.dispose()
    environment = {"STOCKCREW_ENV": "production", "STOCKCREW_SECRET_KEY": "k" * 32, "STOCKCREW_DATA_DIR": str(tmp_path)}
    return lambda *arguments: CliRunner(env=environment).invoke(main, ["keys", *arguments])


def test_a_key_from_the_command_line_opens_the_service(run: Callable[..., object], start_server: Callable[..., object], tmp_path: Path) -> None:
    """The printed key is accepted by a production service, and refused after `revoke`."""
    made = run("create", "first", "--scope", "read")
    text = made.stdout.strip()
    served = start_server(STOCKCREW_ENV="production", STOCKCREW_SECRET_KEY="k" * 32, STOCKCREW_DATA_DIR=str(tmp_path))
    headers = {"Authorization": f"Bearer {text}"}
    statuses = [requests.get(f"{served.url}/v1/analyses", headers=sent, timeout=60).status_code for sent in ({}, headers)]
    listed = run("list").stdout
    revoked = run("revoke", listed.split()[0])

    assert (made.exit_code, revoked.exit_code, statuses) == (0, 0, [401, 200])
    assert text not in listed
    assert "first" in listed
    assert "revoked" in run("list").stdout


def test_an_unknown_key_cannot_be_revoked(run: Callable[..., object]) -> None:
    """The command says so in one sentence and fails."""
    result = run("revoke", "key_nope")

    assert result.exit_code == 1
    assert "no such key" in result.stderr


def test_a_bootstrap_key_is_there_after_migrating(tmp_path: Path) -> None:
    """A key made by `generate` works once `migrate` has run with it; a second run changes nothing, not even after it was revoked."""
    text = CliRunner().invoke(main, ["keys", "generate"]).output.strip()
    settings = Settings(data_dir=tmp_path, bootstrap_key=SecretStr(text))
    migrate(settings)
    store = KeyStore(make_engine(settings))
    [key] = store.list()
    store.end(key.id, tenant="default", at=datetime.now(UTC))
    migrate(settings)

    assert (key.tenant, key.name, key.scopes) == ("default", "bootstrap", ("read", "run", "admin"))
    made = read_key(text)
    found = store.find(key.lookup)
    assert made is not None
    assert found is not None
    assert made.matches(found[1])
    assert store.list()[0].revoked_at is not None


@pytest.mark.parametrize("text", ["changeme", "sk_production_aaaaaaaaaaaa_" + "a" * 49])
def test_a_bootstrap_key_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    """Neither a word nor a key with a wrong checksum is taken, and it is not repeated in the message."""
    with pytest.raises(ConfigurationError, match="stockcrew keys generate") as caught:
        migrate(Settings(data_dir=tmp_path, bootstrap_key=SecretStr(text)))

    assert text not in caught.value.message
