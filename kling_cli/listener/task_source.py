"""Looks up tasks for a listener: in the journal, and at the API."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, Protocol

from kling_cli.api import KlingClient, Task, credentials_from_settings, new_http
from kling_cli.catalogue import CredentialKind
from kling_cli.clock import Clock
from kling_cli.errors import KlingError
from kling_cli.jobs.events import Notice
from kling_cli.jobs.waiting.poller import TASKS_PATH, Poller
from kling_cli.settings import Settings
from kling_cli.store import JobRecord, Journal, JournalError

_RETRY_DELAYS_S: Final = (2.0, 5.0, 10.0, 30.0)


class TaskQuery(Protocol):
    """Queries the API about several tasks at once."""

    async def fetch(self, jobs: Sequence[JobRecord]) -> Mapping[str, Task]: ...


def query_retry_delay_s(n_failures: int) -> float:
    """Return how many seconds to wait after `n_failures` failed queries, from 1."""
    return _RETRY_DELAYS_S[min(n_failures, len(_RETRY_DELAYS_S)) - 1]


@dataclass(slots=True, kw_only=True)
class TaskSource:
    """Looks tasks up in the journal and at the API, for as long as a listener runs.

    `poller` is None without credentials.
    """

    settings: Settings
    clock: Clock
    journal: Journal
    poller: Poller | None
    emit: Callable[[Notice], None]
    _has_reported_error: bool = False

    def find_job(self, task_id: str) -> JobRecord | None:
        """Return the journal's record of a task."""
        try:
            return self.journal.find_job(task_id)
        except JournalError as exc:
            self._report(exc)
            return None

    def job_for_query(self, task_id: str) -> JobRecord | None:
        """Return a record to query the API with, None if it cannot be queried."""
        found = self.find_job(task_id)
        if found is not None or self.poller is None or not self.poller.is_bulk:
            return found
        return JobRecord(
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

    def unfinished_jobs(self) -> list[JobRecord]:
        """Return the journal's unfinished jobs at this account's host."""
        try:
            jobs = self.journal.unfinished_jobs()
        except JournalError as exc:
            self._report(exc)
            return []
        return [
            job
            for job in jobs
            if job.stage.is_open
            and job.task_id
            and job.api_base == self.settings.api_base
        ]

    def record_answer(self, task: Task) -> None:
        """Record the API's answer in the journal, for a task that was created here."""
        job = self.find_job(task.id)
        if job is None or not job.external_id:
            return
        try:
            self.journal.record_task(job.external_id, task)
        except JournalError as exc:
            self._report(exc)

    def _report(self, exc: JournalError) -> None:
        if not self._has_reported_error:
            self._has_reported_error = True
            self.emit(Notice(message=exc.message, hint=exc.hint))


@asynccontextmanager
async def open_task_source(
    settings: Settings, clock: Clock, emit: Callable[[Notice], None]
) -> AsyncIterator[TaskSource]:
    """Open the journal, and an API client if there are credentials.

    Raises:
        JournalError: the state folder cannot be used.
    """
    with Journal.open(settings.state_dir) as journal:
        if journal.corrupt_backup is not None:
            backup = journal.corrupt_backup
            emit(Notice(message=f"the journal was not readable; it is now {backup}"))
        async with new_http(settings.api_base) as http:
            poller: Poller | None = None
            try:
                credentials = credentials_from_settings(settings)
            except KlingError as exc:
                if settings.credentials_problem is not None or settings.problems:
                    emit(Notice(message=exc.message, hint=exc.hint))
            else:
                is_bulk = credentials.kind == CredentialKind.API_KEY
                client = KlingClient(http, credentials, clock)
                poller = Poller(client, is_bulk=is_bulk)
            yield TaskSource(
                settings=settings,
                clock=clock,
                journal=journal,
                poller=poller,
                emit=emit,
            )
