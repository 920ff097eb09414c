"""Task ids: fit to be sent, as many as a call takes, found again in the answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from kling_cli.api.task import Task
from kling_cli.errors import UsageError

IDS_A_CALL: Final = 20  # Source: API reference 2.5, `GET /tasks`, read 2026-10-04


def chunks(ids: Sequence[str]) -> Iterator[list[str]]:
    """Yield `ids`, each once, in lists that one call can take.

    Raises:
        UsageError: one of them is not an id.
    """
    unique = list(dict.fromkeys(checked(each) for each in ids))
    for start in range(0, len(unique), IDS_A_CALL):
        yield unique[start : start + IDS_A_CALL]


def checked(task_id: str) -> str:
    """Return an id that means the same in a path and in a list.

    Raises:
        UsageError: it would not.
    """
    if task_id in ("", ".", "..") or "," in task_id:
        raise UsageError(f"{task_id!r} is not a task id", hint="give ids one by one")
    return task_id


def by_id(
    asked: Sequence[str], tasks: Sequence[Task], *, is_external: bool
) -> Iterator[tuple[str, Task]]:
    """Yield the tasks that were asked for; one answer to one question is the answer."""
    for task in tasks:
        name = task.external_id if is_external else task.id
        if name is None and len(asked) == len(tasks) == 1:
            name = asked[0]
        if name in asked and name is not None:
            yield name, task
