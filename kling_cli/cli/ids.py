"""Task ids as they come from a command line."""

from __future__ import annotations

from collections.abc import Iterable

from kling_cli.errors import UsageError


def distinct(task_ids: Iterable[str]) -> tuple[str, ...]:
    """Return the ids in the order typed, each once, without surrounding space.

    Raises:
        UsageError: one is empty, as an unset shell variable makes it.
    """
    ids = tuple(dict.fromkeys(each.strip() for each in task_ids))
    if "" in ids:
        raise UsageError(
            "a task id is empty", hint="kling list shows the ids of this machine"
        )
    return ids
