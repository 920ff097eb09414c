"""Queries for tasks: the endpoints that have them, and the poller of jobs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from kling_cli import catalogue
from kling_cli.api import Task
from kling_cli.catalogue import Generation
from kling_cli.errors import AccountError, CredentialsError, KlingError, RefusedError
from kling_cli.store import JobRecord

_NO_PERMISSION: Final = 1103  # said of one product; others may well be allowed
TASKS_PATH = "/tasks"
SOLUTIONS_PATH = "/solutions"
NO_ENDPOINT = ""  # the query path of synchronous calls: the answer is the result
MAX_REFUSALS = 4  # in a row, before they count as permanent


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskEndpoint:
    """An endpoint that lists and finds tasks.

    `product` is theirs, empty where the API does not say it; `pack` is what pays for
    them.
    """

    path: str
    product: str = ""
    pack: str = ""

    @property
    def is_bulk(self) -> bool:
        """Whether it takes many ids in one query; it then needs an API key."""
        return self.path in (TASKS_PATH, SOLUTIONS_PATH)

    def may_have(self, product: str) -> bool:
        """Return whether it may have tasks of a product."""
        if not self.is_bulk:
            return self.product == product
        is_solution = any(
            route.generation is Generation.SOLUTIONS
            for route in catalogue.load_description(product).routes
        )
        return is_solution == (self.path == SOLUTIONS_PATH)


def is_endpoint_specific(error: KlingError) -> bool:
    """Return whether a refusal is about one endpoint, so that others may answer."""
    return isinstance(error, RefusedError) or error.code == _NO_PERMISSION


def task_endpoints(*, is_bulk: bool) -> list[TaskEndpoint]:
    """Return the endpoints that may have a task, the likeliest first, each once.

    An API key has two for all products; a key pair one for each legacy family.
    """
    if is_bulk:
        return [TaskEndpoint(path=TASKS_PATH), TaskEndpoint(path=SOLUTIONS_PATH)]
    found: dict[str, TaskEndpoint] = {}
    for product in (*catalogue.all_products(), *catalogue.all_managed()):
        for route in product.routes:
            path = route.query_path
            if route.generation is Generation.LEGACY and path is not None:
                endpoint = TaskEndpoint(
                    path=path, product=product.name, pack=product.pack
                )
                found.setdefault(path, endpoint)
    return list(found.values())


def is_refusal(error: KlingError) -> bool:
    """Return whether a credential or account error; it may be a fault of the API's."""
    return isinstance(error, CredentialsError | AccountError)


def is_synchronous(record: JobRecord) -> bool:
    """Return whether the answer to the job's create call was its result."""
    return record.query_path == NO_ENDPOINT


class QueryClient(Protocol):
    """The part of the API client that the poller needs."""

    async def tasks(
        self, ids: Sequence[str], *, is_external: bool = False, path: str = TASKS_PATH
    ) -> dict[str, Task]: ...

    async def legacy_task(self, query_path: str, task_id: str) -> Task | None: ...


class Poller:
    """Queries the tasks of jobs, at the endpoints that the credentials allow.

    An API key has every task at `GET /tasks`, 20 ids a call, except those of solutions,
    which have an endpoint of their own; a key pair queries each legacy endpoint.
    Source: API reference 2.3, 2.5 and 2.10, read 2026-10-04.
    """

    def __init__(self, client: QueryClient, *, is_bulk: bool) -> None:
        self._client = client
        self.is_bulk = is_bulk

    async def fetch(self, records: Sequence[JobRecord]) -> Mapping[str, Task]:
        """Return the tasks by the keys of their records; unknown ones are absent.

        Raises:
            KlingError: there was no answer for any of them.
        """
        by_path: dict[str, list[JobRecord]] = {}
        found: dict[str, Task] = {}
        for record in records:
            if not is_synchronous(record):
                is_solution = record.query_path == SOLUTIONS_PATH
                path = SOLUTIONS_PATH if is_solution else TASKS_PATH
                by_path.setdefault(path, []).append(record)
            elif (task := record.as_task) is not None:
                found[record.key] = task
        for path, group in by_path.items():
            if self.is_bulk or path == SOLUTIONS_PATH:
                found.update(await self._fetch_bulk(path, group))
            else:
                found.update(await self._fetch_each(group))
        return found

    async def fetch_one(self, record: JobRecord) -> Task | None:
        """Return the task of one job; None if the API does not have it.

        Raises:
            KlingError: there was no answer.
        """
        return (await self.fetch([record])).get(record.key)

    async def _fetch_bulk(
        self, path: str, records: Sequence[JobRecord]
    ) -> dict[str, Task]:
        by_task_id = {record.task_id: record for record in records if record.task_id}
        external_ids = [record.external_id for record in records if not record.task_id]
        found: dict[str, Task] = {}
        if by_task_id:
            tasks = await self._client.tasks(list(by_task_id), path=path)
            for task_id, task in tasks.items():
                if task_id in by_task_id:
                    found[by_task_id[task_id].key] = task
        if external_ids:
            found.update(
                await self._client.tasks(external_ids, is_external=True, path=path)
            )
        return found

    async def _fetch_each(self, records: Sequence[JobRecord]) -> dict[str, Task]:
        found: dict[str, Task] = {}
        failure: KlingError | None = None
        for record in records:
            name = record.task_id or record.external_id
            try:
                task = await self._client.legacy_task(record.query_path, name)
            except KlingError as exc:
                failure = exc
                continue
            if task is not None:
                found[record.key] = task
        if failure is not None and not found:
            raise failure
        return found
