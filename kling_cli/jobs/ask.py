"""Asking the API how tasks stand: many at once where the credentials allow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from kling_cli.api.task import Task
from kling_cli.errors import AccountError, CredentialsError, KlingError
from kling_cli.store.entry import Entry

TASKS_PATH = "/tasks"
SOLUTIONS_PATH = "/solutions"
NOWHERE = ""  # where a call is asked about whose answer was its result
STAYING_REFUSALS = 4  # in a row, before they count as here to stay


def is_refusal(error: KlingError) -> bool:
    """Return whether asking again helps only if it was a passing fault of theirs."""
    return isinstance(error, CredentialsError | AccountError)


class Answers(Protocol):
    """The part of the API client that asking needs."""

    async def tasks(
        self, ids: Sequence[str], *, is_external: bool = False, path: str = TASKS_PATH
    ) -> dict[str, Task]: ...

    async def legacy_task(self, query_path: str, task_id: str) -> Task | None: ...


class Asker:
    """Asks for the tasks of journal entries, by the way the credentials allow.

    An API key sees every task through `GET /tasks`, 20 ids a call, but for solutions,
    which have a path of their own; a key pair asks each legacy family for its own.
    Source: API reference 2.3, 2.5 and 2.10, read 2026-10-04.
    """

    def __init__(self, client: Answers, *, is_bulk: bool) -> None:
        self._client = client
        self.is_bulk = is_bulk

    async def ask(self, entries: Sequence[Entry]) -> Mapping[str, Task]:
        """Return what the API says, by key of entry; what it does not know is absent.

        Raises:
            KlingError: no answer could be had for any of them.
        """
        known = [entry for entry in entries if entry.query_path == NOWHERE]
        found = {one.key: task for one in known if (task := one.as_task)}
        for path, asked in self._groups(entries):
            found.update(await self._ask_at(path, asked))
        return found

    def _groups(self, entries: Sequence[Entry]) -> list[tuple[str, list[Entry]]]:
        """Return the entries by where to ask for them together, if anywhere."""
        groups: dict[str, list[Entry]] = {}
        for entry in entries:
            if entry.query_path != NOWHERE:
                path = SOLUTIONS_PATH if _is_solution(entry) else TASKS_PATH
                groups.setdefault(path, []).append(entry)
        return list(groups.items())

    async def _ask_at(self, path: str, entries: Sequence[Entry]) -> dict[str, Task]:
        if self.is_bulk or path == SOLUTIONS_PATH:
            return await self._ask_together(path, entries)
        return await self._ask_one_by_one(entries)

    async def _ask_together(
        self, path: str, entries: Sequence[Entry]
    ) -> dict[str, Task]:
        named = {entry.task_id: entry for entry in entries if entry.task_id}
        nameless = [entry.external_id for entry in entries if not entry.task_id]
        found: dict[str, Task] = {}
        if named:
            for task_id, task in (
                await self._client.tasks(list(named), path=path)
            ).items():
                if task_id in named:
                    found[named[task_id].key] = task
        if nameless:
            found.update(
                await self._client.tasks(nameless, is_external=True, path=path)
            )
        return found

    async def _ask_one_by_one(self, entries: Sequence[Entry]) -> dict[str, Task]:
        found: dict[str, Task] = {}
        failure: KlingError | None = None
        for entry in entries:
            name = entry.task_id or entry.external_id
            try:
                task = await self._client.legacy_task(entry.query_path, name)
            except KlingError as exc:
                failure = exc
                continue
            if task is not None:
                found[entry.key] = task
        if failure is not None and not found:
            raise failure
        return found


def _is_solution(entry: Entry) -> bool:
    return entry.query_path == SOLUTIONS_PATH
