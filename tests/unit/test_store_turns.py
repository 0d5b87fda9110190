"""Turns of the threads that write to SQLite: in the order in which they came, lost by nobody, for no longer than a transaction."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from fakes.waiting import until

from crew.store.turns import TurnConnection, Turns


@pytest.fixture
def connect(tmp_path: Path) -> Iterator[Callable[..., TurnConnection]]:
    """Makes connections to one file with a table of unique numbers."""
    made: list[TurnConnection] = []

    def connect(*, timeout: float = 10.0) -> TurnConnection:
        connection = sqlite3.connect(tmp_path / "a.db", timeout=timeout, isolation_level="IMMEDIATE", check_same_thread=False, factory=TurnConnection)
        made.append(connection)
        return connection

    with closing(connect()) as first:
        first.execute("PRAGMA journal_mode=WAL")
        first.execute("CREATE TABLE numbers (number INTEGER PRIMARY KEY)")
        yield connect
    for one in made:
        one.close()


def write(connection: TurnConnection, number: int) -> None:
    """Begin a transaction and write a number in it."""
    connection.cursor().execute("INSERT INTO numbers VALUES (?)", (number,))


def test_the_turn_goes_to_whoever_has_waited_longest() -> None:
    """Eight threads that came one after the other get the turn in that order, and one at a time."""
    turns, order, threads = Turns(), list[int](), list[threading.Thread]()
    assert turns.take(within_s=0)

    def work(number: int) -> None:
        assert turns.take(within_s=10)
        order.append(number)
        turns.hand_on()

    for number in range(8):
        threads.append(threading.Thread(target=work, args=(number,)))
        threads[-1].start()
        until(lambda count=number + 1: turns.waiting == count)
    turns.hand_on()
    for thread in threads:
        thread.join(10)

    assert order == list(range(8))
    assert turns.take(within_s=0)


def test_who_gave_up_waiting_is_not_given_the_turn() -> None:
    """A turn that did not come in time is nobody's: the next one to ask gets it."""
    turns = Turns()
    assert turns.take(within_s=0)
    assert not turns.take(within_s=0.01)
    assert turns.waiting == 0
    turns.hand_on()
    assert turns.take(within_s=0)


def test_a_transaction_of_one_connection_keeps_another_ones_waiting(connect: Callable[..., TurnConnection]) -> None:
    """The second writer begins when the first has committed, and both numbers are there."""
    one, other, began = connect(), connect(), threading.Event()
    write(one, 1)

    def second() -> None:
        write(other, 2)
        began.set()
        other.commit()

    thread = threading.Thread(target=second)
    thread.start()
    assert not began.wait(0.2)
    one.commit()
    assert began.wait(10)
    thread.join(10)
    assert one.cursor().execute("SELECT number FROM numbers ORDER BY number").fetchall() == [(1,), (2,)]


@pytest.mark.parametrize(("end", "kept"), [("commit", [(1,), (2,)]), ("rollback", [(2,)]), ("close", [(2,)])])
def test_whatever_ends_a_transaction_hands_the_turn_on(connect: Callable[..., TurnConnection], end: str, kept: list[tuple[int]]) -> None:
    """After a commit, a rollback, or a connection closed in the middle, the next writer need not wait, and has its number kept."""
    one, other = connect(), connect(timeout=0.2)
    write(one, 1)
    getattr(one, end)()
    write(other, 2)
    other.commit()
    assert other.cursor().execute("SELECT number FROM numbers ORDER BY number").fetchall() == kept


def test_a_statement_that_fails_keeps_the_turn_for_its_transaction_only(connect: Callable[..., TurnConnection]) -> None:
    """A number that is there already fails as it always did; once its transaction is undone others may write."""
    one, other = connect(), connect(timeout=0.2)
    write(one, 1)
    one.commit()
    with pytest.raises(sqlite3.IntegrityError):
        write(one, 1)
    one.rollback()
    write(other, 2)
    other.commit()


def test_a_turn_that_does_not_come_is_a_locked_database(connect: Callable[..., TurnConnection]) -> None:
    """Who waits longer than the connection's timeout is told what SQLite tells, and the other's transaction is untouched."""
    one, other = connect(), connect(timeout=0.05)
    write(one, 1)
    with pytest.raises(sqlite3.OperationalError, match="database is locked"):
        write(other, 2)
    one.commit()
    assert other.cursor().execute("SELECT number FROM numbers").fetchall() == [(1,)]


def test_a_lock_of_another_process_does_not_keep_the_turn(connect: Callable[..., TurnConnection], tmp_path: Path) -> None:
    """When SQLite itself refuses to begin, the turn goes on to the next: here after the stranger has let go."""
    one, other = connect(timeout=0.05), connect()
    with closing(sqlite3.connect(tmp_path / "a.db", isolation_level=None)) as stranger:
        stranger.execute("BEGIN IMMEDIATE")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            write(one, 1)
        stranger.execute("ROLLBACK")
    write(other, 2)
    other.commit()


def test_reading_waits_for_nobody(connect: Callable[..., TurnConnection]) -> None:
    """A reader sees what was committed while another connection writes."""
    one, other = connect(), connect(timeout=0.05)
    write(one, 1)
    assert other.cursor().execute("SELECT count(*) FROM numbers").fetchone() == (0,)
    one.rollback()


def test_sixteen_threads_write_their_share(connect: Callable[..., TurnConnection]) -> None:
    """Many threads with a connection each lose nothing, and many rows in one statement take a turn as well."""

    def work(thread: int) -> None:
        with closing(connect()) as mine:
            for number in range(20):
                write(mine, 1000 * thread + number)
                mine.commit()
            mine.cursor().executemany("INSERT INTO numbers VALUES (?)", [(1000 * thread + number,) for number in range(20, 40)])
            mine.commit()

    threads = [threading.Thread(target=work, args=(thread,)) for thread in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert connect().cursor().execute("SELECT count(*) FROM numbers").fetchone() == (640,)
