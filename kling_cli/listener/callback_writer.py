"""Keeps callbacks: each is in the journal before it is answered, many with one commit.

Writing to the journal's log costs no more than writing to memory, so the loop does it
itself, once a turn, for all that came in. A thread does what may have to wait: moving
the log into the database, which takes as long as the disk takes, and keeping what came
in while somebody else had the journal locked.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import Final, Protocol

import anyio
import anyio.to_thread

from kling_cli.store import JournalError, ListenerJournal, StoredCallback

CHECKPOINT_AFTER: Final = 4000  # callbacks in the log


class CallbackWriter(Protocol):
    """Whoever gives a callback its number and does not lose it."""

    def write(self, callback: StoredCallback) -> Awaitable[int]:
        """Return the number under which the callback is kept, once it is."""


@dataclass(slots=True)
class NullWriter:
    """Keeps nothing: `--no-history`. Numbers count from 1."""

    last: int = 0

    async def write(self, callback: StoredCallback) -> int:  # noqa: ARG002 -- not kept
        self.last += 1
        return self.last


_Result = Sequence[int] | Exception  # the numbers, in order


@dataclass(frozen=True, slots=True)
class _WriteRequest:
    """A callback that is to be kept, and who waits for its number."""

    callback: StoredCallback
    number: asyncio.Future[int]


class JournalWriter:
    """Keeps callbacks in the journal. `journal` is the loop's own and never waits."""

    def __init__(
        self, journal: ListenerJournal, state_dir: Path, loop: asyncio.AbstractEventLoop
    ) -> None:
        self._journal = journal
        self._state_dir = state_dir
        self._loop = loop
        self._requests: list[_WriteRequest] = []
        self._n_in_wal = 0  # callbacks, about
        self._n_deferred = 0  # callbacks that the thread has not kept yet
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()

    def write(self, callback: StoredCallback) -> asyncio.Future[int]:
        """Return the callback's number, once it is in the journal.

        Raises:
            JournalError: it cannot be kept.
        """
        request = _WriteRequest(callback, self._loop.create_future())
        self._requests.append(request)
        if len(self._requests) == 1:
            self._loop.call_soon(self._write_now)
        return request.number

    def close(self) -> None:
        """Let the thread end, once everything has been kept."""
        self._write_now()
        self._jobs.put(None)

    def run(self) -> None:
        """Do what may have to wait, in a thread, until the end."""
        while (job := self._jobs.get()) is not None:
            job()

    def _write_now(self) -> None:
        batch, self._requests = self._requests, []
        if self._n_deferred:
            self._defer(batch)  # in the order of their coming
            return
        try:
            numbers = self._journal.keep_callbacks(
                request.callback for request in batch
            )
        except Exception as exc:  # noqa: BLE001 -- handed to those who wait
            if isinstance(exc, JournalError) and exc.is_locked:
                self._defer(batch)
            else:
                _resolve(batch, exc)
        else:
            _resolve(batch, numbers)
            self._count(len(batch))

    def _count(self, n_written: int) -> None:
        self._n_in_wal += n_written
        if self._n_in_wal >= CHECKPOINT_AFTER:
            self._n_in_wal = 0
            self._jobs.put(self._checkpoint)

    def _defer(self, requests: list[_WriteRequest]) -> None:
        self._n_deferred += len(requests)
        self._jobs.put(partial(self._write_deferred, requests))

    def _write_deferred(self, requests: list[_WriteRequest]) -> None:
        try:
            with ListenerJournal.open(self._state_dir) as journal:
                numbers = journal.keep_callbacks(
                    request.callback for request in requests
                )
        except Exception as exc:  # noqa: BLE001 -- handed to those who wait
            self._return_result(requests, exc)
        else:
            self._return_result(requests, numbers)

    def _return_result(self, requests: list[_WriteRequest], result: _Result) -> None:
        def resolve() -> None:
            self._n_deferred -= len(requests)
            _resolve(requests, result)

        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(resolve)

    def _checkpoint(self) -> None:
        with (
            suppress(JournalError),  # tried again when more has come
            ListenerJournal.open(self._state_dir) as journal,
        ):
            journal.move_log()


@asynccontextmanager
async def open_callback_writer(state_dir: Path) -> AsyncIterator[JournalWriter]:
    """Open the journal for keeping callbacks; all are kept on leaving.

    Raises:
        JournalError: the journal cannot be opened.
    """
    with ListenerJournal.open(state_dir) as journal:
        journal.never_wait()
        writer = JournalWriter(journal, state_dir, asyncio.get_running_loop())
        thread = threading.Thread(target=writer.run, name="callback-writer")
        thread.start()
        try:
            yield writer
        finally:
            writer.close()
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(thread.join)


def _resolve(requests: Sequence[_WriteRequest], result: _Result) -> None:
    """Give everybody the number or the failure, unless they have given up waiting."""
    if isinstance(result, Exception):
        for request in requests:
            if not request.number.done():
                request.number.set_exception(result)
        return
    for request, number in zip(requests, result, strict=True):
        if not request.number.done():
            request.number.set_result(number)
