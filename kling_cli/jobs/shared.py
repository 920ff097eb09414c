"""Hearing callbacks through another kling's door: it keeps them in our journal too."""

from __future__ import annotations

from kling_cli.api.task import TaskStatus
from kling_cli.jobs.events import CallbackPath
from kling_cli.jobs.news import Hint, News
from kling_cli.jobs.schedule import PathState
from kling_cli.jobs.session import Session
from kling_cli.store.journal import KeptCallback
from kling_cli.store.journal_file import JournalError
from kling_cli.tunnels import shared_lock
from kling_cli.tunnels.shared_lock import SharedTunnel

LOOK_S = 0.2
_ENDED = "the kling that had the tunnel has ended, or lost it"


async def follow_journal(
    session: Session, news: News, door: SharedTunnel, name: str = shared_lock.PUBLIC
) -> None:
    """Post callbacks that the door's owner keeps; tell when the door shuts or opens."""
    reader = JournalReader(session, news)
    is_open, was = True, PathState.READY
    while True:
        await session.clock.sleep(LOOK_S)
        reader.read()
        if (
            shared_lock.find_shared_tunnel(session.settings.state_dir, name) == door
        ) is is_open:
            continue
        is_open = not is_open
        if is_open:
            news.set_path(was)
            session.tell(CallbackPath(state="back", via="shared"))
        else:
            was = news.path
            news.set_path(PathState.LOST)
            session.tell(CallbackPath(state="lost", via="shared", detail=_ENDED))


async def follow_callbacks(session: Session, news: News) -> None:
    """Post callbacks that any other kling keeps, for as long as we are waiting."""
    reader = JournalReader(session, news)
    while True:
        await session.clock.sleep(LOOK_S)
        reader.read()


class JournalReader:
    """Reads callbacks for our jobs that another process has kept."""

    def __init__(self, session: Session, news: News) -> None:
        self._journal = session.journal
        self._news = news
        self._version: int | None = None
        self._last = 0

    def read(self) -> None:
        """Post what has come since the last call; cheap when nothing has."""
        try:
            version = self._journal.data_version()
            if version == self._version or not self._news.nonces:
                return
            kept = self._journal.callbacks_after(self._last, self._news.nonces)
        except JournalError:
            return  # polling goes on
        self._version = version
        for callback in kept:
            self._last = callback.id
            self._post(callback)

    def _post(self, callback: KeptCallback) -> None:
        if callback.nonce is None or callback.status is None:
            return
        self._news.post(
            Hint(
                nonce=callback.nonce,
                task_id=callback.task_id,
                claimed=TaskStatus(callback.status),
                trust=callback.trust,
            )
        )
