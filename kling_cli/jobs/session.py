"""What a command that talks to the API holds open: journal, connection, client."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from kling_cli.api.client import KlingClient
from kling_cli.api.credentials import from_settings
from kling_cli.api.http import httpx, new_http
from kling_cli.clock import Clock
from kling_cli.jobs.ask import Asker
from kling_cli.jobs.events import Event, Notice
from kling_cli.jobs.journal import Journal
from kling_cli.jobs.journal_file import JournalError
from kling_cli.products.model import CredentialKind
from kling_cli.settings import Settings


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
    _is_journal_ill: bool = False

    def note(self, write: Callable[..., None], *values: Any, **columns: Any) -> bool:
        """Write to the journal what is already true; a full disk must not end a job.

        Return whether it was written.
        """
        try:
            write(*values, **columns)
        except JournalError as exc:
            if not self._is_journal_ill:
                self._is_journal_ill = True
                self.tell(Notice(message=exc.message, hint=exc.hint))
            return False
        return True


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
            yield Session(
                settings=settings,
                clock=clock,
                tell=tell,
                journal=journal,
                http=http,
                client=client,
                asker=Asker(client, is_bulk=credentials.kind == CredentialKind.API_KEY),
            )
