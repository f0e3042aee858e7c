"""The SQLite file of one run: rows that are not sealed yet, notes, ticks, and the manifest of what is sealed."""

import os
import re
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from weakref import WeakValueDictionary

from system.parts import new_folder

FILE = "hot.sqlite"
"""Name of the file in a run's folder."""

SEQ_BITS = 40
"""A row's key is its module's number above this many bits of its sequence number."""

MOST_MODULES = 1 << 22

_MODULE = re.compile(r"[A-Za-z0-9_\-]{1,64}")

PAGE = 16384
"""Page size in bytes: a row lies whole in one page, where it can be found even if the file's index is damaged."""

BUSY = 5.0
"""Longest wait in seconds for another writer; a thread that must not wait so long says so with `wait_at_most`."""

_patience = threading.local()

LONGEST = 1 << 25
"""Largest value in bytes that is read; a record has at most half as many."""

_TABLES = """
BEGIN;
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS modules (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS schemas (key INTEGER PRIMARY KEY, record BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS rows (key INTEGER PRIMARY KEY, record BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS notes (
    position INTEGER PRIMARY KEY,
    module INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    kind TEXT NOT NULL,
    identity TEXT NOT NULL,
    record BLOB NOT NULL,
    UNIQUE (module, seq, kind, identity)
);
CREATE TABLE IF NOT EXISTS ticks (first INTEGER PRIMARY KEY, record BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS segments (key INTEGER PRIMARY KEY, record BLOB NOT NULL);
COMMIT;
"""


_NO_DAMAGE = {
    sqlite3.SQLITE_AUTH,
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_INTERRUPT,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_PROTOCOL,
}
"""SQLite's codes for errors that an undamaged file can cause too, such as a full disk or another writer."""


_UNWRITABLE = {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN}
"""SQLite's codes for a log whose index cannot be made."""


class StoreError(OSError):
    """The hot store cannot be read or written; the text says why."""


class DamagedStoreError(StoreError):
    """The hot store is not what was written."""


class _Turn:
    """Who writes to a file next, among the threads of this process."""

    def __init__(self) -> None:
        self.lock = threading.Lock()


_turns: WeakValueDictionary[str, _Turn] = WeakValueDictionary()
_turns_lock = threading.Lock()


class _Writer(sqlite3.Connection):
    """A connection that takes turns with this process's other connections to the same file.

    SQLite itself waits for a lock by trying again, ever more seldom. Beside a thread that commits all the time it can
    fail to meet the moments between the commits for many seconds, on a busy machine without end.
    """

    turn: _Turn
    patience: float
    """Longest wait for a turn [s]."""


def _turn(path: Path) -> _Turn:
    with _turns_lock:
        return _turns.setdefault(os.path.realpath(path), _Turn())


def store_error(path: Path, text: str, error: sqlite3.Error) -> StoreError:
    """The error of a file, of the class that says whether the file is damaged or only out of reach at the moment."""
    code = getattr(error, "sqlite_errorcode", None)  # the module's own errors, such as for text that is none, have none
    # What is not known to be harmless counts as damage: it is then set aside and rebuilt, and nothing of it is deleted.
    damaged = code is None or code & 0xFF not in _NO_DAMAGE
    if code == sqlite3.SQLITE_READONLY:  # a damaged header says so too
        damaged = os.access(path, os.W_OK)
    return (DamagedStoreError if damaged else StoreError)(f"{path} {text}: {error}")


def wait_at_most(seconds: float) -> None:
    """Set how many seconds databases that this thread opens from now on wait for another writer."""
    _patience.seconds = seconds


def open_database(path: Path) -> sqlite3.Connection:
    """Open for writing, and create what is missing. A committed row survives a killed process and a power cut.

    Raises:
        DamagedStoreError: if the file is damaged.
        StoreError: if the disk does not take it.
    """
    connection = None
    patience = getattr(_patience, "seconds", BUSY)
    try:
        connection = sqlite3.connect(
            # Transactions are begun by hand. A connection may go from the thread that opened it to another, but is used
            # by one at a time.
            path,
            isolation_level=None,
            check_same_thread=False,
            timeout=patience,
            factory=_Writer,
        )
        connection.turn, connection.patience = _turn(path), patience
        # Has an effect on a new file alone, and has to come before the first table.
        connection.execute(f"PRAGMA page_size={PAGE}")
        connection.execute("PRAGMA journal_mode=WAL")
        # A commit is the recorder's promise that rows are on disk; in WAL mode anything less would not sync them.
        connection.execute("PRAGMA synchronous=FULL")
        # A long reader lets the log grow; afterwards it is cut back to this instead of staying as large as it once was.
        connection.execute("PRAGMA journal_size_limit=67108864")
        connection.executescript(_TABLES)
    except sqlite3.Error as error:
        if connection is not None:
            connection.close()
        raise store_error(path, "cannot be opened", error) from error
    return connection


def open_reader(path: Path) -> sqlite3.Connection:
    """Open for reading beside a writer.

    Raises:
        StoreError: if there is no such file or it is no database.
    """
    try:
        connection = read_only(path)
        # Whatever a reader does by mistake, the file stays the recorder's.
        connection.execute("PRAGMA query_only=1")
        # Opening alone reads nothing: a file that is no database shows at the first query.
        connection.execute("SELECT count(*) FROM modules").fetchone()
    except sqlite3.Error as error:
        raise StoreError(f"{path} cannot be opened: {error}") from error
    return connection


