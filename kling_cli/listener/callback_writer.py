"""Writes callbacks to the journal before they are answered, many in one commit.

Appending to the journal's write-ahead log is as cheap as writing to memory, so the
event loop does it itself, once an iteration, for all callbacks that arrived. A thread
does what may block: checkpoints, and writes while another process holds the lock.
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

CHECKPOINT_AFTER: Final = 4000  # callbacks in the write-ahead log


class CallbackWriter(Protocol):
    """Stores callbacks and numbers them."""

    def write(self, callback: StoredCallback) -> Awaitable[int]:
        """Store a callback; the result is its number, once it is durable."""


@dataclass(slots=True)
class NullWriter:
    """Numbers callbacks from 1 without storing them, for `--no-history`."""

    last: int = 0

    async def write(self, callback: StoredCallback) -> int:  # noqa: ARG002 -- not stored
        self.last += 1
        return self.last


_Result = Sequence[int] | Exception  # the numbers, in order


@dataclass(frozen=True, slots=True)
class _WriteRequest:
    """A callback to store, and the future that receives its number."""

    callback: StoredCallback
    number: asyncio.Future[int]


class JournalWriter:
    """Stores callbacks in the journal. `journal` is the loop's own and never blocks."""

    def __init__(
        self, journal: ListenerJournal, state_dir: Path, loop: asyncio.AbstractEventLoop
    ) -> None:
        self._journal = journal
        self._state_dir = state_dir
        self._loop = loop
        self._requests: list[_WriteRequest] = []
        self._n_in_wal = 0  # callbacks, roughly
        self._n_deferred = 0  # callbacks that the thread has yet to store
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()

    def write(self, callback: StoredCallback) -> asyncio.Future[int]:
        """Store a callback; the result is its number, once it is in the journal.

        Raises:
            JournalError: it cannot be stored.
        """
        request = _WriteRequest(callback, self._loop.create_future())
        self._requests.append(request)
        if len(self._requests) == 1:
            self._loop.call_soon(self._write_now)
        return request.number

    def close(self) -> None:
        """Write what is queued, and let the thread end once its jobs are done."""
        self._write_now()
        self._jobs.put(None)

    def run(self) -> None:
        """Run jobs that may block, in a thread, until closed."""
        while (job := self._jobs.get()) is not None:
            job()

    def _write_now(self) -> None:
        batch, self._requests = self._requests, []
        if self._n_deferred:
            self._defer(batch)  # order of arrival
            return
        try:
            numbers = self._journal.add_callbacks(request.callback for request in batch)
        except Exception as exc:  # noqa: BLE001 -- raised in the waiters
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
                numbers = journal.add_callbacks(
                    request.callback for request in requests
                )
        except Exception as exc:  # noqa: BLE001 -- raised in the waiters
            self._return_result(requests, exc)
        else:
            self._return_result(requests, numbers)

    def _return_result(self, requests: list[_WriteRequest], result: _Result) -> None:
        def resolve() -> None:
            self._n_deferred -= len(requests)
            _resolve(requests, result)

        with suppress(RuntimeError):  # the loop is closed: no waiter is left
            self._loop.call_soon_threadsafe(resolve)

    def _checkpoint(self) -> None:
        with (
            suppress(JournalError),  # retried after further callbacks
            ListenerJournal.open(self._state_dir) as journal,
        ):
            journal.checkpoint()


@asynccontextmanager
async def open_callback_writer(state_dir: Path) -> AsyncIterator[JournalWriter]:
    """Open the journal for writing callbacks; on leaving, all of them have been stored.

    Raises:
        JournalError: the journal cannot be opened.
    """
    with ListenerJournal.open(state_dir) as journal:
        journal.disable_waiting()
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
    """Resolve each request's future, unless its waiter was cancelled."""
    if isinstance(result, Exception):
        for request in requests:
            if not request.number.done():
                request.number.set_exception(result)
        return
    for request, number in zip(requests, result, strict=True):
        if not request.number.done():
            request.number.set_result(number)
