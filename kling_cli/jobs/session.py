"""The session of one run: its journal, HTTP connections and API client."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from kling_cli.api import KlingClient, Task, credentials_from_settings, httpx, new_http
from kling_cli.catalogue import CredentialKind
from kling_cli.clock import Clock
from kling_cli.jobs.events import EmitEvent, Notice, Remark
from kling_cli.jobs.waiting.poller import Poller
from kling_cli.settings import Settings
from kling_cli.store import BUSY_TIMEOUT_S, JobRecord, Journal, JournalError, Stage

SHORT_BUSY_TIMEOUT_S = 0.25  # the event loop stops while another process writes
LAST_BUSY_TIMEOUT_S = 2.0
LOCKED_PAUSE_S = 0.5  # before what was locked is tried again


@dataclass(slots=True, kw_only=True)
class Session:
    """What a run has open while it talks to the API."""

    settings: Settings
    clock: Clock
    emit: EmitEvent
    journal: Journal
    http: httpx.AsyncClient
    client: KlingClient
    poller: Poller
    _pending_writes: dict[Hashable, Callable[[], None]] = field(default_factory=dict)
    _next_try_at: float = 0.0
    _is_failure_reported: bool = False

    async def add_job(self, record: JobRecord) -> None:
        """Store a job that is about to be submitted; wait while the journal is locked.

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

    def record_task(self, record: JobRecord, task: Task) -> JobRecord:
        """Return the job's record after the API's answer about its task; store both."""
        self.write(self.journal.record_task, record.external_id, task)
        return replace(record, task_id=task.id, stage=Stage.of(task.status))

    def update_job(self, record: JobRecord, **columns: Any) -> JobRecord:
        """Return the job's record with other values in these columns; store them."""
        self.write(self.journal.update_job, record.external_id, **columns)
        return replace(record, **columns)

    def write(
        self, operation: Callable[..., None], *values: Any, **columns: Any
    ) -> bool:
        """Write what is a fact already to the journal; a failure does not end the run.

        What cannot be written now (the disk is full) is tried again with later writes,
        and at the end. Return whether it is written now.
        """
        key = (operation.__name__, str(values[0]), *columns)
        self._pending_writes.pop(key, None)
        self._pending_writes[key] = partial(operation, *values, **columns)
        if self.clock.monotonic() >= self._next_try_at:
            self._write_pending(is_last=False)
        return key not in self._pending_writes

    def flush(self) -> None:
        """Write what could not be written before; report it if it still cannot be."""
        if self._pending_writes:
            self.journal.set_busy_timeout(LAST_BUSY_TIMEOUT_S)
            self._write_pending(is_last=True)

    def _write_pending(self, *, is_last: bool) -> None:
        try:
            while self._pending_writes:
                key, write = next(iter(self._pending_writes.items()))
                write()
                del self._pending_writes[key]
        except JournalError as exc:
            if exc.is_locked:  # and we have waited for it
                self._next_try_at = self.clock.monotonic() + LOCKED_PAUSE_S
            if not self._is_failure_reported and (is_last or not exc.is_locked):
                self._is_failure_reported = True
                self.emit(Notice(message=exc.message, hint=exc.hint))
        except BaseException:
            self._pending_writes.clear()
            raise


@asynccontextmanager
async def open_session(
    settings: Settings, clock: Clock, emit: EmitEvent
) -> AsyncIterator[Session]:
    """Open the journal and an API client for these settings.

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
                session.flush()
