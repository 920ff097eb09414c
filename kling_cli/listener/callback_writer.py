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

    def keep(self, callback: StoredCallback) -> Awaitable[int]:
        """Return the number under which the callback is kept, once it is."""


@dataclass(slots=True)
class NullWriter:
    """Keeps nothing: `--no-history`. Numbers count from 1."""

    last: int = 0

    async def keep(self, callback: StoredCallback) -> int:  # noqa: ARG002 -- not kept
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
        self._wishes: list[_WriteRequest] = []
        self._in_log = 0  # callbacks, about
        self._handed_over = 0  # callbacks that the thread has not kept yet
        self._orders: SimpleQueue[Callable[[], None] | None] = SimpleQueue()

    def keep(self, callback: StoredCallback) -> asyncio.Future[int]:
        """Return the callback's number, once it is in the journal.

        Raises:
            JournalError: it cannot be kept.
        """
        wish = _WriteRequest(callback, self._loop.create_future())
        self._wishes.append(wish)
        if len(self._wishes) == 1:
            self._loop.call_soon(self._keep_now)
        return wish.number

    def end(self) -> None:
        """Let the thread end, once everything has been kept."""
        self._keep_now()
        self._orders.put(None)

    def work(self) -> None:
        """Do what may have to wait, in a thread, until the end."""
        while (order := self._orders.get()) is not None:
            order()

    def _keep_now(self) -> None:
        together, self._wishes = self._wishes, []
        if self._handed_over:
            self._hand_over(together)  # in the order of their coming
            return
        try:
            numbers = self._journal.keep_callbacks(wish.callback for wish in together)
        except Exception as exc:  # noqa: BLE001 -- handed to those who wait
            if isinstance(exc, JournalError) and exc.is_locked:
                self._hand_over(together)
            else:
                _resolve(together, exc)
        else:
            _resolve(together, numbers)
            self._count(len(together))

    def _count(self, kept: int) -> None:
        self._in_log += kept
        if self._in_log >= CHECKPOINT_AFTER:
            self._in_log = 0
            self._orders.put(self._move_log)

    def _hand_over(self, wishes: list[_WriteRequest]) -> None:
        self._handed_over += len(wishes)
        self._orders.put(partial(self._keep_later, wishes))

    def _keep_later(self, wishes: list[_WriteRequest]) -> None:
        try:
            with ListenerJournal.open(self._state_dir) as journal:
                numbers = journal.keep_callbacks(wish.callback for wish in wishes)
        except Exception as exc:  # noqa: BLE001 -- handed to those who wait
            self._give_back(wishes, exc)
        else:
            self._give_back(wishes, numbers)

    def _give_back(self, wishes: list[_WriteRequest], result: _Result) -> None:
        def take_back() -> None:
            self._handed_over -= len(wishes)
            _resolve(wishes, result)

        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(take_back)

    def _move_log(self) -> None:
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
        keeper = JournalWriter(journal, state_dir, asyncio.get_running_loop())
        thread = threading.Thread(target=keeper.work, name="keeper")
        thread.start()
        try:
            yield keeper
        finally:
            keeper.end()
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(thread.join)


def _resolve(wishes: Sequence[_WriteRequest], result: _Result) -> None:
    """Give everybody the number or the failure, unless they have given up waiting."""
    if isinstance(result, Exception):
        for wish in wishes:
            if not wish.number.done():
                wish.number.set_exception(result)
        return
    for wish, number in zip(wishes, result, strict=True):
        if not wish.number.done():
            wish.number.set_result(number)
