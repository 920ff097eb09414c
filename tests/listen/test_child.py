"""The command beside a listener: its end is noticed once, whoever brings it about."""

from __future__ import annotations

import os
import signal

import anyio
import psutil
import pytest

from kling_cli.listen.child import run_child
from tests.jobs.sessions import until

pytestmark = pytest.mark.anyio
TRIES = 40  # who notices the command's end first is a matter of chance


async def test_a_command_that_ends_as_it_is_ended_is_no_stranger(
    caplog: pytest.LogCaptureFixture,
) -> None:
    us = psutil.Process()
    for _ in range(TRIES):
        async with anyio.create_task_group() as group:

            async def run() -> None:
                await run_child(["sleep", "60"], "http://a", is_stdout_ours=False)

            group.start_soon(run)
            await until(lambda: bool(us.children()))
            os.kill(us.children()[0].pid, signal.SIGINT)  # Ctrl-C is for both of us
            group.cancel_scope.cancel()

    assert caplog.records == []
