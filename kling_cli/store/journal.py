"""Repository of the jobs, callbacks and forwards of this user, in one SQLite file.

Many `kling` processes share it (WAL). Each write is on disk when the call returns:
before a job is sent, before a callback is answered.
"""

from __future__ import annotations

import json
import math
import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import astuple, replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from kling_cli.api import Task
from kling_cli.errors import UsageError
from kling_cli.store.database import (
    FILE_NAME,
    JournalError,
    OpenedDatabase,
    open_database,
)
from kling_cli.store.records import (
    CallbackFilter,
    ForwardOutcomes,
    JobRecord,
    OutputKey,
    PartialFileRecord,
    Stage,
    StoredCallback,
    StoredForward,
    from_row,
    to_cell,
    to_row,
)

PAGE_SIZE = 200
MAX_LOG_PAGES = 64_000  # pages, 256 MB
_OUTPUT_KEY = "api_base = ? AND task_id = ? AND file_index = ? AND is_watermark = ?"
_ROWS_PER_STATEMENT = 100  # older SQLite takes 999 values at most
_INSERT_CALLBACKS = (
    "INSERT INTO callbacks (received_at, product, nonce, task_id, external_id, status,"
    " trust, headers, raw) VALUES "
)
_CALLBACK_VALUES = "(?, ?, ?, ?, ?, ?, ?, ?, ?)"
_HAS_FAILED_FORWARD = (
    "id IN (SELECT callback_id FROM forwards AS f WHERE (f.status IS NULL"
    " OR f.status NOT BETWEEN 200 AND 299) AND NOT EXISTS (SELECT 1 FROM forwards"
    " AS g WHERE g.callback_id = f.callback_id AND g.url = f.url AND g.id > f.id))"
)
_FORWARD_COLUMNS = (
    "callback_id, sent_at, url, status, duration_s, attempt, error, is_replay"
)


