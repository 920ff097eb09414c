"""What a command that talks to the API holds open: journal, connection, client."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from kling_cli.api.client import KlingClient
from kling_cli.api.credentials import from_settings
from kling_cli.api.http import httpx, new_http
from kling_cli.clock import Clock
from kling_cli.jobs.ask import Asker
from kling_cli.jobs.entry import Entry
from kling_cli.jobs.events import Event, Notice, Remark
from kling_cli.jobs.journal import Journal
from kling_cli.jobs.journal_file import BUSY_S, JournalError
from kling_cli.products.model import CredentialKind
from kling_cli.settings import Settings

SHORT_WAIT_S = 0.25  # for others who write; the event loop stands still meanwhile
LAST_WAIT_S = 2.0
PAUSE_S = 0.5  # before what was locked is tried again


@dataclass(slots=True, kw_only=True)
class Session:
    """Open for one command. `tell` is where events go."""

    settings: Settings
    clock: Clock
    tell: Callable[[Event], None]
    journal: Journal
    http: httpx.AsyncClient
    client: KlingClient
    asker: Asker
    _notes: dict[Hashable, Callable[[], None]] = field(default_factory=dict)
    _next_try_at: float = 0.0
    _is_told: bool = False

    async def write_down(self, entry: Entry) -> None:
        """Store a job that is about to be sent, once others let us.

        Raises:
            UsageError: the external id is that of a job that was or may have been sent.
            JournalError: it could not be stored; nothing may be sent then.
        """
        deadline = self.clock.monotonic() + BUSY_S
        is_waiting = False
        while True:
            try:
                self.journal.write_down(entry)
            except JournalError as exc:
                if not exc.is_locked or self.clock.monotonic() >= deadline:
                    raise
            else:
                return
            if not is_waiting:
                is_waiting = True
                self.tell(Remark(message="another program locks the journal: waiting"))
            await self.clock.sleep(PAUSE_S)

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
            self.journal.wait_for_others(LAST_WAIT_S)
            self._write_notes(is_last=True)

    def _write_notes(self, *, is_last: bool) -> None:
        try:
            while self._notes:
                key, write = next(iter(self._notes.items()))
                write()
                del self._notes[key]
        except JournalError as exc:
            if exc.is_locked:  # and we have waited for it
                self._next_try_at = self.clock.monotonic() + PAUSE_S
            if not self._is_told and (is_last or not exc.is_locked):
                self._is_told = True
                self.tell(Notice(message=exc.message, hint=exc.hint))
        except BaseException:
            self._notes.clear()
            raise


@asynccontextmanager
async def open_session(
    settings: Settings, clock: Clock, tell: Callable[[Event], None]
) -> AsyncIterator[Session]:
    """Open the journal and a client for these settings.

    Raises:
        CredentialsError: there are none.
        JournalError: the state folder cannot be used.
    """
    credentials = from_settings(settings)
    with Journal.open(settings.state_dir) as journal:
        if journal.set_aside is not None:
            tell(
                Notice(
                    message="the journal was not readable; it was kept as"
                    f" {journal.set_aside} and a new one begun"
                )
            )
        async with new_http(settings.api_base) as http:
            client = KlingClient(http, credentials, clock)
            journal.wait_for_others(SHORT_WAIT_S)
            session = Session(
                settings=settings,
                clock=clock,
                tell=tell,
                journal=journal,
                http=http,
                client=client,
                asker=Asker(client, is_bulk=credentials.kind == CredentialKind.API_KEY),
            )
            try:
                yield session
            finally:
                session.write_last_notes()
