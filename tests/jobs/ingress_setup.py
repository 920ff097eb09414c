"""Open sessions and callback ingresses, without an API."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import anyio
import anyio.to_thread

from kling_cli.background import background
from kling_cli.clock import Clock, SystemClock
from kling_cli.jobs.events import Event
from kling_cli.jobs.ingress import CallbackIngress, open_ingress
from kling_cli.jobs.job import RunOptions
from kling_cli.jobs.session import Session, open_session
from kling_cli.jobs.waiting.notifications import Notifications
from kling_cli.settings.settings import Settings, read_settings
from tests.jobs.factories import EventLog
from tests.support.callback_client import PostResult, post_callback

E = TypeVar("E")
TIMEOUT_S = 20.0


@dataclass(slots=True)
class AwaitableEventLog(EventLog):
    """An event log in which a test can wait for an event."""

    changed: anyio.Event = field(default_factory=anyio.Event)

    def __call__(self, event: Event) -> None:
        self.events.append(event)
        self.changed.set()

    async def next(self, kind: type[E], number: int = 1) -> E:
        """Return event `number` (from 1) of a kind, once it is there."""
        with anyio.fail_after(TIMEOUT_S):
            while len(found := self.of(kind)) < number:
                self.changed = anyio.Event()
                await self.changed.wait()
        return found[number - 1]


def some_settings(folder: Path, **environ: str) -> Settings:
    return read_settings(
        {
            "KLING_API_KEY": "k",
            "KLING_API_BASE": "http://127.0.0.1:9",
            "KLING_STATE_DIR": str(folder / "state"),
            "KLING_CONFIG_DIR": str(folder / "config"),
            **environ,
        }
    )


@asynccontextmanager
async def a_session(
    settings: Settings, event_log: EventLog, clock: Clock | None = None
) -> AsyncIterator[Session]:
    async with open_session(settings, clock or SystemClock(), event_log) as session:
        yield session


@dataclass(frozen=True, slots=True)
class OpenIngress:
    """An open ingress, and what its run receives."""

    ingress: CallbackIngress
    session: Session
    notifications: Notifications
    event_log: AwaitableEventLog

    def url(self, nonce: str) -> str:
        """Return the callback URL of a job of this run."""
        self.notifications.nonces.add(nonce)
        url = self.ingress.url_for("text2video", nonce)
        assert url is not None
        return url


@asynccontextmanager
async def opened_ingress(
    settings: Settings, *, clock: Clock | None = None, **options: Any
) -> AsyncIterator[OpenIngress]:
    event_log = AwaitableEventLog()
    chosen = RunOptions(command="text2video", **options)
    async with a_session(settings, event_log, clock) as session:
        notifications = Notifications(clock=session.clock)
        async with (
            background() as group,
            open_ingress(chosen, session, notifications, group) as ingress,
        ):
            yield OpenIngress(ingress, session, notifications, event_log)


async def call(url: str, body: bytes | dict[str, Any]) -> PostResult:
    """Post a callback as Kling does; status 0 when nothing listens."""
    return await anyio.to_thread.run_sync(lambda: post_callback(url, body))


async def until(is_so: Callable[[], bool]) -> None:
    """Return once `is_so()`, for what has no event."""
    with anyio.fail_after(TIMEOUT_S):
        while not is_so():  # noqa: ASYNC110 -- files and other processes set no event
            await anyio.sleep(0.01)