def read_only(path: Path) -> sqlite3.Connection:
    """Connect to any database for reading: beside a writer, and where nothing can be written.

    A log beside the database (`-wal`) is read through an index that the first reader makes (`-shm`). Where that cannot
    be made, nobody writes either: a database without a log is read as it is, another from a copy with its log.

    Raises:
        sqlite3.Error: if it cannot be read.
    """
    try:
        return _connected(path, "mode=ro")
    except sqlite3.OperationalError as error:
        # The primary code is the low byte; the extended one only says more of the same.
        if error.sqlite_errorcode & 0xFF not in _UNWRITABLE:
            raise
    log = path.with_name(f"{path.name}-wal")
    if not log.exists() or log.stat().st_size == 0:
        return _connected(path, "immutable=1")
    with new_folder(None) as place:  # what is open stays readable after it has gone
        copy = place / path.name
        shutil.copyfile(path, copy)
        shutil.copyfile(log, copy.with_name(log.name))
        return _connected(copy, "mode=rw")


def require_own(path: Path) -> None:
    """Refuse a stranger's database that holds anything which this program does not make, such as a view as a table.

    Raises:
        StoreError: naming what is wrong with it.
    """
    try:
        with closing(read_only(path)) as found, closing(sqlite3.connect(":memory:")) as own:
            # Compared with a database that was made this moment: a view or a trigger in a stranger's file would run
            # inside our queries.
            own.executescript(_TABLES)
            for kind, name in found.execute("SELECT type, name FROM sqlite_master LIMIT 100"):
                known = own.execute("SELECT count(*) FROM sqlite_master WHERE (type, name) = (?, ?)", (kind, name))
                if not known.fetchone()[0]:
                    raise StoreError(
                        f"{path.name} holds the {str(kind)[:20]} {str(name)[:64]!r}, which this program does not make"
                    )
            for (name,) in own.execute("SELECT name FROM sqlite_master WHERE type = 'table'"):
                columns = "SELECT name, hidden FROM pragma_table_xinfo(?)"
                if found.execute(columns, (name,)).fetchall() != own.execute(columns, (name,)).fetchall():
                    raise StoreError(f"{path.name} has other columns in the table {name} than this program makes")
            for (name,) in found.execute("SELECT name FROM modules LIMIT 1000"):
                if not isinstance(name, str) or _MODULE.fullmatch(name) is None:
                    raise StoreError(f"{path.name} names a module {str(name)[:64]!r}: use letters, digits, _ and -")
            # Last: it reads the whole file, and everything before it is cheap.
            (verdict,) = found.execute("PRAGMA quick_check(1)").fetchone()
            if verdict != "ok":
                raise StoreError(f"{path.name} is damaged: {verdict}")
    except sqlite3.Error as error:
        raise StoreError(f"{path.name} cannot be read: {error}") from error


def _connected(path: Path, how: str) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?{how}"
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
    # A record that announces gigabytes is refused by SQLite itself, before it is in memory.
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST)
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()  # connecting alone opens nothing
    except sqlite3.Error:
        connection.close()
        raise
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """A transaction: either everything in the block is written, or nothing.

    Raises:
        StoreError: if the disk does not take it; then nothing was written.
    """
    with _own_turn(connection):
        try:
            # Takes the write lock now. Begun as a reader, the transaction could find at its first insert that somebody
            # else has written, and would have to begin again.
            connection.execute("BEGIN IMMEDIATE")
            yield
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise StoreError(f"the hot store cannot be written: {error}") from error
        finally:
            # Whatever ended the block, nothing of it stays: the caller goes on with the connection.
            _roll_back(connection)


@contextmanager
def _own_turn(connection: sqlite3.Connection) -> Iterator[None]:
    if not isinstance(connection, _Writer):
        yield
        return
    if not connection.turn.lock.acquire(timeout=connection.patience):
        reason = f"another thread of this process has been writing for {connection.patience:g} s"
        raise StoreError(f"the hot store cannot be written: {reason}")
    try:
        yield
    finally:
        connection.turn.lock.release()


def _roll_back(connection: sqlite3.Connection) -> None:
    # Nothing is open after a commit, nor after some errors, such as a full disk, where SQLite has rolled back by
    # itself: to do so again would be another error.
    if connection.in_transaction:
        connection.execute("ROLLBACK")


def module_number(connection: sqlite3.Connection, name: str) -> int | None:
    """Number of a module; None if nothing of it is recorded."""
    row = connection.execute("SELECT number FROM modules WHERE name = ?", (name,)).fetchone()
    return None if row is None else int(row[0])


def module_names(connection: sqlite3.Connection) -> dict[int, str]:
    """Every module of which something is recorded, by number."""
    found = connection.execute("SELECT number, name FROM modules ORDER BY number")
    return {number: name for number, name in found if 0 <= number < MOST_MODULES and isinstance(name, str)}


def row_key(number: int, seq: int) -> int:
    """Key of a row."""
    # Module first: the rows of one module are one range of keys, in the order of their ticks.
    return number << SEQ_BITS | seq
