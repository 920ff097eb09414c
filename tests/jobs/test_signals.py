"""Signals to a process of its own; test_run_signals.py has those to a run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import anyio
import anyio.lowlevel
import pytest

from kling_cli.errors import KlingError, StoppedError
from kling_cli.jobs.signals import until_signal

TIMEOUT_S = 30.0
PROGRAM = """
import sys
import anyio
from kling_cli.errors import StoppedError
from kling_cli.jobs.signals import until_signal

async def work():
    try:
        print("working", flush=True)
        await anyio.sleep(60)
    finally:
        print("closing", flush=True)
        if sys.argv[1] == "slow":
            with anyio.CancelScope(shield=True):
                await anyio.sleep(0.5)
        print("closed", flush=True)

async def main():
    try:
        await until_signal(work)
    except StoppedError as exc:
        print(exc.message, flush=True)
        return int(exc.exit_code)

sys.exit(anyio.run(main))
"""
SIGNALS = [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]


@contextmanager
def program(speed: str = "quick") -> Iterator[subprocess.Popen[str]]:
    """Run the program until the block ends; it is at work by then."""
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, speed],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            assert line(process) == "working"
            yield process
        finally:
            process.kill()


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


@pytest.mark.parametrize(("number", "code"), SIGNALS)
def test_a_signal_closes_what_is_open_and_names_itself(
    number: signal.Signals, code: int
) -> None:
    with program() as process:
        process.send_signal(number)
        out, _ = process.communicate(timeout=TIMEOUT_S)

    assert out.split("\n") == ["closing", "closed", f"stopped by {number.name}", ""]
    assert process.returncode == code


@pytest.mark.parametrize("second", [number for number, _ in SIGNALS])
def test_a_second_signal_does_not_interrupt_the_closing(second: signal.Signals) -> None:
    with program("slow") as process:
        process.send_signal(signal.SIGTERM)
        assert line(process) == "closing"
        process.send_signal(second)
        out, _ = process.communicate(timeout=TIMEOUT_S)

    assert out.split("\n") == ["closed", "stopped by SIGTERM", ""]
    assert process.returncode == 143


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT])
def test_a_signal_that_the_parent_had_ignored_stays_ignored(
    number: signal.Signals,
) -> None:
    before = signal.signal(number, signal.SIG_IGN)  # as `nohup` and `&` do
    try:
        with program() as process:
            process.send_signal(number)
            process.send_signal(signal.SIGTERM)
            out, _ = process.communicate(timeout=TIMEOUT_S)
    finally:
        signal.signal(number, before)

    assert "stopped by SIGTERM" in out
    assert process.returncode == 143


@pytest.mark.anyio
async def test_what_the_work_returns_is_returned_and_handlers_are_put_back() -> None:
    before = signal.getsignal(signal.SIGTERM)

    async def work() -> int:
        await anyio.lowlevel.checkpoint()
        return 7

    assert await until_signal(work) == 7
    assert signal.getsignal(signal.SIGTERM) == before


@pytest.mark.anyio
async def test_an_error_of_the_work_comes_out_as_it_is() -> None:
    async def work() -> None:
        raise KlingError("no")

    with pytest.raises(KlingError, match="no"):
        await until_signal(work)


@pytest.mark.anyio
async def test_work_that_is_done_when_the_signal_comes_counts_as_done() -> None:
    async def work() -> int:
        await anyio.sleep(0.01)
        signal.raise_signal(signal.SIGTERM)
        return 7

    assert await until_signal(work) == 7


@pytest.mark.anyio
async def test_the_first_signal_is_the_one_that_counts() -> None:
    async def work() -> None:
        await anyio.sleep(0.01)
        signal.raise_signal(signal.SIGHUP)
        await anyio.sleep(60)

    with pytest.raises(StoppedError) as caught:
        await until_signal(work)

    assert caught.value.exit_code == 129
