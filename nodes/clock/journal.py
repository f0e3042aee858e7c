"""The journal of commands: they are on disk before anybody is told that they were accepted."""

import sqlite3
from contextlib import closing
from pathlib import Path

from bus.protocol.codec import decode, encode
from bus.protocol.messages import Command, Sequenced
from recording.database import read_only

_SCHEMA = """
CREATE TABLE IF NOT EXISTS epochs (epoch INTEGER PRIMARY KEY AUTOINCREMENT, started REAL NOT NULL);
CREATE TABLE IF NOT EXISTS commands (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    run TEXT NOT NULL,
    seq INTEGER NOT NULL,
    body BLOB NOT NULL
);
"""


BUSY = 0.05
"""Longest wait in seconds for another program that writes."""

UNWRITTEN = "journal cannot be written"


class JournalError(OSError):
    """The journal could not be written; the command was not accepted."""


class JournalLockedError(JournalError):
    """Another program writes to the journal, or keeps it locked."""


class FencedError(RuntimeError):
    """Another clock has taken over; this one must not decide anything more."""


class Journal:
    """Commands in the order of their acceptance, each with the tick at which it acts.

    SQLite with a write-ahead log and synchronous=FULL: a committed row survives a killed process and a power cut.
    Nothing here waits for another program longer than BUSY: the clock's own loop calls it.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._epoch = 0
        try:
            # Transactions are begun by hand: Python's own would commit at times of its choosing, and a commit is what a
            # client is promised.
            self._database = sqlite3.connect(path, isolation_level=None, timeout=BUSY)
        except sqlite3.Error as error:
            raise JournalError(f"journal {path} cannot be opened: {error}") from error
        try:
            self._database.execute("PRAGMA journal_mode=WAL")
            # In WAL mode anything less syncs only at checkpoints: a power cut would take commands that were answered.
            self._database.execute("PRAGMA synchronous=FULL")
            # AUTOINCREMENT: a number that was used once is never used again, not even after its row was deleted. Epochs
            # depend on that.
            self._database.executescript(_SCHEMA)
        except sqlite3.Error as error:
            self._database.close()
            raise _failure(f"journal {path} cannot be opened", error) from error

    def next_epoch(self, wall: float) -> int:
        """Number of this incarnation of the clock, greater than every one before.

        Raises:
            JournalError: if it cannot be written.
        """
        try:
            cursor = self._database.execute("INSERT INTO epochs (started) VALUES (?)", (wall,))
        except sqlite3.Error as error:
            raise _failure(UNWRITTEN, error) from error
        self._epoch = int(cursor.lastrowid or 0)
        return self._epoch

    def reserve(self) -> None:
        """Make sure that the next command can be written, before a tick is promised to it.

        `append` or `release` ends it.

        Raises:
            JournalLockedError: if another program keeps the journal locked.
            JournalError: if it cannot be written.
        """
        if self._database.in_transaction:
            return
        try:
            # Immediate: the lock is taken now, when the command can still be refused, and not at the insert, when it
            # has been promised a tick.
            self._database.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            raise _failure(UNWRITTEN, error) from error

    def release(self) -> None:
        """Give up a reservation, if there is one: nothing is to be written after all."""
        if self._database.in_transaction:
            self._database.execute("ROLLBACK")

    def append(self, command: Command, run: str, seq: int) -> None:
        """Make one command durable.

        Raises:
            FencedError: if a newer clock writes this journal; this one must end.
            JournalError: if it cannot be written; then nothing was.
        """
        self.reserve()
        try:
            cursor = self._database.execute(
                # The fence is part of the insert, and so of its transaction: a clock that slept through its replacement
                # cannot write between a check and the insert.
                "INSERT INTO commands (id, run, seq, body) SELECT ?, ?, ?, ? WHERE (SELECT MAX(epoch) FROM epochs) = ?",
                (command.id, run, seq, encode(command), self._epoch),
            )
            self._database.execute("COMMIT")
        except sqlite3.Error as error:
            self.release()
            raise _failure(UNWRITTEN, error) from error
        # Nothing was inserted and nothing failed, so it was the fence. The process ends here, since from now on it must
        # not answer anybody.
        if cursor.rowcount != 1:
            raise FencedError(f"epoch {self._epoch} of this clock is over: a newer one writes the journal")

    def find(self, command_id: str) -> tuple[Sequenced, Command] | None:
        """The first answer to a command, and that command; None for an id that was never accepted.

        Raises:
            JournalError: if it cannot be read.
        """
        try:
            # By id over all runs: a client that repeats a command after a reset must get its old answer and not a
            # second effect.
            row = self._database.execute("SELECT run, seq, body FROM commands WHERE id = ?", (command_id,)).fetchone()
        except sqlite3.Error as error:
            raise _failure("journal cannot be read", error) from error
        return None if row is None else (Sequenced(id=command_id, run=row[0], seq=row[1]), decode(row[2], Command))

    def commands(self, run: str) -> list[tuple[int, Command]]:
        """All commands of a run as (tick, command), in order.

        Raises:
            JournalError: if it cannot be read.
        """
        try:
            rows = self._database.execute("SELECT seq, body FROM commands WHERE run = ? ORDER BY position", (run,))
            return [(seq, decode(body, Command)) for seq, body in rows]
        except sqlite3.Error as error:
            raise _failure("journal cannot be read", error) from error

    def close(self) -> None:
        """Close the file."""
        self._database.close()


def _failure(text: str, error: sqlite3.Error) -> JournalError:
    # The low byte is the primary code; the others say which kind of lock it was.
    locked = getattr(error, "sqlite_errorcode", 0) & 0xFF in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
    kind = JournalLockedError if locked else JournalError
    return kind(f"{text}: {'another program keeps it locked' if locked else error}")


def read_commands(path: Path, run: str) -> list[tuple[int, Command]]:
    """All journaled commands of a run as (tick, command), in order, beside a clock that may be writing.

    Raises:
        JournalError: if there is no journal that can be read.
    """
    try:
        # Read-only, without the fence and without making tables: looking at a journal must not change it.
        with closing(read_only(path)) as database:
            rows = database.execute("SELECT seq, body FROM commands WHERE run = ? ORDER BY position", (run,)).fetchall()
    except sqlite3.Error as error:
        raise JournalError(f"journal {path} cannot be read: {error}") from error
    return [(seq, decode(body, Command)) for seq, body in rows]
