"""The journal's file: making it, opening it together with others, setting it aside."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
from contextlib import closing
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple
from urllib.parse import quote

from kling_cli.errors import UsageError
from kling_cli.jobs.entry import COLUMNS

FILE_NAME = "journal.db"
SCHEMA_VERSION = 4  # 2: forwards of callbacks; 3: estimated units; 4: partial files
BUSY_S = 15.0
# What says that a write was not taken, and what may say so of opening.
_UNTAKEN = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY)
_UNWRITABLE = (
    *(sqlite3.SQLITE_READONLY, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR),
    *(sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM),
)

_COLUMNS = ", ".join(COLUMNS)
_TABLES = (
    f"CREATE TABLE IF NOT EXISTS jobs ({_COLUMNS}, PRIMARY KEY (external_id))",
    "CREATE INDEX IF NOT EXISTS jobs_by_task ON jobs (task_id)",
    "CREATE INDEX IF NOT EXISTS jobs_by_time ON jobs (written_at)",
    (
        "CREATE TABLE IF NOT EXISTS callbacks (id INTEGER PRIMARY KEY AUTOINCREMENT,"
        " received_at REAL NOT NULL, product TEXT, nonce TEXT, task_id TEXT,"
        " external_id TEXT, status TEXT, trust TEXT NOT NULL, headers TEXT NOT NULL,"
        " raw BLOB NOT NULL)"
    ),
    "CREATE INDEX IF NOT EXISTS callbacks_by_nonce ON callbacks (nonce, id)",
    "CREATE INDEX IF NOT EXISTS callbacks_by_task ON callbacks (task_id, id)",
    (
        "CREATE TABLE IF NOT EXISTS forwards (id INTEGER PRIMARY KEY AUTOINCREMENT,"
        " callback_id INTEGER NOT NULL, sent_at REAL NOT NULL, url TEXT NOT NULL,"
        " status INTEGER, duration_s REAL NOT NULL, attempt INTEGER NOT NULL,"
        " error TEXT, is_replay INTEGER NOT NULL)"
    ),
    (
        "CREATE TABLE IF NOT EXISTS partial_files (path BLOB PRIMARY KEY,"
        " api_base TEXT NOT NULL, task_id TEXT NOT NULL, file_index INTEGER NOT NULL,"
        " is_watermark INTEGER NOT NULL, etag TEXT, total_bytes INTEGER,"
        " written_at REAL NOT NULL)"
    ),
    "CREATE INDEX IF NOT EXISTS forwards_by_callback ON forwards (callback_id, id)",
)


class JournalError(UsageError):
    """The journal cannot be read or written; `is_locked`: somebody else is writing."""

    def __init__(self, path: Path, cause: Exception) -> None:
        self.is_locked = isinstance(cause, sqlite3.Error) and _is_busy(cause)
        remedy = "make the folder writable"
        if self.is_locked:
            remedy = "end the program that has locked it"
        elif isinstance(cause, sqlite3.Error) and _code(cause) == sqlite3.SQLITE_FULL:
            remedy = "make room on its disk"
        hint = f"{remedy}, or name another folder with KLING_STATE_DIR"
        if isinstance(cause, sqlite3.DatabaseError) and _is_corrupt(cause):
            hint = f"it is damaged: move {path} away, and a new one is begun"
        is_readable = isinstance(cause, sqlite3.Error) and _code(cause) in _UNTAKEN
        verb = "written" if is_readable else "used"
        super().__init__(f"the journal {path} cannot be {verb}: {cause}", hint=hint)


class Opened(NamedTuple):
    """A journal's database as it could be opened.

    `set_aside` is where a corrupt predecessor was moved, if there was one;
    `unwritable` is why it can only be read, if that is so.
    """

    connection: sqlite3.Connection
    set_aside: Path | None = None
    unwritable: JournalError | None = None


def open_database(state_dir: Path) -> Opened:
    """Open the journal's database: to read it at least, where it is there already.

    Raises:
        JournalError: the folder or the file cannot be used.
    """
    path = state_dir / FILE_NAME
    try:
        return _open_to_write(path)
    except (OSError, sqlite3.Error) as exc:
        error = JournalError(path, exc)
        if not _is_unwritable(exc):
            raise error from exc
        try:
            return Opened(_connect_to_read(path), unwritable=error)
        except (OSError, sqlite3.Error):
            raise error from exc


def _open_to_write(path: Path) -> Opened:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        return Opened(_connect(path))
    except sqlite3.DatabaseError as exc:
        if not _is_corrupt(exc):
            raise
    aside = _set_aside(path)
    return Opened(_connect(path), set_aside=aside)


def _connect_to_read(path: Path) -> sqlite3.Connection:
    """Return a connection that reads a journal in a place that takes no writing.

    Together with those who write to it, if they do; or else as the file stands. What
    needs writing to be read, a log that nobody has moved or older tables, is read in a
    copy.
    """
    address = f"file:{quote(str(path.absolute()))}"
    has_log = _beside(path, "-wal").exists()
    for options in ("mode=ro",) if has_log else ("mode=ro", "mode=ro&immutable=1"):
        db = sqlite3.connect(f"{address}?{options}", uri=True, isolation_level=None)
        try:
            if _version(db) >= SCHEMA_VERSION:
                return _readable(db)
        except sqlite3.OperationalError:
            pass
        db.close()
    return _readable(_copied(path))


def _readable(db: sqlite3.Connection) -> sqlite3.Connection:
    db.row_factory = sqlite3.Row
    db.execute("PRAGMA query_only = ON")
    db.execute("SELECT 1 FROM jobs LIMIT 1")
    return db


def _copied(path: Path) -> sqlite3.Connection:
    """Return the database as it stands, log and all, in memory."""
    memory = sqlite3.connect(":memory:", isolation_level=None)
    with TemporaryDirectory(prefix="kling-") as folder:
        copy = Path(folder, path.name)
        for suffix in ("", "-wal"):
            if _beside(path, suffix).exists():
                shutil.copyfile(_beside(path, suffix), _beside(copy, suffix))
        with closing(_connect(copy)) as there:
            there.backup(memory)
    return memory


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _is_unwritable(error: Exception) -> bool:
    """Return whether what failed may yet be read: there is no right, or no room."""
    if isinstance(error, sqlite3.Error):
        return _code(error) in _UNWRITABLE
    return isinstance(error, PermissionError) or (
        isinstance(error, OSError) and error.errno in (errno.EROFS, errno.ENOSPC)
    )


def _connect(path: Path) -> sqlite3.Connection:
    path.touch(mode=0o600)  # SQLite gives the files beside it the same mode
    db = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None)
    try:
        db.row_factory = sqlite3.Row
        db.execute("PRAGMA synchronous = FULL")
        if _version(db) < SCHEMA_VERSION:
            _prepare(db)
        db.execute("SELECT 1 FROM jobs LIMIT 1")
    except BaseException:
        db.close()
        raise
    return db


def _version(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def _prepare(db: sqlite3.Connection) -> None:
    """Make the tables, or those and their columns that an older file lacks.

    Harmless when another process does the same at the same time, or goes on with the
    version it knows.
    """
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("BEGIN IMMEDIATE")
    for statement in _TABLES:
        db.execute(statement)
    there = {row["name"] for row in db.execute("PRAGMA table_info(jobs)")}
    for column in COLUMNS:
        if column not in there:
            db.execute(f"ALTER TABLE jobs ADD COLUMN {column}")
    db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    db.execute("COMMIT")


def _is_corrupt(error: sqlite3.DatabaseError) -> bool:
    return _code(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _is_busy(error: sqlite3.Error) -> bool:
    return _code(error) == sqlite3.SQLITE_BUSY


def _code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF  # without its finer shades


def _set_aside(path: Path) -> Path:
    """Rename a corrupt journal, and what belongs to it, to the first free name."""
    aside = next(
        free
        for number in count(1)
        if not (free := path.with_name(f"{path.name}.corrupt-{number}")).exists()
    )
    for suffix in ("", "-wal", "-shm"):
        part = _beside(path, suffix)
        if part.exists():
            os.replace(part, _beside(aside, suffix))  # noqa: PTH105 -- the same on every system
    return aside
