"""What the waiter is told from outside: callbacks, and how the way for them stands."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field

import anyio

from kling_cli.api.task import TaskStatus
from kling_cli.clock import Clock, within
from kling_cli.jobs.schedule import PathState


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint:
    """A callback that passed the door: whom it is about, and what it claims."""

    nonce: str
    task_id: str | None
    claimed: TaskStatus
    trust: str


@dataclass(slots=True)
class News:
    """A mailbox between the door and the waiter, both on one event loop.

    `nonces` are those of the callback URLs that belong to this run's jobs.
    """

    clock: Clock
    nonces: set[str] = field(default_factory=set)
    path: PathState = PathState.NONE
    lost_at: float = 0.0
    _hints: list[Hint] = field(default_factory=list)
    _bell: anyio.Event = field(default_factory=anyio.Event)

    def post(self, hint: Hint) -> None:
        """Hand over a callback; one for a job of ours also proves an open way."""
        if hint.nonce not in self.nonces:
            return
        self._hints.append(hint)
        if self.path is PathState.READY:
            self.path = PathState.PROVEN
        self._bell.set()

    def set_path(self, state: PathState) -> None:
        """Say how the way for callbacks stands; a loss wakes the waiter at once."""
        if state is PathState.LOST and self.path is not PathState.LOST:
            self.lost_at = self.clock.monotonic()
        self.path = state
        self._bell.set()

    def take(self) -> list[Hint]:
        """Return what has come since the last call, oldest first."""
        taken, self._hints = self._hints, []
        return taken

    @property
    def since_lost_s(self) -> float:
        return self.clock.monotonic() - self.lost_at

    async def wait(self, seconds: float) -> None:
        """Return when there is news, after `seconds` at the latest."""
        with contextlib.suppress(TimeoutError):
            await within(self.clock, seconds, self._bell.wait)
        self._bell = anyio.Event()
