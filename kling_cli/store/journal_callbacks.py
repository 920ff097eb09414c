"""The journal as `kling events` and `kling replay` read it: callbacks and forwards."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from kling_cli.store.journal import Journal, KeptCallback, read_callback


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptForward:
    """What became of a callback that was passed on to `url`, at last.

    `status` is None when there was no answer; `error` says why then. `attempt` is how
    many it took, 0 when none was made.
    """

    callback_id: int
    sent_at: datetime
    url: str
    status: int | None
    duration_s: float
    attempt: int = 1
    error: str | None = None
    is_replay: bool = False

    @property
    def is_taken(self) -> bool:
        return self.status is not None and 200 <= self.status < 300  # noqa: PLR2004 -- HTTP's success


PAGE = 200
Outcomes = Mapping[int, Sequence[KeptForward]]  # by the callback's number


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which kept callbacks to look at; None and False choose nothing away.

    `since` and `until` bound when they came. `is_failed`: the last delivery to some
    URL was not taken.
    """

    task_id: str | None = None
    product: str | None = None
    status: str | None = None
    trust: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    is_failed: bool = False
    after: int = 0


_LAST_WAS_NOT_TAKEN = (
    "id IN (SELECT callback_id FROM forwards AS f WHERE (f.status IS NULL"
    " OR f.status NOT BETWEEN 200 AND 299) AND NOT EXISTS (SELECT 1 FROM forwards"
    " AS g WHERE g.callback_id = f.callback_id AND g.url = f.url AND g.id > f.id))"
)
_FORWARD_COLUMNS = (
    "callback_id, sent_at, url, status, duration_s, attempt, error, is_replay"
)


class CallbackJournal(Journal):
    """An open journal, with an eye on its callbacks. Use from one thread."""

    def callback(self, number: int) -> KeptCallback | None:
        """Return the callback with this number."""
        rows = self._read("SELECT * FROM callbacks WHERE id = ?", (number,))
        return read_callback(rows[0]) if rows else None

    def callbacks(
        self, wanted: Wanted, *, limit: int | None = None
    ) -> list[KeptCallback]:
        """Return callbacks, oldest first; with a limit, the newest so many of them."""
        where, values = _condition(wanted)
        rows = self._read(
            f"SELECT * FROM callbacks WHERE {where} ORDER BY id DESC LIMIT ?",  # noqa: S608 -- our own words
            (*values, -1 if limit is None else limit),
        )
        return [read_callback(row) for row in reversed(rows)]

    def next_callbacks(self, wanted: Wanted, limit: int) -> list[KeptCallback]:
        """Return the oldest callbacks, oldest first, `limit` at most."""
        where, values = _condition(wanted)
        rows = self._read(
            f"SELECT * FROM callbacks WHERE {where} ORDER BY id LIMIT ?",  # noqa: S608 -- our own words
            (*values, limit),
        )
        return [read_callback(row) for row in rows]

    def pages(self, wanted: Wanted) -> Iterator[list[KeptCallback]]:
        """Yield callbacks, oldest first, as many together as memory is glad to hold."""
        while page := self.next_callbacks(wanted, PAGE):
            yield page
            wanted = replace(wanted, after=page[-1].id)

    def clear_callbacks(self, wanted: Wanted) -> int:
        """Delete callbacks and what became of them; return how many there were."""
        where, values = _condition(wanted)
        with self._writing():
            gone = self._db.execute(f"DELETE FROM callbacks WHERE {where}", values)  # noqa: S608 -- our own words
            self._db.execute(
                "DELETE FROM forwards WHERE callback_id NOT IN"
                " (SELECT id FROM callbacks)"
            )
            return gone.rowcount

    def keep_forwards(self, forwards: Iterable[KeptForward]) -> None:
        """Store outcomes together; those of callbacks that are not kept are left out.

        Raises:
            JournalError: they could not be stored.
        """
        rows = [_cells(each) for each in forwards if each.callback_id]
        with self._writing():
            self._db.executemany(
                f"INSERT INTO forwards ({_FORWARD_COLUMNS})"  # noqa: S608 -- our own column names
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                rows,
            )

    def forwards(self, number: int) -> list[KeptForward]:
        """Return what became of a callback, oldest first."""
        rows = self._read(
            f"SELECT {_FORWARD_COLUMNS} FROM forwards"  # noqa: S608 -- our own column names
            " WHERE callback_id = ? ORDER BY id",
            (number,),
        )
        return [_forward(dict(row)) for row in rows]

    def all_forwards(self, callbacks: Iterable[KeptCallback]) -> Outcomes:
        """Return what became of callbacks, by their numbers, oldest first."""
        numbers = {kept.id for kept in callbacks}
        found: dict[int, list[KeptForward]] = {number: [] for number in numbers}
        rows = self._read(
            f"SELECT {_FORWARD_COLUMNS} FROM forwards"  # noqa: S608 -- our own column names
            " WHERE callback_id BETWEEN ? AND ? ORDER BY id",
            (min(numbers, default=0), max(numbers, default=0)),
        )
        for row in rows:
            if row["callback_id"] in numbers:
                found[row["callback_id"]].append(_forward(dict(row)))
        return found


def last_by_url(forwards: Iterable[KeptForward]) -> dict[str, KeptForward]:
    """Return the last outcome for each URL, in the order of their first."""
    return {each.url: each for each in forwards}


def _condition(wanted: Wanted) -> tuple[str, tuple[Any, ...]]:
    parts = list(_parts(wanted))
    where = " AND ".join(part for part, _ in parts)
    return where, tuple(value for _, values in parts for value in values)


def _parts(wanted: Wanted) -> Iterator[tuple[str, tuple[Any, ...]]]:
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
        yield _LAST_WAS_NOT_TAKEN, ()


def _cells(forward: KeptForward) -> tuple[Any, ...]:
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


def _forward(cells: dict[str, Any]) -> KeptForward:
    cells["sent_at"] = datetime.fromtimestamp(cells["sent_at"], UTC)
    cells["is_replay"] = bool(cells["is_replay"])
    return KeptForward(**cells)
