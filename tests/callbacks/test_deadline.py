from __future__ import annotations

import asyncio

import anyio
import pytest

from kling_cli.callbacks.http.connection import Deadline

pytestmark = pytest.mark.anyio


class Bell:
    """A deadline, and what it did."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.deadline = Deadline(self.loop)
        self.rung: list[str] = []
        self.has_rung = anyio.Event()

    def set(self, seconds: float, word: str) -> None:
        self.deadline.schedule(self.loop.time() + seconds, lambda: self.ring(word))

    def ring(self, word: str) -> None:
        self.rung.append(word)
        self.has_rung.set()


async def test_what_was_set_last_is_done_when_its_time_has_come() -> None:
    bell = Bell()
    started = bell.loop.time()

    bell.set(0.05, "near")
    bell.set(0.2, "far")
    with anyio.fail_after(5):
        await bell.has_rung.wait()

    assert bell.rung == ["far"]
    assert bell.loop.time() - started >= 0.2


async def test_a_deadline_that_comes_nearer_is_not_missed() -> None:
    bell = Bell()

    bell.set(60, "far")
    bell.set(0.01, "near")
    with anyio.fail_after(5):
        await bell.has_rung.wait()

    assert bell.rung == ["near"]


async def test_after_its_end_nothing_is_done() -> None:
    bell = Bell()

    bell.set(0.01, "late")
    bell.deadline.cancel()
    await anyio.sleep(0.05)

    assert bell.rung == []
