"""The command beside a listener: its end is noticed once, whoever brings it about."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress

import anyio
import psutil
import pytest

from kling_cli.listen.child import MARK, run_child
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


LEAVES = """
import os, subprocess, sys, time
for session in (False, True):
    subprocess.Popen(["sleep", "60"], start_new_session=session)
if sys.argv[1] == "ends":
    os._exit(3)
time.sleep(60)
"""


@pytest.mark.parametrize("how", ["ends", "is cancelled"])
async def test_what_a_command_leaves_behind_is_ended(how: str) -> None:
    before = {each.pid for each in psutil.process_iter()}
    codes = []

    async def run() -> None:
        command = [sys.executable, "-c", LEAVES, how]
        codes.append(await run_child(command, "http://a", is_stdout_ours=False))

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
            if each.pid not in before and MARK in each.environ():
                found += [each] if each.name() == "sleep" else []
    return found
