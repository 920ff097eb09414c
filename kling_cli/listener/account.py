"""What the listener knows of tasks beyond their callbacks: journal and API."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from kling_cli.api.client import KlingClient
from kling_cli.api.credentials import from_settings
from kling_cli.api.http import new_http
from kling_cli.api.task import Task
from kling_cli.catalogue.model import CredentialKind
from kling_cli.clock import Clock
from kling_cli.errors import KlingError
from kling_cli.jobs.ask import TASKS_PATH, Asker
from kling_cli.jobs.events import Notice
from kling_cli.settings.settings import Settings
from kling_cli.store.entry import Entry
from kling_cli.store.journal import Journal
from kling_cli.store.journal_file import JournalError


@dataclass(slots=True, kw_only=True)
class Account:
    """Open for one listener. `asker` is None without credentials."""

    settings: Settings
    clock: Clock
    journal: Journal
    asker: Asker | None
    tell: Callable[[Notice], None]
    _is_ill: bool = False

    def find(self, task_id: str) -> Entry | None:
        """Return the journal's line about a task."""
        try:
            return self.journal.find(task_id)
        except JournalError as exc:
            self._complain(exc)
            return None

    def entry_of(self, task_id: str) -> Entry | None:
        """Return what to ask for, None where these credentials know no way to ask."""
        found = self.find(task_id)
        if found is not None or self.asker is None or not self.asker.is_bulk:
            return found
        return Entry(
            external_id="",
            task_id=task_id,
            command="listen",
            product="",
            model=None,
            route="",
            query_path=TASKS_PATH,
            api_base=self.settings.api_base,
            request="{}",
            written_at=self.clock.now(),
        )

    def unfinished(self) -> list[Entry]:
        """Return the tasks of the journal that are open at this account's host."""
        try:
            entries = self.journal.unfinished()
        except JournalError as exc:
            self._complain(exc)
            return []
        return [
            entry
            for entry in entries
            if entry.stage.is_open
            and entry.task_id
            and entry.api_base == self.settings.api_base
        ]

    def learn(self, task: Task) -> None:
        """Write down what the API said of a task of the journal."""
        entry = self.find(task.id)
        if entry is None or not entry.external_id:
            return
        try:
            self.journal.observe(entry.external_id, task)
        except JournalError as exc:
            self._complain(exc)

    def _complain(self, exc: JournalError) -> None:
        if not self._is_ill:
            self._is_ill = True
            self.tell(Notice(message=exc.message, hint=exc.hint))


@asynccontextmanager
async def open_account(
    settings: Settings, clock: Clock, tell: Callable[[Notice], None]
) -> AsyncIterator[Account]:
    """Open the journal, and a client if there are credentials.

    Raises:
        JournalError: the state folder cannot be used.
    """
    with Journal.open(settings.state_dir) as journal:
        if journal.set_aside is not None:
            place = journal.set_aside
            tell(Notice(message=f"the journal was not readable; it is now {place}"))
        async with new_http(settings.api_base) as http:
            asker: Asker | None = None
            try:
                credentials = from_settings(settings)
            except KlingError as exc:
                if settings.credentials_problem is not None or settings.problems:
                    tell(Notice(message=exc.message, hint=exc.hint))
            else:
                is_bulk = credentials.kind == CredentialKind.API_KEY
                client = KlingClient(http, credentials, clock)
                asker = Asker(client, is_bulk=is_bulk)
            yield Account(
                settings=settings, clock=clock, journal=journal, asker=asker, tell=tell
            )
