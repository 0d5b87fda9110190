"""What the door remembers of API keys."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from api.auth import Authenticator
from api.counters import MemoryCounters
from api.problems import Problem
from api.rates import Rates
from crew.settings import Settings
from crew.store.engine import make_engine
from crew.store.keys import ApiKey, KeyStore
from crew.store.migrate import upgrade
from crew.store.tickets import TicketStore


class Watched(KeyStore):
    """A key store that counts looks and lets something happen after one."""

    looks = 0
    then: Callable[[], None] = staticmethod(lambda: None)

    def find(self, lookup: str) -> tuple[ApiKey, str] | None:
        """The key."""
        found = super().find(lookup)
        self.looks += 1
        self.then()
        return found


def test_a_key_revoked_while_it_was_looked_up_is_not_remembered(tmp_path: Path) -> None:
    """A good key is looked up once in a while; a change that comes between its look-up and its being remembered keeps it out."""
    settings = Settings(data_dir=tmp_path)
    engine = make_engine(settings)
    upgrade(engine)
    keys = Watched(engine)
    rates, tickets = Rates(settings, MemoryCounters()), TicketStore(engine, clock=lambda: datetime.now(UTC))
    auth = Authenticator(keys, rates, tickets=tickets, required=True, clock=lambda: datetime.now(UTC))
    key, text = keys.issue("local", tenant="t", name="n", scopes=["read"])

    def revoke() -> None:
        keys.end(key.id, tenant="t", at=datetime.now(UTC))
        auth.forget()

    for _ in range(3):
        assert auth.principal(f"Bearer {text}", "1.1.1.1").key_id == key.id
    assert keys.looks == 1
    auth.forget()
    keys.then = revoke
    assert auth.principal(f"Bearer {text}", "1.1.1.1").key_id == key.id  # was good when it was looked up
    keys.then = lambda: None
    with pytest.raises(Problem):
        auth.principal(f"Bearer {text}", "1.1.1.1")
    engine.dispose()
