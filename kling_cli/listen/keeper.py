"""Keeps callbacks: each is on disk before `keep` returns, many with one commit.

The journal's connection lives in a thread of its own, so that waiting for the disk
holds nobody up; whatever has come in by the time the disk is free goes into the next
commit together. Under load a commit is shared by as many callbacks as are waiting.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Final, Protocol

import anyio

from kling_cli.jobs.journal import Journal, KeptCallback

MOST_TOGETHER: Final = 512


class Keeper(Protocol):
    """Whoever gives a callback its number and does not lose it."""

    async def keep(self, callback: KeptCallback) -> int:
        """Return the number under which the callback is now kept."""


@dataclass(slots=True)
class CountingKeeper:
    """Keeps nothing: `--no-history`. Numbers count from 1."""

    last: int = 0

    async def keep(self, callback: KeptCallback) -> int:  # noqa: ARG002 -- not kept
        self.last += 1
        return self.last


@dataclass(frozen=True, slots=True)
class _Wish:
    """A callback that waits for the disk, and who waits for its number."""

    callback: KeptCallback
    number: asyncio.Future[int]


class JournalKeeper:
    """Keeps callbacks in the journal."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._wishes: SimpleQueue[_Wish | None] = SimpleQueue()

    async def keep(self, callback: KeptCallback) -> int:
        """Return the callback's number once it is on disk.

        Raises:
            JournalError: it cannot be kept.
        """
        number: asyncio.Future[int] = self._loop.create_future()
        self._wishes.put(_Wish(callback, number))
        return await number

    def end(self) -> None:
        """Let the thread end, once everything handed over has been kept."""
        self._wishes.put(None)

    def work(self, journal: Journal) -> None:
        """Keep what comes, in the thread that owns `journal`, until the end."""
        is_over = False
        while not is_over:
            together, is_over = self._next()
            if together:
                self._keep_together(journal, together)

    def _next(self) -> tuple[list[_Wish], bool]:
        """Return what waits, after waiting for the first; and whether that was all."""
        together: list[_Wish] = []
        while not together or (
            len(together) < MOST_TOGETHER and not self._wishes.empty()
        ):
            wish = self._wishes.get()
            if wish is None:
                return together, True
            together.append(wish)
        return together, False

    def _keep_together(self, journal: Journal, wishes: Sequence[_Wish]) -> None:
        try:
            numbers = journal.keep_callbacks([wish.callback for wish in wishes])
        except Exception as exc:  # noqa: BLE001 -- handed to those who wait
            failure = exc
            self._carry(lambda: _fail(wishes, failure))
        else:
            self._carry(lambda: _fulfil(wishes, numbers))

    def _carry(self, tell: Callable[[], None]) -> None:
        try:
            self._loop.call_soon_threadsafe(tell)
        except RuntimeError:  # the loop is closed: nobody waits any more
            return


@asynccontextmanager
async def open_keeper(state_dir: Path) -> AsyncIterator[JournalKeeper]:
    """Open the journal in a thread that keeps callbacks; all are kept on leaving.

    Raises:
        JournalError: the journal cannot be opened.
    """
    loop = asyncio.get_running_loop()
    keeper = JournalKeeper(loop)
    is_open: asyncio.Future[None] = loop.create_future()
    thread = threading.Thread(
        target=_run, args=(keeper, state_dir, loop, is_open), name="keeper"
    )
    thread.start()
    try:
        await is_open
        yield keeper
    finally:
        keeper.end()
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(thread.join)


def _run(
    keeper: JournalKeeper,
    state_dir: Path,
    loop: asyncio.AbstractEventLoop,
    is_open: asyncio.Future[None],
) -> None:
    try:
        journal = Journal.open(state_dir)
    except Exception as exc:  # noqa: BLE001 -- handed to whoever opened the keeper
        loop.call_soon_threadsafe(_fail_one, is_open, exc)
        return
    with journal:
        journal.commit_quickly()
        loop.call_soon_threadsafe(_open, is_open)
        keeper.work(journal)


def _fulfil(wishes: Sequence[_Wish], numbers: Sequence[int]) -> None:
    for wish, number in zip(wishes, numbers, strict=True):
        if not wish.number.done():  # whoever waited may have given up
            wish.number.set_result(number)


def _fail(wishes: Sequence[_Wish], failure: Exception) -> None:
    for wish in wishes:
        _fail_one(wish.number, failure)


def _fail_one(future: asyncio.Future[int] | asyncio.Future[None], e: Exception) -> None:
    if not future.done():
        future.set_exception(e)


def _open(is_open: asyncio.Future[None]) -> None:
    if not is_open.done():
        is_open.set_result(None)
