from __future__ import annotations

import anyio
import anyio.lowlevel
import pytest

from kling_cli.background import background

pytestmark = pytest.mark.anyio


async def test_background_tasks_end_with_the_block() -> None:
    ended: list[str] = []

    async def beside() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            ended.append("beside")

    async with background() as group:
        group.start_soon(beside)
        await anyio.lowlevel.checkpoint()
        ended.append("block")

    assert ended == ["block", "beside"]


async def test_an_error_of_the_block_is_unwrapped_and_cancels_the_tasks() -> None:
    async def block() -> None:
        async with background() as group:
            group.start_soon(anyio.sleep_forever)
            await anyio.lowlevel.checkpoint()
            raise KeyError("k")

    with pytest.raises(KeyError, match="k"):
        await block()


async def test_an_error_of_a_task_ends_the_block_and_is_raised_in_a_group() -> None:
    async def beside() -> None:
        raise KeyError("k")

    async def block() -> None:
        async with background() as group:
            group.start_soon(beside)
            await anyio.sleep_forever()

    with pytest.raises(ExceptionGroup) as caught:
        await block()

    assert [type(one) for one in caught.value.exceptions] == [KeyError]


async def test_cancelling_the_task_group_ends_the_block_without_an_error() -> None:
    async with background() as group:
        group.cancel_scope.cancel()
        await anyio.sleep_forever()

    assert group.cancel_scope.cancel_called