class Journal:
    """An open journal. Use as a context manager, from one thread."""

    def __init__(self, opened: OpenedDatabase, path: Path) -> None:
        self._db = opened.connection
        self._path = path
        self.corrupt_backup = opened.corrupt_backup
        self._unwritable = opened.unwritable

    @classmethod
    def open(cls, state_dir: Path) -> Self:
        """Open the journal of `state_dir`, creating it if there is none.

        A corrupt file is renamed, never deleted. An existing one that cannot be written
        is opened read-only.

        Raises:
            JournalError: the folder or the file cannot be used.
        """
        return cls(open_database(state_dir), state_dir / FILE_NAME)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._db.close()

    def require_writable(self) -> None:
        """Raise unless the journal was opened for writing.

        Raises:
            JournalError: it is read-only.
        """
        if self._unwritable is not None:
            raise self._unwritable

    def set_busy_timeout(self, seconds: float) -> None:
        """Set how long calls block while another process writes."""
        self._read(f"PRAGMA busy_timeout = {round(seconds * 1000)}", ())

    def add_job(self, job: JobRecord) -> None:
        """Store a job that is about to be submitted.

        It replaces one with its external id that certainly became no task.

        Raises:
            UsageError: the external id is used by a job that may be submitted.
            JournalError: it could not be stored; it must not be submitted then.
        """
        row = to_row(job)
        names, placeholders = ", ".join(row), ", ".join(f":{name}" for name in row)
        insert = f"INSERT INTO jobs ({names}) VALUES ({placeholders})"  # noqa: S608 -- our own column names
        try:
            with self._writing():
                self._db.execute(
                    "DELETE FROM jobs WHERE external_id = ? AND task_id IS NULL"
                    " AND stage IN (?, ?)",
                    (job.external_id, Stage.REFUSED.value, Stage.ABSENT.value),
                )
                self._db.execute(insert, row)
        except sqlite3.IntegrityError as exc:
            raise UsageError(
                f"the external id {job.external_id} has been used before",
                hint=f"kling status {job.external_id}",
            ) from exc

    def update_job(self, external_id: str, **columns: Any) -> None:
        """Set columns of one job."""
        cells = {name: to_cell(name, value) for name, value in columns.items()}
        assignments = ", ".join(f"{name} = :{name}" for name in cells)
        with self._writing():
            self._db.execute(
                f"UPDATE jobs SET {assignments} WHERE external_id = :key",  # noqa: S608 -- our own column names
                {**cells, "key": external_id},
            )

    def record_task(self, external_id: str, task: Task) -> None:
        """Store the state of a job's task as the API returned it."""
        self.update_job(
            external_id,
            task_id=task.id,
            stage=Stage.of(task.status),
            message=task.message,
            units=task.units,
            created_at=task.created_at,
            updated_at=task.updated_at,
            outputs=task.outputs,
            request_id=task.request_id,
        )

    def find_job(self, name: str) -> JobRecord | None:
        """Return the job with this task id or external id."""
        found = self._jobs("task_id = ? OR external_id = ?", (name, name))
        return found[0] if found else None

    def unfinished_jobs(
        self, *, absent_since: datetime | None = None
    ) -> list[JobRecord]:
        """Return open jobs, and succeeded ones with files to save, oldest first.

        Absent jobs written after `absent_since` count as open.
        """
        open_stages = [stage.value for stage in Stage if stage.is_open]
        placeholders = ", ".join("?" * len(open_stages))
        return self._jobs(
            f"stage IN ({placeholders}) OR (stage = ? AND is_downloading AND "
            "(paths = '[]' OR paths LIKE '%\"\"%')) OR (stage = ? AND task_id IS NULL"
            " AND written_at > ?) ORDER BY written_at",
            (
                *open_stages,
                Stage.SUCCEEDED.value,
                Stage.ABSENT.value,
                absent_since.timestamp() if absent_since else math.inf,
            ),
        )

    def submitted_jobs(
        self, limit: int, *, api_base: str | None = None, without: Iterable[str] = ()
    ) -> list[JobRecord]:
        """Return up to `limit` jobs that were or may have been submitted, newest first.

        Those of another API base, or of the products `without`, are left out.
        """
        products = tuple(without)
        placeholders = ", ".join("?" * len(products))
        return self._jobs(
            f"stage NOT IN (?, ?) AND product NOT IN ({placeholders}) AND api_base ="
            " ifnull(?, api_base) ORDER BY written_at DESC, rowid DESC LIMIT ?",
            (Stage.REFUSED.value, Stage.ABSENT.value, *products, api_base, limit),
        )

    def newest_jobs(self, limit: int) -> list[JobRecord]:
        """Return up to `limit` jobs, newest first."""
        return self._jobs("1 ORDER BY written_at DESC, rowid DESC LIMIT ?", (limit,))

    def usual_s(self, product: str, model: str | None, api_base: str) -> float | None:
        """Return the median duration of the last ten such tasks, None below three."""
        rows = self._read(
            "SELECT updated_at - created_at FROM jobs WHERE product = ? AND model IS ?"
            " AND api_base = ? AND stage = ? AND updated_at > created_at"
            " ORDER BY written_at DESC LIMIT 10",
            (product, model, api_base, Stage.SUCCEEDED.value),
        )
        times = sorted(row[0] for row in rows)
        return times[len(times) // 2] if len(times) >= 3 else None  # noqa: PLR2004 -- too few

    def add_callback(self, callback: StoredCallback) -> int:
        """Store a callback, durably, and return its number; `id` is ignored."""
        return self.add_callbacks([callback])[0]

    def add_callbacks(self, callbacks: Iterable[StoredCallback]) -> list[int]:
        """Store callbacks in one transaction, durably; return their numbers in order.

        Uses few statements, as each one releases the interpreter lock.
        """
        rows = [_callback_cells(callback) for callback in callbacks]
        numbers: list[int] = []
        with self._writing():
            for first in range(0, len(rows), _ROWS_PER_STATEMENT):
                part = rows[first : first + _ROWS_PER_STATEMENT]
                placeholders = ", ".join([_CALLBACK_VALUES] * len(part))
                cells = [cell for row in part for cell in row]
                last = (
                    self._db.execute(_INSERT_CALLBACKS + placeholders, cells).lastrowid
                    or 0
                )
                numbers += range(last - len(part) + 1, last + 1)
        return numbers

    def callbacks_after(
        self, number: int, nonces: Iterable[str]
    ) -> list[StoredCallback]:
        """Return callbacks after `number` that have one of these nonces."""
        wanted = tuple(nonces)
        placeholders = ", ".join("?" * len(wanted))
        rows = self._read(
            "SELECT * FROM callbacks WHERE id > ?"  # noqa: S608 -- placeholders only
            f" AND nonce IN ({placeholders}) ORDER BY id",
            (number, *wanted),
        )
        return [read_callback(row) for row in rows]

    def partial_files(self, key: OutputKey) -> list[PartialFileRecord]:
        """Return the partial files of this output, the newest first."""
        rows = self._read(
            f"SELECT * FROM partial_files WHERE {_OUTPUT_KEY} ORDER BY written_at DESC",  # noqa: S608 -- our own column names
            astuple(key),
        )
        return [
            PartialFileRecord(
                path=Path(os.fsdecode(row["path"])),
                etag=row["etag"],
                total_bytes=row["total_bytes"],
            )
            for row in rows
        ]

    def partial_files_before(self, when: datetime) -> list[Path]:
        """Return the partial files that were written down before then."""
        rows = self._read(
            "SELECT path FROM partial_files WHERE written_at < ?", (when.timestamp(),)
        )
        return [Path(os.fsdecode(row["path"])) for row in rows]

    def add_partial_file(
        self, key: OutputKey, record: PartialFileRecord, *, written_at: datetime
    ) -> None:
        """Insert or replace the record of a partial file."""
        cells = (
            os.fsencode(record.path),
            *astuple(key),
            record.etag,
            record.total_bytes,
            written_at.timestamp(),
        )
        with self._writing():
            self._db.execute(
                "INSERT OR REPLACE INTO partial_files VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                cells,
            )

    def remove_partial_file(self, path: Path) -> None:
        """Delete the record of a partial file."""
        with self._writing():
            self._db.execute(
                "DELETE FROM partial_files WHERE path = ?", (os.fsencode(path),)
            )

    def find_callback(self, number: int) -> StoredCallback | None:
        """Return the callback with this number."""
        rows = self._read("SELECT * FROM callbacks WHERE id = ?", (number,))
        return read_callback(rows[0]) if rows else None

    def list_callbacks(
        self, wanted: CallbackFilter, *, limit: int | None = None
    ) -> list[StoredCallback]:
        """Return callbacks, oldest first; with a limit, only the newest."""
        where, values = _where(wanted)
        rows = self._read(
            f"SELECT * FROM callbacks WHERE {where} ORDER BY id DESC LIMIT ?",  # noqa: S608 -- our own SQL
            (*values, -1 if limit is None else limit),
        )
        return [read_callback(row) for row in reversed(rows)]

    def oldest_callbacks(
        self, wanted: CallbackFilter, limit: int
    ) -> list[StoredCallback]:
        """Return the oldest callbacks, oldest first, `limit` at most."""
        where, values = _where(wanted)
        rows = self._read(
            f"SELECT * FROM callbacks WHERE {where} ORDER BY id LIMIT ?",  # noqa: S608 -- our own SQL
            (*values, limit),
        )
        return [read_callback(row) for row in rows]

    def callback_pages(self, wanted: CallbackFilter) -> Iterator[list[StoredCallback]]:
        """Yield callbacks in pages, oldest first."""
        while page := self.oldest_callbacks(wanted, PAGE_SIZE):
            yield page
            wanted = replace(wanted, after=page[-1].id)

    def delete_callbacks(self, wanted: CallbackFilter) -> int:
        """Delete callbacks and their forwards; return the number of callbacks."""
        where, values = _where(wanted)
        with self._writing():
            gone = self._db.execute(f"DELETE FROM callbacks WHERE {where}", values)  # noqa: S608 -- our own SQL
            self._db.execute(
                "DELETE FROM forwards WHERE callback_id NOT IN"
                " (SELECT id FROM callbacks)"
            )
            return gone.rowcount

    def add_forwards(self, forwards: Iterable[StoredForward]) -> None:
        """Store forwards in one transaction, except of callbacks that are not stored.

        Raises:
            JournalError: they could not be stored.
        """
        rows = [_forward_cells(each) for each in forwards if each.callback_id]
        with self._writing():
            self._db.executemany(
                f"INSERT INTO forwards ({_FORWARD_COLUMNS})"  # noqa: S608 -- our own column names
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                rows,
            )

    def forwards_of(self, number: int) -> list[StoredForward]:
        """Return the forwards of a callback, oldest first."""
        rows = self._read(
            f"SELECT {_FORWARD_COLUMNS} FROM forwards"  # noqa: S608 -- our own column names
            " WHERE callback_id = ? ORDER BY id",
            (number,),
        )
        return [_read_forward(dict(row)) for row in rows]

    def forwards_by_callback(
        self, callbacks: Iterable[StoredCallback]
    ) -> ForwardOutcomes:
        """Return the forwards of callbacks by their numbers, oldest first."""
        numbers = {each.id for each in callbacks}
        found: dict[int, list[StoredForward]] = {number: [] for number in numbers}
        rows = self._read(
            f"SELECT {_FORWARD_COLUMNS} FROM forwards"  # noqa: S608 -- our own column names
            " WHERE callback_id BETWEEN ? AND ? ORDER BY id",
            (min(numbers, default=0), max(numbers, default=0)),
        )
        for row in rows:
            if row["callback_id"] in numbers:
                found[row["callback_id"]].append(_read_forward(dict(row)))
        return found

    def data_version(self) -> int:
        """Return a number that changes when another process has written."""
        return int(self._read("PRAGMA data_version", ())[0][0])

    def _jobs(self, where: str, values: tuple[Any, ...]) -> list[JobRecord]:
        rows = self._read(f"SELECT * FROM jobs WHERE {where}", values)  # noqa: S608 -- callers above only
        return [from_row(dict(row)) for row in rows]

    def _read(self, query: str, values: tuple[Any, ...]) -> list[sqlite3.Row]:
        try:
            return self._db.execute(query, values).fetchall()
        except UnicodeEncodeError:  # a lone surrogate is in no record
            return []
        except sqlite3.Error as exc:
            raise JournalError(self._path, exc) from exc

    @contextmanager
    def _writing(self) -> Iterator[None]:
        self.require_writable()
        try:
            self._db.execute("BEGIN IMMEDIATE")
            yield
            self._db.execute("COMMIT")
        except BaseException as exc:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            if isinstance(exc, sqlite3.IntegrityError) or not isinstance(
                exc, sqlite3.Error
            ):
                raise
            raise JournalError(self._path, exc) from exc


class ListenerJournal(Journal):
    """A journal whose commits survive the process, but not a power failure.

    For callbacks, which are hints: the API still has the tasks. Use from one thread.
    """

    def __init__(self, opened: OpenedDatabase, path: Path) -> None:
        super().__init__(opened, path)
        self.require_writable()
        self._read("PRAGMA synchronous = NORMAL", ())

    def disable_waiting(self) -> None:
        """Make calls wait neither for other writers nor for the disk.

        A locked journal raises `JournalError`; another connection must `checkpoint`.
        """
        self.set_busy_timeout(0)
        self._read("PRAGMA wal_autocheckpoint = 0", ())

    def checkpoint(self, max_pages: int = MAX_LOG_PAGES) -> None:
        """Copy the write-ahead log into the database; this waits for the disk.

        Other writers go on. If the log has more than `max_pages` pages even so, they
        wait until it restarts.

        Raises:
            JournalError: it failed; nothing is lost.
        """
        _, pages, _ = self._read("PRAGMA wal_checkpoint(PASSIVE)", ())[0]
        if pages > max_pages:
            self._read("PRAGMA wal_checkpoint(RESTART)", ())


def _callback_cells(callback: StoredCallback) -> tuple[Any, ...]:
    return (
        callback.received_at.timestamp(),
        callback.product,
        callback.nonce,
        callback.task_id,
        callback.external_id,
        callback.status,
        callback.trust,
        json.dumps(callback.headers),
        callback.raw,
    )


def read_callback(row: sqlite3.Row) -> StoredCallback:
    """Return the callback that a row of the table `callbacks` holds."""
    cells = dict(row)
    cells["received_at"] = datetime.fromtimestamp(cells["received_at"], UTC)
    cells["headers"] = tuple(
        (name, value) for name, value in json.loads(cells["headers"])
    )
    return StoredCallback(**cells)


def _where(wanted: CallbackFilter) -> tuple[str, tuple[Any, ...]]:
    parts = list(_filter_terms(wanted))
    where = " AND ".join(part for part, _ in parts)
    return where, tuple(value for _, values in parts for value in values)


def _filter_terms(wanted: CallbackFilter) -> Iterator[tuple[str, tuple[Any, ...]]]:
    yield "id > ?", (wanted.after,)
    for column in ("product", "status", "trust"):
        value = getattr(wanted, column)
        if value is not None:
            yield f"{column} = ?", (value,)
    if wanted.task_id is not None:
        yield "(task_id = ? OR external_id = ?)", (wanted.task_id, wanted.task_id)
    if wanted.since is not None:
        yield "received_at >= ?", (wanted.since.timestamp(),)
    if wanted.until is not None:
        yield "received_at < ?", (wanted.until.timestamp(),)
    if wanted.is_failed:
        yield _HAS_FAILED_FORWARD, ()


def _forward_cells(forward: StoredForward) -> tuple[Any, ...]:
    return (
        forward.callback_id,
        forward.sent_at.timestamp(),
        forward.url,
        forward.status,
        forward.duration_s,
        forward.attempt,
        forward.error,
        forward.is_replay,
    )


def _read_forward(cells: dict[str, Any]) -> StoredForward:
    cells["sent_at"] = datetime.fromtimestamp(cells["sent_at"], UTC)
    cells["is_replay"] = bool(cells["is_replay"])
    return StoredForward(**cells)
