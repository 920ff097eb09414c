"""Task group for background tasks that end with a block."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from anyio.abc import TaskGroup


@asynccontextmanager
async def background() -> AsyncIterator[TaskGroup]:
    """Open a task group that is cancelled when the block ends.

    An error of the block is raised unwrapped, not in an exception group; an error of a
    background task is a bug and is raised in a group.
    """
    import anyio

    failure: Exception | None = None
    async with anyio.create_task_group() as group:
        try:
            yield group
        except Exception as exc:  # noqa: BLE001 -- raised again below, unwrapped
            failure = exc
        group.cancel_scope.cancel()
    if failure is not None:
        raise failure
