"""What the waiter is told from outside: callbacks, and how the way for them stands."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field

import anyio

from kling_cli.api import TaskStatus
from kling_cli.clock import Clock, within
from kling_cli.jobs.events import CallbackPath
from kling_cli.jobs.session import Session
from kling_cli.jobs.waiting.schedule import PathState
from kling_cli.store import JournalError, StoredCallback
from kling_cli.tunnels import shared_lock
from kling_cli.tunnels.shared_lock import SharedTunnel


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackNotification:
    """A callback that passed the door: whom it is about, and what it claims."""

    nonce: str
    task_id: str | None
    claimed: TaskStatus
    trust: str


@dataclass(slots=True)
class Notifications:
    """A mailbox between the door and the waiter, both on one event loop.

    `nonces` are those of the callback URLs that belong to this run's jobs.
    """

    clock: Clock
    nonces: set[str] = field(default_factory=set)
    path: PathState = PathState.NONE
    lost_at: float = 0.0
    _hints: list[CallbackNotification] = field(default_factory=list)
    _bell: anyio.Event = field(default_factory=anyio.Event)

    def post(self, hint: CallbackNotification) -> None:
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

    def take(self) -> list[CallbackNotification]:
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


JOURNAL_POLL_S = 0.2
_OWNER_ENDED = "the kling that had the tunnel has ended, or lost it"


async def follow_shared_tunnel(
    session: Session,
    notifications: Notifications,
    door: SharedTunnel,
    name: str = shared_lock.PUBLIC,
) -> None:
    """Post callbacks that the door's owner keeps; tell when the door shuts or opens."""
    reader = StoredCallbackReader(session, notifications)
    is_open, was = True, PathState.READY
    while True:
        await session.clock.sleep(JOURNAL_POLL_S)
        reader.read()
        if (
            shared_lock.find_shared_tunnel(session.settings.state_dir, name) == door
        ) is is_open:
            continue
        is_open = not is_open
        if is_open:
            notifications.set_path(was)
            session.emit(CallbackPath(state="back", via="shared"))
        else:
            was = notifications.path
            notifications.set_path(PathState.LOST)
            session.emit(CallbackPath(state="lost", via="shared", detail=_OWNER_ENDED))


async def follow_stored_callbacks(
    session: Session, notifications: Notifications
) -> None:
    """Post callbacks that any other kling keeps, for as long as we are waiting."""
    reader = StoredCallbackReader(session, notifications)
    while True:
        await session.clock.sleep(JOURNAL_POLL_S)
        reader.read()


class StoredCallbackReader:
    """Reads callbacks for our jobs that another process has kept."""

    def __init__(self, session: Session, notifications: Notifications) -> None:
        self._journal = session.journal
        self._notifications = notifications
        self._version: int | None = None
        self._last = 0

    def read(self) -> None:
        """Post what has come since the last call; cheap when nothing has."""
        try:
            version = self._journal.data_version()
            if version == self._version or not self._notifications.nonces:
                return
            kept = self._journal.callbacks_after(self._last, self._notifications.nonces)
        except JournalError:
            return  # polling goes on
        self._version = version
        for callback in kept:
            self._last = callback.id
            self._post(callback)

    def _post(self, callback: StoredCallback) -> None:
        if callback.nonce is None or callback.status is None:
            return
        self._notifications.post(
            CallbackNotification(
                nonce=callback.nonce,
                task_id=callback.task_id,
                claimed=TaskStatus(callback.status),
                trust=callback.trust,
            )
        )
