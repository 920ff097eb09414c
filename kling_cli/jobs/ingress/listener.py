"""The short-lived listener of a run: the door, the journal behind it, the news."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kling_cli.api import TaskStatus
from kling_cli.callbacks import (
    CallbackAccepted,
    CallbackNotStored,
    CallbackRefused,
    ReceivedCallback,
    Receiver,
    ReceiverEvent,
    RefusalReason,
    Server,
    serve,
    task_url_matcher,
)
from kling_cli.jobs.events import Notice
from kling_cli.jobs.ingress.notifications import CallbackNotification, Notifications
from kling_cli.jobs.session import Session
from kling_cli.store import StoredCallback


@asynccontextmanager
async def open_listener(
    session: Session, news: Notifications, key: bytes, *, port: int = 0
) -> AsyncIterator[Server]:
    """Listen on 127.0.0.1 for callbacks to paths made with `key`.

    Every callback is in the journal before it is answered, whoever it is for: another
    kling that shares this door reads it there.

    Raises:
        UsageError: the port is taken, or a webhook secret is none.
    """
    session.settings.require("webhook_secret")

    async def keep(received: ReceivedCallback) -> None:
        session.journal.keep_callback(to_stored(received))

    receiver = Receiver(
        [task_url_matcher(key)],
        keep,
        tell=_JobListener(session, news),
        clock=session.clock,
        secrets=session.settings.webhook_secrets,
    )
    async with serve(receiver, port=port) as server:
        yield server


class _JobListener:
    """Turns what the door tells into news, and into one notice of each kind."""

    def __init__(self, session: Session, news: Notifications) -> None:
        self._session = session
        self._news = news
        self._noticed: set[str] = set()

    def __call__(self, event: ReceiverEvent) -> None:
        match event:
            case CallbackAccepted(received=received):
                self._post(received)
            case CallbackRefused(refusal=RefusalReason.UNSIGNED):
                self._notice(
                    "a callback without a valid signature was refused",
                    "check KLING_WEBHOOK_SECRET against the console's secret",
                )
            case CallbackRefused(refusal=RefusalReason.ENCODED, detail=detail):
                self._notice(
                    f"a callback in a content coding was refused: {detail}",
                    "have the proxy before the callback URL pass bodies on unchanged",
                )
            case CallbackNotStored(failure=failure):
                self._notice(f"callbacks cannot be kept: {failure}", None)
            case CallbackRefused():
                pass  # a stranger at the door is no news

    def _post(self, received: ReceivedCallback) -> None:
        if received.hint is None or received.nonce is None:
            return
        self._news.post(
            CallbackNotification(
                nonce=received.nonce,
                task_id=received.hint.task_id,
                claimed=TaskStatus(received.hint.status),
                trust=received.trust.value,
            )
        )

    def _notice(self, message: str, hint: str | None) -> None:
        if message not in self._noticed:
            self._noticed.add(message)
            self._session.tell(Notice(message=message, hint=hint))


def to_stored(
    received: ReceivedCallback, *, number: int = 0, product: str | None = None
) -> StoredCallback:
    """Return a callback as the journal stores it; it gets its number there.

    `product` is what is known where the callback's path does not say it.
    """
    hint = received.hint
    return StoredCallback(
        id=number,
        received_at=received.received_at,
        product=received.product or product,
        nonce=received.nonce,
        task_id=hint.task_id if hint else None,
        external_id=hint.external_id if hint else None,
        status=hint.status if hint else None,
        trust=received.trust.value,
        headers=received.headers,
        raw=received.raw,
    )
