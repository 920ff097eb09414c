"""The child process of a listener: it is reaped once, however it ends."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress

import anyio
import psutil
import pytest

from kling_cli.listener.child_process import MARKER_VARIABLE, run_child
from tests.jobs.ingress_setup import until

pytestmark = pytest.mark.anyio
TRIES = 40  # who notices the command's end first is a matter of chance


async def test_a_command_that_ends_while_it_is_terminated_is_reaped_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    us = psutil.Process()
    for _ in range(TRIES):
        async with anyio.create_task_group() as group:

            async def run() -> None:
                await run_child(["sleep", "60"], "http://a", is_stdout_reserved=False)

            group.start_soon(run)
            await until(lambda: bool(us.children()))
            os.kill(us.children()[0].pid, signal.SIGINT)  # Ctrl-C is for both of us
            group.cancel_scope.cancel()

    assert caplog.records == []


LEAVES = """
import os, subprocess, sys, time
for session in (False, True):
    subprocess.Popen(["sleep", "60"], start_new_session=session)
if sys.argv[1] == "ends":
    os._exit(3)
time.sleep(60)
"""


@pytest.mark.parametrize("how", ["ends", "is cancelled"])
async def test_processes_that_a_command_leaves_behind_are_terminated(how: str) -> None:
    before = {each.pid for each in psutil.process_iter()}
    codes = []

    async def run() -> None:
        command = [sys.executable, "-c", LEAVES, how]
        codes.append(await run_child(command, "http://a", is_stdout_reserved=False))

    async with anyio.create_task_group() as group:
        group.start_soon(run)
        if how != "ends":
            await until(lambda: len(sleeping(before)) == 2)
            group.cancel_scope.cancel()

    assert sleeping(before) == []
    assert codes == ([3] if how == "ends" else [])


def sleeping(before: set[int]) -> list[psutil.Process]:
    """Return the marked processes called `sleep` that were not there before."""
    found = []
    for each in psutil.process_iter():
        with suppress(psutil.Error):
            if each.pid not in before and MARKER_VARIABLE in each.environ():
                found += [each] if each.name() == "sleep" else []
    return found
