"""Work that goes on beside other work and ends with it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from anyio.abc import TaskGroup


@asynccontextmanager
async def background() -> AsyncIterator[TaskGroup]:
    """Open a task group that is cancelled when the block ends.

    An error of the block comes out as it is, not wrapped in a group; an error of a
    background task is a bug and comes out as a group.
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
