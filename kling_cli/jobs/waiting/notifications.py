"""Notifications of callbacks and of the callback path's state, for a run that waits."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field

import anyio

from kling_cli import tunnels
from kling_cli.api import TaskStatus
from kling_cli.clock import Clock, within
from kling_cli.jobs.events import CallbackPath
from kling_cli.jobs.session import Session
from kling_cli.jobs.waiting.schedule import PathState
from kling_cli.store import JournalError, StoredCallback
from kling_cli.tunnels import SharedTunnel

JOURNAL_POLL_S = 0.2
_OWNER_ENDED = "the kling that had the tunnel has ended, or lost it"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackNotification:
    """A callback that was accepted: the task it is about, and the status it claims."""

    nonce: str
    task_id: str | None
    claimed: TaskStatus
    trust: str


@dataclass(slots=True)
class Notifications:
    """The queue between receiver and task watcher, both on one event loop.

    `nonces` are those of the callback URLs of this run's jobs; others are dropped.
    """

    clock: Clock
    nonces: set[str] = field(default_factory=set)
    path: PathState = PathState.NONE
    lost_at: float = 0.0
    _pending: list[CallbackNotification] = field(default_factory=list)
    _changed: anyio.Event = field(default_factory=anyio.Event)

    def post(self, notification: CallbackNotification) -> None:
        """Add a callback; one for a job of this run also proves the callback path."""
        if notification.nonce not in self.nonces:
            return
        self._pending.append(notification)
        if self.path is PathState.READY:
            self.path = PathState.PROVEN
        self._changed.set()

    def post_stored(self, callback: StoredCallback) -> None:
        """Add a callback in the form of the journal, if it is about a task."""
        if callback.nonce is None or callback.status is None:
            return
        self.post(
            CallbackNotification(
                nonce=callback.nonce,
                task_id=callback.task_id,
                claimed=TaskStatus(callback.status),
                trust=callback.trust,
            )
        )

    def set_path(self, state: PathState) -> None:
        """Change the state of the callback path, and wake whoever waits."""
        if state is PathState.LOST and self.path is not PathState.LOST:
            self.lost_at = self.clock.monotonic()
        self.path = state
        self._changed.set()

    def take(self) -> list[CallbackNotification]:
        """Return the notifications since the last call, oldest first."""
        taken, self._pending = self._pending, []
        return taken

    @property
    def since_lost_s(self) -> float:
        return self.clock.monotonic() - self.lost_at

    async def wait(self, seconds: float) -> None:
        """Return at the next change, after `seconds` at the latest."""
        with contextlib.suppress(TimeoutError):
            await within(self.clock, seconds, self._changed.wait)
        self._changed = anyio.Event()


async def follow_shared_tunnel(
    session: Session,
    notifications: Notifications,
    shared: SharedTunnel,
    name: str = tunnels.PUBLIC,
) -> None:
    """Post callbacks that a shared tunnel's owner stores; report when it is lost."""
    reader = StoredCallbackReader(session, notifications)
    is_open, path_before = True, PathState.READY
    state_dir = session.settings.state_dir
    while True:
        await session.clock.sleep(JOURNAL_POLL_S)
        reader.read()
        if (tunnels.find_shared_tunnel(state_dir, name) == shared) is is_open:
            continue
        is_open = not is_open
        if is_open:
            notifications.set_path(path_before)
            session.emit(CallbackPath(state="back", via="shared"))
        else:
            path_before = notifications.path
            notifications.set_path(PathState.LOST)
            session.emit(CallbackPath(state="lost", via="shared", detail=_OWNER_ENDED))


async def follow_stored_callbacks(
    session: Session, notifications: Notifications
) -> None:
    """Post callbacks that any other process stores, until cancelled."""
    reader = StoredCallbackReader(session, notifications)
    while True:
        await session.clock.sleep(JOURNAL_POLL_S)
        reader.read()


class StoredCallbackReader:
    """Reads the callbacks for this run's jobs that other processes have stored."""

    def __init__(self, session: Session, notifications: Notifications) -> None:
        self._journal = session.journal
        self._notifications = notifications
        self._version: int | None = None
        self._last_id = 0

    def read(self) -> None:
        """Post the callbacks stored since the last call; cheap when there are none."""
        try:
            version = self._journal.data_version()
            if version == self._version or not self._notifications.nonces:
                return
            stored = self._journal.callbacks_after(
                self._last_id, self._notifications.nonces
            )
        except JournalError:
            return  # polling goes on
        self._version = version
        for callback in stored:
            self._last_id = callback.id
            self._notifications.post_stored(callback)
