"""Controls of a running listener: pause, resume, replay, stop."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from kling_cli.listener.events import (
    Duplicate,
    Forwarded,
    ListenerEvent,
    Stale,
    Verified,
)
from kling_cli.store import StoredCallback

MAX_OUTCOMES: Final = 200
CallbackOutcome = Forwarded | Verified | Duplicate | Stale


class ForwardQueue(Protocol):
    """Accepts callbacks to forward; `submit` returns at once."""

    def submit(self, callback: StoredCallback, *, is_replay: bool = False) -> None:
        """Queue a callback, in order within its task; a replay is marked as one."""

    async def drain(self, timeout_s: float) -> None:
        """Return when the queue is empty, or after `timeout_s`."""


@dataclass(slots=True, kw_only=True)
class Controls:
    """The state that the keyboard can change, handed to the key reader.

    `last_callback` is the newest callback that was shown. While `is_paused`, callbacks
    are stored and shown but not forwarded; `resume` forwards what arrived meanwhile.
    """

    callback_url: str
    forwarder: ForwardQueue | None
    stop: Callable[[str], None]
    last_callback: StoredCallback | None = None
    is_paused: bool = False
    _outcomes: deque[CallbackOutcome] = field(
        default_factory=lambda: deque(maxlen=MAX_OUTCOMES)
    )
    _waiting: list[StoredCallback] = field(default_factory=list)

    def record_outcome(self, event: ListenerEvent) -> None:
        """Remember a recent event about a callback."""
        if isinstance(event, Forwarded | Verified | Duplicate | Stale):
            self._outcomes.append(event)

    def outcomes_of(self, number: int) -> list[CallbackOutcome]:
        """Return the events about callback `number` that are still remembered."""
        return [each for each in self._outcomes if each.number == number]

    def forward(self, callback: StoredCallback) -> None:
        """Hand a callback to the forwarder, now or when forwarding is resumed."""
        if self.forwarder is None:
            return
        if self.is_paused:
            self._waiting.append(callback)
        else:
            self.forwarder.submit(callback)

    def replay_last(self) -> bool:
        """Forward the newest callback once more; return whether there is one."""
        if self.last_callback is None or self.forwarder is None:
            return False
        self.forwarder.submit(self.last_callback, is_replay=True)
        return True

    def pause(self) -> None:
        self.is_paused = True

    def resume(self) -> None:
        self.is_paused = False
        waiting, self._waiting = self._waiting, []
        for callback in waiting:
            self.forward(callback)


# Reads keys until cancelled; started once the listener is ready, on a terminal.
KeyReader = Callable[[Controls], Coroutine[Any, Any, None]]
