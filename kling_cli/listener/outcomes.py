"""Keeps what became of forwards, beside the listener's work and never in its way."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import anyio

from kling_cli.background import background
from kling_cli.jobs.events import Notice
from kling_cli.listener.manner import Record
from kling_cli.store.journal_callbacks import CallbackJournal, KeptForward
from kling_cli.store.journal_file import JournalError

GATHER_S: Final = 0.05  # for more to come: each write keeps callbacks from the disk


class OutcomeLog:
    """Takes outcomes at any rate and writes them together, in a worker thread."""

    def __init__(self, state_dir: Path, tell: Callable[[Notice], object]) -> None:
        self._state_dir = state_dir
        self._tell = tell
        self._waiting: list[KeptForward] = []
        self._bell = anyio.Event()
        self._is_ill = False

    def record(self, forward: KeptForward) -> None:
        """Take an outcome; returns at once."""
        self._waiting.append(forward)
        self._bell.set()

    async def run(self) -> None:
        """Write what comes until cancelled."""
        while True:
            await self._bell.wait()
            await anyio.sleep(GATHER_S)
            self._bell = anyio.Event()
            await self.write()

    async def write(self) -> None:
        """Write what waits; the first failure is told, and no work ends by it."""
        together, self._waiting = self._waiting, []
        if not together:
            return
        try:
            await anyio.to_thread.run_sync(_write, self._state_dir, together)
        except JournalError as exc:
            if not self._is_ill:
                self._is_ill = True
                self._tell(Notice(message=exc.message, hint=exc.hint))


@asynccontextmanager
async def open_outcomes(
    state_dir: Path, *, tell: Callable[[Notice], object]
) -> AsyncIterator[Record]:
    """Yield what takes outcomes for the journal; all are written on leaving."""
    log = OutcomeLog(state_dir, tell)
    try:
        async with background() as group:
            group.start_soon(log.run)
            yield log.record
    finally:
        with anyio.CancelScope(shield=True):
            await log.write()


def _write(state_dir: Path, forwards: list[KeptForward]) -> None:
    with CallbackJournal.open(state_dir) as journal:
        journal.keep_forwards(forwards)
