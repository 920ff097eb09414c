"""What the account has: tasks of every machine, beside what the journal knows of them.

An API key finds all of them at two places, by cursor; what they are the API does not
say. A key pair asks each family for its list, a few pages of it, and so knows which
product each task is of. Source: API reference 2.3, 2.5, 2.10 and 7, read 2026-10-04.
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
    """Which of the account's tasks. `product` is one of ours.

    `kind` is what the API itself can tell apart: `video`, `image`, `try_on`.
    `limit` 0 is all of them; the API has none that are older than 30 days.
    """

    status: TaskStatus | None = None
    product: str | None = None
    kind: str | None = None
    since: datetime | None = None
    limit: int = 0

    @property
    def words(self) -> tuple[str, ...]:
        """The statuses to ask the API for; one that it has no word for is ours."""
        is_theirs = self.status not in (None, TaskStatus.UNKNOWN)
        return (self.status.value,) if self.status and is_theirs else ()

    def takes(self, record: JobRecord) -> bool:
        """Say whether a task is wanted, as far as it is known what it is."""
        is_product = self.product in (None, record.product)
        is_status = self.status in (None, record.status)
        return is_product and is_status and record.written_at >= (self.since or _EPOCH)


@dataclass(slots=True, kw_only=True)
class AccountTasks:
    """The account's tasks, newest first. `notes` say what is not among them, and why.

    Entries of strangers have no route; what the journal knows of the others stays.
    """

    session: Session
    wanted: TaskFilter
    notes: list[str] = field(default_factory=list)
    nameless: int = 0

    async def tasks(self) -> PagedItems[JobRecord]:
        """Return the tasks that are wanted.

        Raises:
            KlingError: the account cannot be asked, or only with an API key.
        """
        places = self._places()
        answers: dict[TaskEndpoint, PagedItems[JobRecord]] = {}
        failures: dict[TaskEndpoint, KlingError] = {}
        limiter = anyio.CapacityLimiter(MAX_CONCURRENT_QUERIES)

        async def ask(place: TaskEndpoint) -> None:
            async with limiter:
                try:
                    answers[place] = await self._ask(place)
                except KlingError as exc:
                    failures[place] = exc
                    if not is_endpoint_specific(exc):
                        group.cancel_scope.cancel()

        async with anyio.create_task_group() as group:
            for place in places:
                group.start_soon(ask, place)
        self._judge(failures, answers)
        if self.nameless:
            self.notes.append(self._about_nameless())
        return merge_newest(answers.values(), self.wanted.limit)

    def _places(self) -> list[TaskEndpoint]:
        """Return where to look for what is wanted."""
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

    async def _ask(self, place: TaskEndpoint) -> PagedItems[JobRecord]:
        if place.is_bulk:
            return await self._by_cursor(place)
        return await self._by_number(place)

    async def _by_cursor(self, place: TaskEndpoint) -> PagedItems[JobRecord]:
        wanted, size = self.wanted, min(self.wanted.limit, PAGE_SIZE) or PAGE_SIZE
        kinds = [wanted.kind] if wanted.kind is not None else []

        async def turn(cursor: str | None) -> tuple[Sequence[JobRecord], str | None]:
            page = await self.session.client.search(
                start=wanted.since,
                cursor=cursor,
                limit=size,
                statuses=wanted.words,
                product_types=kinds,
                path=place.path,
            )
            found = self._wanted_of(page.tasks, place)
            return found, page.next_cursor if page.has_more else None

        return await cursor_pages(turn, limit=wanted.limit)

    async def _by_number(self, place: TaskEndpoint) -> PagedItems[JobRecord]:
        is_filtered = self.wanted.status is not None or self.wanted.since is not None
        size = (
            PAGE_SIZE if is_filtered else min(self.wanted.limit, PAGE_SIZE) or PAGE_SIZE
        )
        found = await numbered_pages(
            RetryingClient(self.session.client, self.session.clock),
            place.path,
            tasks_from_wire,
            limit=0 if is_filtered else self.wanted.limit,
            page_size=size,
            max_pages=MAX_ENDPOINT_PAGES,
        )
        records = self._wanted_of(found.items, place)
        return take_first(records, self.wanted.limit, has_more=found.has_more)

    def _wanted_of(self, tasks: Iterable[Task], place: TaskEndpoint) -> list[JobRecord]:
        records = [self._record(task, place) for task in tasks]
        if self.wanted.product is not None:
            self.nameless += sum(not record.product for record in records)
        return [record for record in records if self.wanted.takes(record)]

    def _record(self, task: Task, place: TaskEndpoint) -> JobRecord:
        journal, settings = self.session.journal, self.session.settings
        known = journal.find_job(task.id)
        if known is None and task.external_id is not None:
            known = journal.find_job(task.external_id)
        return record_with_facts(
            known or record_of_unknown_task(task, place, settings.api_base), task
        )

    def _judge(
        self,
        failures: dict[TaskEndpoint, KlingError],
        answers: dict[TaskEndpoint, PagedItems[JobRecord]],
    ) -> None:
        """Note what could not be listed; raise when that is not to be borne."""
        for place, error in failures.items():
            if not is_endpoint_specific(error) or not answers:
                raise error
            self.notes.append(f"{place.path} could not be listed: {error.message}")

    def _about_nameless(self) -> str:
        return (
            f"{self.nameless} of other machines left out: the API does not say which"
            " product they are of, only --kind"
        )


def record_of_unknown_task(task: Task, place: TaskEndpoint, api_base: str) -> JobRecord:
    """Return the line of a task that this machine's journal does not know."""
    return JobRecord(
        external_id=task.external_id or "",
        command="list",
        product=place.product,
        model=None,
        route="",
        query_path=place.path,
        api_base=api_base,
        request="{}",
        written_at=task.created_at or _EPOCH,
    )


def record_with_facts(record: JobRecord, task: Task) -> JobRecord:
    """Return the entry as the API's answer has it, at the time the API says."""
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
    """Return the newest of all parts, each task once."""
    lists = list(parts)
    found = {record.task_id: record for part in lists for record in part.items}
    ordered = sorted(found.values(), key=lambda each: each.written_at, reverse=True)
    return take_first(ordered, limit, has_more=any(part.has_more for part in lists))


async def list_account_tasks(
    wanted: TaskFilter, *, settings: Settings, emit: EmitEvent, clock: Clock
) -> tuple[PagedItems[JobRecord], Sequence[str]]:
    """Return the account's tasks, and what is to be said about those left out.

    Raises:
        KlingError: it could not be asked.
    """

    async def step() -> tuple[PagedItems[JobRecord], Sequence[str]]:
        async with open_session(settings, clock, emit) as session:
            remote = AccountTasks(session=session, wanted=wanted)
            return await remote.tasks(), remote.notes

    return await until_signal(step)
