"""Who is asking: the principal of a request, found by its API key, and what it may do."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from threading import Lock
from time import monotonic

from api.problems import Problem
from api.rates import Rates
from crew.store.keys import ApiKey, KeyLimits, KeyStore, Scope
from crew.store.keytext import KeyText, read_key
from crew.store.tickets import TicketStore

LOCAL_TENANT = "local"
_REMEMBERED_S = 5.0
_MOST_REMEMBERED = 10_000


@dataclass(frozen=True)
class Principal:
    """The tenant that owns what the request touches, the key it came with (None without one), the key's scopes and limits.

    `only` are the analyses that a ticket opens; None without a ticket.
    """

    tenant: str
    key_id: str | None
    scopes: frozenset[Scope]
    limits: KeyLimits
    only: frozenset[str] | None = None

    def sees(self, analysis_id: str) -> bool:
        """Whether an analysis of the tenant's may be shown: a ticket opens only those that it was made for."""
        return self.only is None or analysis_id in self.only

    def require(self, scope: Scope) -> None:
        """Check that `scope` is allowed; `admin` allows everything.

        Raises:
            Problem: it is not.
        """
        if scope not in self.scopes and "admin" not in self.scopes:
            raise Problem("forbidden", f"This needs an API key with the scope `{scope}`.")


LOCAL = Principal(LOCAL_TENANT, None, frozenset({"read", "run", "admin"}), KeyLimits())


class Authenticator:
    """Turns an Authorization header into a principal.

    A key that was found is remembered for a few seconds, so that reads do not each pay for a look into the database.

    Args:
        keys: where keys are kept.
        rates: counts failed attempts by address.
        tickets: opens streams to browsers.
        required: whether a request without a key is refused; otherwise it is the local tenant.
        clock: gives the time in UTC.
    """

    def __init__(self, keys: KeyStore, rates: Rates, *, tickets: TicketStore, required: bool, clock: Callable[[], datetime]) -> None:
        self._keys = keys
        self._tickets = tickets
        self._rates = rates
        self._required = required
        self._clock = clock
        self._remembered: dict[bytes, tuple[float, ApiKey]] = {}
        self._generation = 0
        self._lock = Lock()

    def principal(self, authorization: str | None, address: str) -> Principal:
        """Who sends `authorization` from `address`.

        Raises:
            Problem: the key is missing, malformed, unknown, expired or revoked, or too many such attempts came from the address.
        """
        if authorization is None and not self._required:
            return LOCAL
        self._rates.check_failures(address)
        key = self._known(authorization or "")
        if key is None or not self._valid(key):
            if authorization is not None:
                self._rates.count_failure(address)
            raise Problem("unauthorized", "The API key is missing, malformed, unknown, expired or revoked.")
        return Principal(key.tenant, key.id, frozenset(key.scopes), key.limits)

    def by_ticket(self, ticket: str, address: str) -> Principal:
        """Whom a stream ticket stands for; it is used up.

        Raises:
            Problem: the ticket is unknown, used or too old, its key is no longer valid, or too many such attempts came from the address.
        """
        self._rates.check_failures(address)
        found = self._tickets.redeem(ticket)
        key = self._keys.get(found.key_id, tenant=found.tenant) if found is not None and found.key_id is not None else None
        if found is None or (key is not None and not self._valid(key)):
            self._rates.count_failure(address)
            raise Problem("unauthorized", "The ticket is unknown, used already, or more than a minute old: get a new one.")
        return Principal(found.tenant, found.key_id, frozenset({"read"}), key.limits if key else KeyLimits(), found.analysis_ids)

    def _valid(self, key: ApiKey) -> bool:
        return key.revoked_at is None and (key.expires_at is None or key.expires_at > self._clock())

    def forget(self) -> None:
        """Look every key up anew, because one was changed."""
        with self._lock:
            self._generation += 1
            self._remembered.clear()

    def _known(self, authorization: str) -> ApiKey | None:
        # By the hash of the whole header: no secret is kept, and none but a header that was good before is found.
        seen = sha256(authorization.encode("utf-8", "surrogatepass")).digest()
        remembered = self._remembered.get(seen)
        if remembered is not None and monotonic() - remembered[0] < _REMEMBERED_S:
            return remembered[1]
        generation = self._generation
        kind, _, text = authorization.partition(" ")
        sent = read_key(text.strip()) if kind.lower() == "bearer" else None
        found = self._look_up(sent) if sent is not None else None
        if found is not None:
            with self._lock:
                if len(self._remembered) >= _MOST_REMEMBERED:
                    self._remembered.clear()
                # Found before a key was changed and ready only now: it may be the one.
                if generation == self._generation:
                    self._remembered[seen] = (monotonic(), found)
        return found

    def _look_up(self, sent: KeyText) -> ApiKey | None:
        found = self._keys.find(sent.lookup)
        if found is None or not sent.matches(found[1]):
            return None
        self._keys.touch(found[0])
        return found[0]
