from __future__ import annotations

import asyncio

import anyio
import pytest

from kling_cli.callbacks.http.connection import Deadline

pytestmark = pytest.mark.anyio


class RecordingDeadline:
    """A deadline whose actions record their names."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.timer = Deadline(self.loop)
        self.called: list[str] = []
        self.has_fired = anyio.Event()

    def set(self, seconds: float, name: str) -> None:
        self.timer.schedule(self.loop.time() + seconds, lambda: self._record(name))

    def _record(self, name: str) -> None:
        self.called.append(name)
        self.has_fired.set()


async def test_the_last_scheduled_action_is_called_at_its_time() -> None:
    deadline = RecordingDeadline()
    started = deadline.loop.time()

    deadline.set(0.05, "near")
    deadline.set(0.2, "far")
    with anyio.fail_after(5):
        await deadline.has_fired.wait()

    assert deadline.called == ["far"]
    assert deadline.loop.time() - started >= 0.2


async def test_an_earlier_deadline_is_not_missed() -> None:
    deadline = RecordingDeadline()

    deadline.set(60, "far")
    deadline.set(0.01, "near")
    with anyio.fail_after(5):
        await deadline.has_fired.wait()

    assert deadline.called == ["near"]


async def test_a_cancelled_deadline_calls_nothing() -> None:
    deadline = RecordingDeadline()

    deadline.set(0.01, "late")
    deadline.timer.cancel()
    await anyio.sleep(0.05)

    assert deadline.called == []
