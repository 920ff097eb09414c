"""Requests of a 5-minute job, on a clock that runs faster."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
from figures import Figure, environment

from kling_cli.clock import SystemClock
from kling_cli.jobs.generation import generate
from kling_cli.jobs.job import RunOptions
from kling_cli.jobs.order import Order
from kling_cli.sandbox.options import SandboxOptions
from kling_cli.sandbox.server import serve_sandbox
from kling_cli.settings.settings import read_settings

MINUTES_5 = 300.0
SPEED = 60.0


@dataclass
class FastClock(SystemClock):
    """A clock on which a minute passes in a second."""

    began_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def now(self) -> datetime:
        past_s = (datetime.now(UTC) - self.began_at).total_seconds()
        return self.began_at + timedelta(seconds=past_s * SPEED)

    def monotonic(self) -> float:
        return super().monotonic() * SPEED

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds / SPEED)


def measure_long_job(folder: Path, _runs: int) -> Iterator[Figure]:
    """Count the queries of one long job with callbacks and of one without."""
    for callback, budget in (("auto", 8), ("off", 40)):
        creates, queries = anyio.run(_requests, folder, callback)
        assert creates == 1
        words = "with callbacks" if callback == "auto" else "without callbacks"
        yield Figure(
            name=f"a 5-minute job {words}", value=queries, budget=budget, unit="queries"
        )


async def _requests(folder: Path, callback: str) -> tuple[int, int]:
    clock = FastClock()
    async with serve_sandbox(
        SandboxOptions(task_seconds=MINUTES_5, clock=clock)
    ) as sandbox:
        known = {"KLING_API_BASE": sandbox.base_url, "KLING_API_KEY": sandbox.api_key}
        result = await generate(
            Order(product="text2video", values={"prompt": "a boat"}),
            RunOptions(command="text2video", callback=callback, is_downloading=False),
            settings=read_settings(environment(folder, **known)),
            emit=lambda _event: None,
            clock=clock,
        )
    assert result.error is None, result.error
    return result.create_requests, result.query_requests
