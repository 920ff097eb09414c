"""The tasks of the account, of every machine, with what the journal has about them.

An API key lists all of them at two endpoints, by cursor; the API does not say of which
product they are. A key pair lists each legacy endpoint, a few pages of it, and so knows
each task's product. Source: API reference 2.3, 2.5, 2.10 and 7, read 2026-10-04.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final

import anyio

from kling_cli import catalogue
from kling_cli.api import (
    PagedItems,
    RetryingClient,
    Task,
    TaskStatus,
    cursor_pages,
    numbered_pages,
    take_first,
    tasks_from_wire,
)
from kling_cli.clock import Clock
from kling_cli.errors import CredentialsError, KlingError
from kling_cli.jobs.events import EmitEvent
from kling_cli.jobs.session import Session, open_session
from kling_cli.jobs.signals import until_signal
from kling_cli.jobs.waiting.poller import (
    TASKS_PATH,
    TaskEndpoint,
    is_endpoint_specific,
    task_endpoints,
)
from kling_cli.settings import Settings
from kling_cli.store import JobRecord, Stage

PAGE_SIZE: Final = 500
MAX_ENDPOINT_PAGES: Final = 4  # a key pair looks no further in one family
MAX_CONCURRENT_QUERIES: Final = 4
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFilter:
    """Which of the account's tasks to list. `product` is one of the catalogue's.

    `kind` is what the API itself distinguishes: `video`, `image`, `try_on`.
    `limit` 0 is all of them; the API has none that are older than 30 days.
    """

    status: TaskStatus | None = None
    product: str | None = None
    kind: str | None = None
    since: datetime | None = None
    limit: int = 0

    @property
    def statuses(self) -> tuple[str, ...]:
        """The statuses to query; `unknown` is not one of the API's."""
        is_theirs = self.status not in (None, TaskStatus.UNKNOWN)
        return (self.status.value,) if self.status and is_theirs else ()

    def matches(self, record: JobRecord) -> bool:
        """Return whether a task matches, as far as its product is known."""
        is_product = self.product in (None, record.product)
        is_status = self.status in (None, record.status)
        return is_product and is_status and record.written_at >= (self.since or _EPOCH)


