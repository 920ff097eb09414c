"""Open sessions, and ways for callbacks into them, without any API behind."""

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
from tests.jobs.made import EventLog
from tests.support.callback_client import PostResult, post_callback

E = TypeVar("E")
PATIENCE_S = 20.0


@dataclass(slots=True)
class Heard(EventLog):
    """Whoever is told of events and waits for one."""

    bell: anyio.Event = field(default_factory=anyio.Event)

    def __call__(self, event: Event) -> None:
        self.events.append(event)
        self.bell.set()

    async def next(self, kind: type[E], number: int = 1) -> E:
        """Return event `number` (from 1) of a kind, once it is there."""
        with anyio.fail_after(PATIENCE_S):
            while len(found := self.of(kind)) < number:
                self.bell = anyio.Event()
                await self.bell.wait()
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
    settings: Settings, heard: EventLog, clock: Clock | None = None
) -> AsyncIterator[Session]:
    async with open_session(settings, clock or SystemClock(), heard) as session:
        yield session


@dataclass(frozen=True, slots=True)
class Opened:
    """A way that is open, and what comes in by it."""

    ingress: CallbackIngress
    session: Session
    notifications: Notifications
    heard: Heard

    def url(self, nonce: str) -> str:
        """Return the callback URL of a job of ours."""
        self.notifications.nonces.add(nonce)
        url = self.ingress.url_for("text2video", nonce)
        assert url is not None
        return url


@asynccontextmanager
async def a_way(
    settings: Settings, *, clock: Clock | None = None, **options: Any
) -> AsyncIterator[Opened]:
    heard = Heard()
    chosen = RunOptions(command="text2video", **options)
    async with a_session(settings, heard, clock) as session:
        notifications = Notifications(clock=session.clock)
        async with (
            background() as group,
            open_ingress(chosen, session, notifications, group) as ingress,
        ):
            yield Opened(ingress, session, notifications, heard)


async def call(url: str, body: bytes | dict[str, Any]) -> PostResult:
    """Knock as Kling does; status 0 when nobody is there."""
    return await anyio.to_thread.run_sync(lambda: post_callback(url, body))


async def until(is_so: Callable[[], bool]) -> None:
    """Return once it is so; for what has no event of its own."""
    with anyio.fail_after(PATIENCE_S):
        while not is_so():  # noqa: ASYNC110 -- files and other processes ring no bell
            await anyio.sleep(0.01)
