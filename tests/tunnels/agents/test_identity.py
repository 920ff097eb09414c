"""Telling a process from another that has its pid later."""

from __future__ import annotations

import os
import subprocess
import sys

from kling_cli.tunnels.agents.identity import Identity, identify


def test_a_running_process_is_alive() -> None:
    us = identify(os.getpid())

    assert us is not None
    assert us.is_alive


def test_another_process_under_the_same_pid_is_not_taken_for_it() -> None:
    us = identify(os.getpid())

    assert us is not None
    assert not Identity(us.pid, us.started_at - 60).is_alive


def test_a_process_that_has_exited_is_not_alive_even_before_it_is_waited_for() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    found = identify(child.pid)
    assert child.stdin is not None
    child.stdin.close()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)

    try:
        assert found is not None
        assert not found.is_alive
    finally:
        child.wait()


def test_a_pid_that_nobody_can_have_is_nobody() -> None:
    assert identify(-1) is None
    assert identify(2**22 + 1) is None