@dataclass(slots=True, kw_only=True)
class AccountTasks:
    """Lists the account's tasks, newest first. `notes` say what is left out, and why.

    Records of tasks that the journal does not have are without a route.
    """

    session: Session
    wanted: TaskFilter
    notes: list[str] = field(default_factory=list)
    n_without_product: int = 0

    async def tasks(self) -> PagedItems[JobRecord]:
        """Return the tasks that match.

        Raises:
            KlingError: the account cannot be asked, or only with an API key.
        """
        endpoints = self._endpoints()
        answers: dict[TaskEndpoint, PagedItems[JobRecord]] = {}
        failures: dict[TaskEndpoint, KlingError] = {}
        limiter = anyio.CapacityLimiter(MAX_CONCURRENT_QUERIES)

        async def list_endpoint(endpoint: TaskEndpoint) -> None:
            is_bulk = endpoint.is_bulk
            listing = self._list_by_cursor if is_bulk else self._list_by_page
            async with limiter:
                try:
                    answers[endpoint] = await listing(endpoint)
                except KlingError as exc:
                    failures[endpoint] = exc
                    if not is_endpoint_specific(exc):
                        group.cancel_scope.cancel()

        async with anyio.create_task_group() as group:
            for endpoint in endpoints:
                group.start_soon(list_endpoint, endpoint)
        self._note_failures(failures, answers)
        if self.n_without_product:
            self.notes.append(self._note_without_product())
        return merge_newest(answers.values(), self.wanted.limit)

    def _endpoints(self) -> list[TaskEndpoint]:
        """Return the endpoints that may have tasks that match."""
        wanted, found = self.wanted, task_endpoints(is_bulk=self.session.poller.is_bulk)
        if wanted.kind is not None:
            found = [p for p in found if p.path == TASKS_PATH or p.pack == wanted.kind]
        if wanted.product is not None:
            catalogue.load_description(wanted.product)  # a name that means something
            found = [p for p in found if p.may_have(wanted.product)]
        if not found:
            raise CredentialsError(
                "tasks of this kind are listed for an API key only",
                hint="run kling auth login with an API key",
            )
        return found

    async def _list_by_cursor(self, endpoint: TaskEndpoint) -> PagedItems[JobRecord]:
        wanted, size = self.wanted, min(self.wanted.limit, PAGE_SIZE) or PAGE_SIZE
        kinds = [wanted.kind] if wanted.kind is not None else []

        async def next_page(
            cursor: str | None,
        ) -> tuple[Sequence[JobRecord], str | None]:
            page = await self.session.client.search(
                start=wanted.since,
                cursor=cursor,
                limit=size,
                statuses=wanted.statuses,
                product_types=kinds,
                path=endpoint.path,
            )
            found = self._matching_records(page.tasks, endpoint)
            return found, page.next_cursor if page.has_more else None

        return await cursor_pages(next_page, limit=wanted.limit)

    async def _list_by_page(self, endpoint: TaskEndpoint) -> PagedItems[JobRecord]:
        is_filtered = self.wanted.status is not None or self.wanted.since is not None
        limit = 0 if is_filtered else self.wanted.limit
        found = await numbered_pages(
            RetryingClient(self.session.client, self.session.clock),
            endpoint.path,
            tasks_from_wire,
            limit=limit,
            page_size=min(limit, PAGE_SIZE) or PAGE_SIZE,
            max_pages=MAX_ENDPOINT_PAGES,
        )
        records = self._matching_records(found.items, endpoint)
        return take_first(records, self.wanted.limit, has_more=found.has_more)

    def _matching_records(
        self, tasks: Iterable[Task], endpoint: TaskEndpoint
    ) -> list[JobRecord]:
        records = [self._record(task, endpoint) for task in tasks]
        if self.wanted.product is not None:
            self.n_without_product += sum(not record.product for record in records)
        return [record for record in records if self.wanted.matches(record)]

    def _record(self, task: Task, endpoint: TaskEndpoint) -> JobRecord:
        journal, settings = self.session.journal, self.session.settings
        stored = journal.find_job(task.id)
        if stored is None and task.external_id is not None:
            stored = journal.find_job(task.external_id)
        return record_with_facts(
            stored or record_of_unknown_task(task, endpoint, settings.api_base), task
        )

    def _note_failures(
        self,
        failures: dict[TaskEndpoint, KlingError],
        answers: dict[TaskEndpoint, PagedItems[JobRecord]],
    ) -> None:
        """Note the endpoints that could not be listed; raise if there is no other."""
        for endpoint, error in failures.items():
            if not is_endpoint_specific(error) or not answers:
                raise error
            self.notes.append(f"{endpoint.path} could not be listed: {error.message}")

    def _note_without_product(self) -> str:
        return (
            f"{self.n_without_product} of other machines left out: the API does not say"
            " which product they are of, only --kind"
        )


def record_of_unknown_task(
    task: Task, endpoint: TaskEndpoint, api_base: str
) -> JobRecord:
    """Return the record of a task that the journal does not have."""
    return JobRecord(
        external_id=task.external_id or "",
        command="list",
        product=endpoint.product,
        model=None,
        route="",
        query_path=endpoint.path,
        api_base=api_base,
        request="{}",
        written_at=task.created_at or _EPOCH,
    )


def record_with_facts(record: JobRecord, task: Task) -> JobRecord:
    """Return the record with the values and times of the API's answer."""
    return replace(
        record,
        task_id=task.id,
        stage=Stage.of(task.status),
        message=task.message,
        units=task.units,
        written_at=task.created_at or record.written_at,
        created_at=task.created_at,
        updated_at=task.updated_at,
        outputs=task.outputs,
        request_id=task.request_id,
    )


def merge_newest(
    parts: Iterable[PagedItems[JobRecord]], limit: int
) -> PagedItems[JobRecord]:
    """Return the newest of all lists, each task once."""
    lists = list(parts)
    found = {record.task_id: record for part in lists for record in part.items}
    ordered = sorted(found.values(), key=lambda each: each.written_at, reverse=True)
    return take_first(ordered, limit, has_more=any(part.has_more for part in lists))


async def list_account_tasks(
    wanted: TaskFilter, *, settings: Settings, emit: EmitEvent, clock: Clock
) -> tuple[PagedItems[JobRecord], Sequence[str]]:
    """Return the account's tasks that match, and notes about those left out.

    Raises:
        KlingError: the account could not be queried.
    """

    async def step() -> tuple[PagedItems[JobRecord], Sequence[str]]:
        async with open_session(settings, clock, emit) as session:
            tasks = AccountTasks(session=session, wanted=wanted)
            return await tasks.tasks(), tasks.notes

    return await until_signal(step)
