"""SQLite's one writer among the threads of a process: they take turns, in the order in which they came.

SQLite lets a thread that finds another one writing sleep for a while and then try again, so that whoever comes at the right moment is
served and others wait on: measured, one of sixteen analyses stood still for three seconds. Other processes are still waited for in that way.
"""

import sqlite3
import threading
import weakref
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

# What Python's driver begins a transaction for by itself, and the word that begins one.
_WRITES = ("INSERT", "UPDATE", "DELETE", "REPLACE", "BEGIN")


class Turns:
    """A lock that is handed on in the order in which it was asked for."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._taken = False
        self._waiting: deque[threading.Lock] = deque()

    def take(self, *, within_s: float) -> bool:
        """Wait for the turn; False when it did not come within the time."""
        mine = threading.Lock()
        with self._guard:
            if not self._taken:
                self._taken = True
                return True
            mine.acquire()
            self._waiting.append(mine)
        try:
            came = mine.acquire(timeout=within_s)
        except BaseException:
            if not self._leave(mine):
                self.hand_on()
            raise
        return came or not self._leave(mine)

    @property
    def waiting(self) -> int:
        """How many wait."""
        with self._guard:
            return len(self._waiting)

    def hand_on(self) -> None:
        """Give the turn to whoever has waited longest."""
        with self._guard:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._taken = False

    def _leave(self, mine: threading.Lock) -> bool:
        """Wait no longer; False when the turn has come at the last moment."""
        with self._guard:
            if mine in self._waiting:
                self._waiting.remove(mine)
                return True
        return False


class _Cursor(sqlite3.Cursor):
    """A cursor that waits for the turn before a statement that begins a transaction."""

    connection: "TurnConnection"

    def execute(self, sql: str, /, *parameters: Any) -> "_Cursor":
        return self._in_turn(super().execute, sql, *parameters)

    def executemany(self, sql: str, /, *parameters: Any) -> "_Cursor":
        return self._in_turn(super().executemany, sql, *parameters)

    def _in_turn(self, run: Callable[..., Any], sql: str, *parameters: Any) -> "_Cursor":
        if not self.connection.in_transaction and sql.lstrip()[:7].upper().startswith(_WRITES):
            self.connection.take_turn()
            try:
                run(sql, *parameters)
            finally:
                self.connection.end_turn()
        else:
            run(sql, *parameters)
        return self


class TurnConnection(sqlite3.Connection):
    """A connection whose transactions take turns with those of the same process on the same file."""

    def __init__(self, database: str, *, timeout: float = 5.0, **named: Any) -> None:
        super().__init__(database, timeout=timeout, **named)
        self._turns = _turns_on(str(Path(database).resolve()))
        self._patience_s = timeout
        self._has_turn = False

    def cursor(self, factory: Any = _Cursor) -> Any:
        """See `sqlite3.Connection.cursor`."""
        return super().cursor(factory)

    def take_turn(self) -> None:
        """Wait for the turn.

        Raises:
            sqlite3.OperationalError: it did not come within the connection's timeout, as when another process has the lock for so long.
        """
        if not self._has_turn:
            if not self._turns.take(within_s=self._patience_s):
                raise sqlite3.OperationalError("database is locked")
            self._has_turn = True

    def end_turn(self) -> None:
        """Hand the turn on, unless a transaction is under way."""
        if self._has_turn and not self.in_transaction:
            self._has_turn = False
            self._turns.hand_on()

    def commit(self) -> None:
        """See `sqlite3.Connection.commit`."""
        try:
            super().commit()
        finally:
            self.end_turn()

    def rollback(self) -> None:
        """See `sqlite3.Connection.rollback`."""
        try:
            super().rollback()
        finally:
            self.end_turn()

    def close(self) -> None:
        """See `sqlite3.Connection.close`."""
        try:
            super().close()
        finally:
            if self._has_turn:
                self._has_turn = False
                self._turns.hand_on()


_known: "weakref.WeakValueDictionary[str, Turns]" = weakref.WeakValueDictionary()
_known_guard = threading.Lock()


def _turns_on(file: str) -> Turns:
    with _known_guard:
        return _known.setdefault(file, Turns())
