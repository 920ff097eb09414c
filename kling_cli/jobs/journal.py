"""The journal: every job and every callback of this user, in one SQLite file.

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
from dataclasses import astuple, dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from kling_cli.api.task import Task
from kling_cli.errors import UsageError
from kling_cli.jobs.entry import Entry, Stage, from_row, to_cell, to_row
from kling_cli.jobs.journal_file import (
    FILE_NAME,
    JournalError,
    Opened,
    open_database,
)
from kling_cli.jobs.part import PartialRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptCallback:
    """A callback as it stands in the journal; `raw` is the body, byte for byte."""

    id: int
    received_at: datetime
    product: str | None
    nonce: str | None
    task_id: str | None
    external_id: str | None
    status: str | None
    trust: str
    headers: tuple[tuple[str, str], ...]
    raw: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class PartialPlace:
    """Which output a partial file is of: a file of a task, counted from 1."""

    api_base: str
    task_id: str
    file_index: int
    is_watermark: bool


class Journal:
    """An open journal. Use as a context manager, from one thread."""

    def __init__(self, opened: Opened, path: Path) -> None:
        self._db = opened.connection
        self._path = path
        self.set_aside = opened.set_aside  # where a corrupt predecessor now lies
        self._unwritable = opened.unwritable

    @classmethod
    def open(cls, state_dir: Path) -> Self:
        """Open the journal of `state_dir`, making it if need be.

        A file that is not a sound database is renamed, never deleted. One that is there
        and cannot be written is opened for reading.

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
        """Return when the journal can be written, as far as opening it has shown.

        Raises:
            JournalError: it can only be read.
        """
        if self._unwritable is not None:
            raise self._unwritable

    def wait_for_others(self, seconds: float) -> None:
        """From here on wait so long, and block, while somebody else is writing."""
        self._read(f"PRAGMA busy_timeout = {round(seconds * 1000)}", ())

    def write_down(self, entry: Entry) -> None:
        """Store a job that is about to be sent.

        It takes the place of one with its external id that certainly became no task.

        Raises:
            UsageError: the external id is that of a job that was or may have been sent.
            JournalError: it could not be stored; nothing may be sent then.
        """
        row = to_row(entry)
        names, marks = ", ".join(row), ", ".join(f":{name}" for name in row)
        insert = f"INSERT INTO jobs ({names}) VALUES ({marks})"  # noqa: S608 -- our own column names
        try:
            with self._writing():
                self._db.execute(
                    "DELETE FROM jobs WHERE external_id = ? AND task_id IS NULL"
                    " AND stage IN (?, ?)",
                    (entry.external_id, Stage.REFUSED.value, Stage.ABSENT.value),
                )
                self._db.execute(insert, row)
        except sqlite3.IntegrityError as exc:
            raise UsageError(
                f"the external id {entry.external_id} has been used before",
                hint=f"kling status {entry.external_id}",
            ) from exc

    def change(self, external_id: str, **columns: Any) -> None:
        """Set columns of one job."""
        cells = {name: to_cell(name, value) for name, value in columns.items()}
        marks = ", ".join(f"{name} = :{name}" for name in cells)
        with self._writing():
            self._db.execute(
                f"UPDATE jobs SET {marks} WHERE external_id = :key",  # noqa: S608 -- our own column names
                {**cells, "key": external_id},
            )

    def observe(self, external_id: str, task: Task) -> None:
        """Store what the API said of a job's task."""
        self.change(
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

    def find(self, name: str) -> Entry | None:
        """Return the job with this task id or external id."""
        found = self._entries("task_id = ? OR external_id = ?", (name, name))
        return found[0] if found else None

    def unfinished(self, *, absent_since: datetime | None = None) -> list[Entry]:
        """Return jobs still open, and finished ones not wholly saved, oldest first.

        Those written down after `absent_since` count as open if they were not found.
        """
        open_stages = [stage.value for stage in Stage if stage.is_open]
        marks = ", ".join("?" * len(open_stages))
        return self._entries(
            f"stage IN ({marks}) OR (stage = ? AND is_downloading AND "
            "(paths = '[]' OR paths LIKE '%\"\"%')) OR (stage = ? AND task_id IS NULL"
            " AND written_at > ?) ORDER BY written_at",
            (
                *open_stages,
                Stage.SUCCEEDED.value,
                Stage.ABSENT.value,
                absent_since.timestamp() if absent_since else math.inf,
            ),
        )

    def tasks(
        self, limit: int, *, api_base: str | None = None, without: Iterable[str] = ()
    ) -> list[Entry]:
        """Return up to `limit` jobs that were or may have been sent, newest first.

        Those of another API base, or of the products `without`, are left out.
        """
        products = tuple(without)
        marks = ", ".join("?" * len(products))
        return self._entries(
            f"stage NOT IN (?, ?) AND product NOT IN ({marks}) AND api_base ="
            " ifnull(?, api_base) ORDER BY written_at DESC, rowid DESC LIMIT ?",
            (Stage.REFUSED.value, Stage.ABSENT.value, *products, api_base, limit),
        )

    def newest(self, limit: int) -> list[Entry]:
        """Return up to `limit` jobs, newest first."""
        return self._entries("1 ORDER BY written_at DESC, rowid DESC LIMIT ?", (limit,))

    def usual_s(self, product: str, model: str | None, api_base: str) -> float | None:
        """Return the median seconds that the last ten such tasks took, if three did."""
        rows = self._read(
            "SELECT updated_at - created_at FROM jobs WHERE product = ? AND model IS ?"
            " AND api_base = ? AND stage = ? AND updated_at > created_at"
            " ORDER BY written_at DESC LIMIT 10",
            (product, model, api_base, Stage.SUCCEEDED.value),
        )
        times = sorted(row[0] for row in rows)
        return times[len(times) // 2] if len(times) >= 3 else None  # noqa: PLR2004 -- fewer say nothing

    def keep_callback(self, callback: KeptCallback) -> int:
        """Store a callback, durably, and return its number; `id` is ignored."""
        return self.keep_callbacks([callback])[0]

    def keep_callbacks(self, callbacks: Iterable[KeptCallback]) -> list[int]:
        """Store callbacks together, durably, and return their numbers in order.

        They go in with few statements, as each lets other threads interrupt this one.
        """
        rows = [_cells(callback) for callback in callbacks]
        numbers: list[int] = []
        with self._writing():
            for first in range(0, len(rows), _ROWS):
                part = rows[first : first + _ROWS]
                marks = ", ".join([_MARKS] * len(part))
                cells = [cell for row in part for cell in row]
                last = self._db.execute(_KEEP + marks, cells).lastrowid or 0
                numbers += range(last - len(part) + 1, last + 1)
        return numbers

    def callbacks_after(self, number: int, nonces: Iterable[str]) -> list[KeptCallback]:
        """Return callbacks kept since `number` for any of these capabilities."""
        wanted = tuple(nonces)
        marks = ", ".join("?" * len(wanted))
        rows = self._read(
            f"SELECT * FROM callbacks WHERE id > ? AND nonce IN ({marks}) ORDER BY id",  # noqa: S608 -- marks only
            (number, *wanted),
        )
        return [read_callback(row) for row in rows]

    def partial_files(self, place: PartialPlace) -> list[PartialRecord]:
        """Return the partial files of this output, the newest first."""
        rows = self._read(
            f"SELECT * FROM partial_files WHERE {_PLACE} ORDER BY written_at DESC",  # noqa: S608 -- our own column names
            astuple(place),
        )
        return [
            PartialRecord(
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
        self, place: PartialPlace, record: PartialRecord, *, written_at: datetime
    ) -> None:
        """Store where a partial file is and what it is part of, in place of before."""
        cells = (
            os.fsencode(record.path),
            *astuple(place),
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
        """Forget a partial file."""
        with self._writing():
            self._db.execute(
                "DELETE FROM partial_files WHERE path = ?", (os.fsencode(path),)
            )

    def data_version(self) -> int:
        """Return a number that changes when another process has written."""
        return int(self._read("PRAGMA data_version", ())[0][0])

    def _entries(self, where: str, values: tuple[Any, ...]) -> list[Entry]:
        rows = self._read(f"SELECT * FROM jobs WHERE {where}", values)  # noqa: S608 -- callers above only
        return [from_row(dict(row)) for row in rows]

    def _read(self, query: str, values: tuple[Any, ...]) -> list[sqlite3.Row]:
        try:
            return self._db.execute(query, values).fetchall()
        except UnicodeEncodeError:  # asked for by what is no text, and so never kept
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


_PLACE = "api_base = ? AND task_id = ? AND file_index = ? AND is_watermark = ?"
_ROWS = 100  # of one statement; older SQLite takes no more than 999 values


_KEEP = (
    "INSERT INTO callbacks (received_at, product, nonce, task_id, external_id, status,"
    " trust, headers, raw) VALUES "
)
_MARKS = "(?, ?, ?, ?, ?, ?, ?, ?, ?)"


def _cells(callback: KeptCallback) -> tuple[Any, ...]:
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


def read_callback(row: sqlite3.Row) -> KeptCallback:
    """Return the callback that a row of the table `callbacks` holds."""
    cells = dict(row)
    cells["received_at"] = datetime.fromtimestamp(cells["received_at"], UTC)
    cells["headers"] = tuple(
        (name, value) for name, value in json.loads(cells["headers"])
    )
    return KeptCallback(**cells)
