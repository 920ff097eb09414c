"""Task ids as they come from a command line."""

from __future__ import annotations

from collections.abc import Iterable

from kling_cli.errors import UsageError
from kling_cli.text import is_text, normal_text


def distinct(task_ids: Iterable[str]) -> tuple[str, ...]:
    """Return the ids in the order typed, each once, without surrounding space.

    A list of ids that Windows has saved gives them with carriage returns and a mark.

    Raises:
        UsageError: one is empty, as an unset shell variable makes it.
    """
    ids = tuple(dict.fromkeys(normal_text(each).strip() for each in task_ids))
    if not is_text(ids):
        raise UsageError(
            "a task id is not a text", hint="kling list shows the ids of this machine"
        )
    if "" in ids:
        raise UsageError(
            "a task id is empty", hint="kling list shows the ids of this machine"
        )
    return ids
