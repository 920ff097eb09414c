"""What a command that talks to the API holds open: journal, connection, client."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from kling_cli.api import KlingClient, credentials_from_settings, httpx, new_http
from kling_cli.catalogue import CredentialKind
from kling_cli.clock import Clock
from kling_cli.jobs.events import EmitEvent, Notice, Remark
from kling_cli.jobs.waiting.poller import Poller
from kling_cli.settings import Settings
from kling_cli.store import BUSY_TIMEOUT_S, JobRecord, Journal, JournalError

SHORT_BUSY_TIMEOUT_S = (
    0.25  # for others who write; the event loop stands still meanwhile
)
LAST_BUSY_TIMEOUT_S = 2.0
LOCKED_PAUSE_S = 0.5  # before what was locked is tried again


@dataclass(slots=True, kw_only=True)
class Session:
    """Open for one command. `emit` is where events go."""

    settings: Settings
    clock: Clock
    emit: EmitEvent
    journal: Journal
    http: httpx.AsyncClient
    client: KlingClient
    poller: Poller
    _notes: dict[Hashable, Callable[[], None]] = field(default_factory=dict)
    _next_try_at: float = 0.0
    _is_told: bool = False

    async def write_down(self, record: JobRecord) -> None:
        """Store a job that is about to be sent, once others let us.

        Raises:
            UsageError: the external id is that of a job that was or may have been sent.
            JournalError: it could not be stored; nothing may be sent then.
        """
        deadline = self.clock.monotonic() + BUSY_TIMEOUT_S
        is_waiting = False
        while True:
            try:
                self.journal.add_job(record)
            except JournalError as exc:
                if not exc.is_locked or self.clock.monotonic() >= deadline:
                    raise
            else:
                return
            if not is_waiting:
                is_waiting = True
                self.emit(Remark(message="another program locks the journal: waiting"))
            await self.clock.sleep(LOCKED_PAUSE_S)

    def note(self, write: Callable[..., None], *values: Any, **columns: Any) -> bool:
        """Write to the journal what is already true; a full disk must not end a job.

        What cannot be written now is tried again with later notes, and at the end.
        Return whether it is written now.
        """
        key = (write.__name__, str(values[0]), *columns)
        self._notes.pop(key, None)
        self._notes[key] = partial(write, *values, **columns)
        if self.clock.monotonic() >= self._next_try_at:
            self._write_notes(is_last=False)
        return key not in self._notes

    def write_last_notes(self) -> None:
        """Write what could not be written before; say so if it still cannot."""
        if self._notes:
            self.journal.set_busy_timeout(LAST_BUSY_TIMEOUT_S)
            self._write_notes(is_last=True)

    def _write_notes(self, *, is_last: bool) -> None:
        try:
            while self._notes:
                key, write = next(iter(self._notes.items()))
                write()
                del self._notes[key]
        except JournalError as exc:
            if exc.is_locked:  # and we have waited for it
                self._next_try_at = self.clock.monotonic() + LOCKED_PAUSE_S
            if not self._is_told and (is_last or not exc.is_locked):
                self._is_told = True
                self.emit(Notice(message=exc.message, hint=exc.hint))
        except BaseException:
            self._notes.clear()
            raise


@asynccontextmanager
async def open_session(
    settings: Settings, clock: Clock, emit: EmitEvent
) -> AsyncIterator[Session]:
    """Open the journal and a client for these settings.

    Raises:
        CredentialsError: there are none.
        JournalError: the state folder cannot be used.
    """
    credentials = credentials_from_settings(settings)
    with Journal.open(settings.state_dir) as journal:
        if journal.corrupt_backup is not None:
            emit(
                Notice(
                    message="the journal was not readable; it was kept as"
                    f" {journal.corrupt_backup} and a new one begun"
                )
            )
        async with new_http(settings.api_base) as http:
            client = KlingClient(http, credentials, clock)
            journal.set_busy_timeout(SHORT_BUSY_TIMEOUT_S)
            session = Session(
                settings=settings,
                clock=clock,
                emit=emit,
                journal=journal,
                http=http,
                client=client,
                poller=Poller(
                    client, is_bulk=credentials.kind == CredentialKind.API_KEY
                ),
            )
            try:
                yield session
            finally:
                session.write_last_notes()
