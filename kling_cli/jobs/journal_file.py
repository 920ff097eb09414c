"""The journal's file: making it, opening it together with others, setting it aside."""

from __future__ import annotations

import os
import sqlite3
from itertools import count
from pathlib import Path

from kling_cli.errors import UsageError
from kling_cli.jobs.entry import COLUMNS

FILE_NAME = "journal.db"
SCHEMA_VERSION = 4  # 2: forwards of callbacks; 3: estimated units; 4: partial files
BUSY_S = 15.0

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
        hint = (
            "make room, make the folder writable, or name another one with"
            " KLING_STATE_DIR"
        )
        if isinstance(cause, sqlite3.DatabaseError) and _is_corrupt(cause):
            hint = f"it is damaged: move {path} away, and a new one is begun"
        super().__init__(f"the journal {path} cannot be used: {cause}", hint=hint)


def open_database(state_dir: Path) -> tuple[sqlite3.Connection, Path | None]:
    """Open the journal's database; also say where a corrupt one was moved, if it was.

    Raises:
        JournalError: the folder or the file cannot be used.
    """
    path = state_dir / FILE_NAME
    try:
        state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            return _connect(path), None
        except sqlite3.DatabaseError as exc:
            if not _is_corrupt(exc):
                raise
        aside = _set_aside(path)
        return _connect(path), aside
    except (OSError, sqlite3.Error) as exc:
        raise JournalError(path, exc) from exc


def _connect(path: Path) -> sqlite3.Connection:
    path.touch(mode=0o600)  # SQLite gives the files beside it the same mode
    db = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None)
    try:
        db.row_factory = sqlite3.Row
        db.execute("PRAGMA synchronous = FULL")
        if db.execute("PRAGMA user_version").fetchone()[0] < SCHEMA_VERSION:
            _prepare(db)
        db.execute("SELECT 1 FROM jobs LIMIT 1")
    except BaseException:
        db.close()
        raise
    return db


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
        part = path.with_name(path.name + suffix)
        if part.exists():
            os.replace(part, aside.with_name(aside.name + suffix))  # noqa: PTH105 -- the same on every system
    return aside
