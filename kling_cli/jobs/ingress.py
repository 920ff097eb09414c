"""The way by which callbacks reach a run: its listener, and a tunnel or URL to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import assert_never

from anyio.abc import TaskGroup

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
    TaskUrl,
    callback_path,
    load_key,
    serve,
    task_url_matcher,
)
from kling_cli.errors import TunnelError
from kling_cli.jobs.events import CallbackPath, Notice, TunnelOpening
from kling_cli.jobs.job import RunOptions
from kling_cli.jobs.session import Session
from kling_cli.jobs.waiting.notifications import (
    CallbackNotification,
    Notifications,
    follow_shared_tunnel,
)
from kling_cli.jobs.waiting.schedule import PathState
from kling_cli.settings import Settings
from kling_cli.store import StoredCallback
from kling_cli.tunnels import chain, shared_lock
from kling_cli.tunnels.provider import Tunnel, TunnelEvent, TunnelTakenError
from kling_cli.tunnels.shared_lock import SharedTunnel, SharedTunnelLock


@dataclass(frozen=True, slots=True)
class OwnTunnel:
    """Our tunnel, and what the other processes are told of it."""

    tunnel: Tunnel
    lock: SharedTunnelLock
    port: int

    def _publish(self, event: TunnelEvent) -> None:
        if event.state in ("up", "moved"):
            self.lock.publish(event.public_url, self.port)
        else:
            self.lock.withdraw()

    async def follow(self, session: Session, notifications: Notifications) -> None:
        """Tell the waiter, the person and other processes what becomes of it."""
        first_url = self.tunnel.public_url
        via = self.tunnel.provider_name
        was = PathState.READY
        async for event in self.tunnel.events():
            self._publish(event)
            if event.state == "up" and event.public_url == first_url:
                notifications.set_path(
                    was if was is PathState.PROVEN else PathState.READY
                )
                session.emit(CallbackPath(state="back", via=via, detail=event.detail))
                continue
            if notifications.path is not PathState.LOST:
                was = notifications.path
                notifications.set_path(PathState.LOST)
                session.emit(CallbackPath(state="lost", via=via, detail=event.detail))


SHARED_TUNNEL_WAIT_S = 4.0  # for another kling that is just opening its tunnel
SHARED_TUNNEL_POLL_S = 0.2


class IngressKind(StrEnum):
    """What kind of way a run takes."""

    OFF = "off"
    URL = "url"
    ELSEWHERE = "elsewhere"  # a URL is given and nobody waits here
    LOOPBACK = "loopback"
    STANDING = "standing"  # nobody waits here, but a listener may be there to hear
    TUNNEL = "tunnel"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackIngress:
    """How callbacks get here; `base_url` is None when they cannot.

    One that `is_exact` is itself the callback URL of every task.
    """

    base_url: str | None = None
    via: str | None = None
    key: bytes = b""
    is_exact: bool = False

    def url_for(self, product: str, nonce: str) -> str | None:
        """Return the callback URL of one task: a secret, made for this task alone."""
        if self.base_url is None or self.is_exact:
            return self.base_url
        path = callback_path(TaskUrl(product=product, nonce=nonce), self.key)
        return self.base_url.rstrip("/") + path


NO_INGRESS = CallbackIngress()


def choose_ingress(options: RunOptions, settings: Settings) -> IngressKind:
    """Return what kind of way these options ask for. Pure.

    Raises:
        TunnelError: callbacks are required and excluded at once.
    """
    kind = _kind(options, settings)
    if kind is IngressKind.OFF and options.callback == "require":
        raise _excluded_error(settings)
    return kind


def _excluded_error(settings: Settings) -> TunnelError:
    if settings.is_typed("tunnel") or settings.tunnel != "none":
        return TunnelError(
            "--callback require needs a way in, and --tunnel none forbids one",
            hint="leave out --tunnel none, or give --callback-url URL",
        )
    return TunnelError(
        "callbacks are required, and there is to be no tunnel, says"
        f" {settings.origins['tunnel']}",
        hint="add --tunnel auto, or give --callback-url URL",
    )


def _kind(options: RunOptions, settings: Settings) -> IngressKind:
    if options.callback == "off":
        return IngressKind.OFF
    if options.callback_url:
        return IngressKind.URL if options.is_waiting else IngressKind.ELSEWHERE
    if not options.is_waiting:
        return IngressKind.OFF if options.tunnel == "none" else IngressKind.STANDING
    if options.tunnel == "none":
        return IngressKind.OFF
    is_near = options.tunnel == "auto" and settings.is_loopback_base
    return IngressKind.LOOPBACK if is_near else IngressKind.TUNNEL


@dataclass(frozen=True, slots=True, kw_only=True)
class _Opening:
    """What opening a way needs; `stack` closes what was opened."""

    options: RunOptions
    session: Session
    notifications: Notifications
    group: TaskGroup
    stack: AsyncExitStack
    key: bytes


@asynccontextmanager
async def open_ingress(
    options: RunOptions,
    session: Session,
    notifications: Notifications,
    group: TaskGroup,
) -> AsyncIterator[CallbackIngress]:
    """Open the way these options ask for, and close all of it at the end.

    `group` carries what follows the tunnel's state; whoever made it cancels it.

    Raises:
        TunnelError: callbacks are required and there is no way for them.
    """
    kind = choose_ingress(options, session.settings)
    async with AsyncExitStack() as stack:
        opening = _Opening(
            options=options,
            session=session,
            notifications=notifications,
            group=group,
            stack=stack,
            key=load_key(session.settings.state_dir),
        )
        try:
            ingress = await _open(kind, opening)
        except TunnelError as exc:
            if options.callback == "require":
                raise
            ingress = NO_INGRESS
            session.emit(CallbackPath(state="none", detail=exc.message, hint=exc.hint))
        if ingress.base_url is not None:
            notifications.set_path(PathState.READY)
            session.emit(CallbackPath(state="ready", via=ingress.via))
        yield ingress


async def _open(kind: IngressKind, to: _Opening) -> CallbackIngress:
    url = to.options.callback_url
    match kind:
        case IngressKind.OFF:
            return NO_INGRESS
        case IngressKind.ELSEWHERE:
            is_exact = to.options.is_embedded
            return CallbackIngress(
                base_url=url, via="url", key=to.key, is_exact=is_exact
            )
        case IngressKind.TUNNEL:
            return await _open_tunnel(to)
        case IngressKind.STANDING:
            return _use_standing_listener(to) or _without_standing_listener(to.options)
        case IngressKind.LOOPBACK if to.options.port == 0 and (
            ingress := _use_standing_listener(to)
        ):
            return ingress
        case IngressKind.URL | IngressKind.LOOPBACK:
            server = await _listen(to, to.stack)
            return CallbackIngress(
                base_url=url or server.url, via=kind.value, key=to.key
            )
        case _:
            assert_never(kind)


async def _open_tunnel(to: _Opening) -> CallbackIngress:
    """Share the door of another kling of this user, or open one for all."""
    session = to.session
    claimed = shared_lock.acquire_lock(session.settings.state_dir)
    if claimed is None:
        shared = await _wait_for_shared_tunnel(session)
        to.group.start_soon(follow_shared_tunnel, session, to.notifications, shared)
        return CallbackIngress(base_url=shared.public_url, via="shared", key=to.key)
    async with AsyncExitStack() as attempt:
        attempt.callback(claimed.release)
        server = await _listen(to, attempt)
        provider = chain.provider_for(
            session.settings, to.options.tunnel, partial(_emit_attempt, session)
        )
        tunnel = await attempt.enter_async_context(provider.open(server.port))
        claimed.publish(tunnel.public_url, server.port)
        attempt.callback(claimed.withdraw)  # before the tunnel goes
        to.stack.push_async_exit(attempt.pop_all())
    ours = OwnTunnel(tunnel, claimed, server.port)
    to.group.start_soon(ours.follow, session, to.notifications)
    return CallbackIngress(
        base_url=tunnel.public_url, via=tunnel.provider_name, key=to.key
    )


def _emit_attempt(
    session: Session, provider_name: str, failure: TunnelError | None
) -> None:
    reason = failure.message if failure is not None else None
    session.emit(TunnelOpening(provider=provider_name, detail=reason))


def _use_standing_listener(to: _Opening) -> CallbackIngress | None:
    """Take the door of a running `kling listen`, if its URL reaches it from the API."""
    state_dir = to.session.settings.state_dir
    is_near = to.options.tunnel == "auto" and to.session.settings.is_loopback_base
    for name in (
        (shared_lock.LOCAL, shared_lock.PUBLIC) if is_near else (shared_lock.PUBLIC,)
    ):
        door = shared_lock.find_shared_tunnel(state_dir, name)
        if door is None or not door.is_standing:
            continue
        if to.options.is_waiting:
            to.group.start_soon(
                follow_shared_tunnel, to.session, to.notifications, door, name
            )
        url = door.local_url if is_near else door.public_url
        return CallbackIngress(base_url=url, via="shared", key=to.key)
    return None


def _without_standing_listener(options: RunOptions) -> CallbackIngress:
    if options.callback == "require":
        raise TunnelError(
            "--callback require with --no-wait needs somebody to hear the callbacks",
            hint="start `kling listen` first, or give --callback-url URL",
        )
    return NO_INGRESS


async def _listen(to: _Opening, stack: AsyncExitStack) -> Server:
    listener = open_listener(to.session, to.notifications, to.key, port=to.options.port)
    return await stack.enter_async_context(listener)


async def _wait_for_shared_tunnel(session: Session) -> SharedTunnel:
    """Return the other kling's door, waiting a little while it is being opened."""
    clock = session.clock
    until = clock.monotonic() + SHARED_TUNNEL_WAIT_S
    while clock.monotonic() < until:
        door = shared_lock.find_shared_tunnel(session.settings.state_dir)
        if door is not None:
            return door
        await clock.sleep(SHARED_TUNNEL_POLL_S)
    raise TunnelTakenError(
        "another kling is using this account's tunnel and has none to share yet",
        hint="results are polled for; nothing is lost",
    )


@asynccontextmanager
async def open_listener(
    session: Session, notifications: Notifications, key: bytes, *, port: int = 0
) -> AsyncIterator[Server]:
    """Listen on 127.0.0.1 for callbacks to paths made with `key`.

    Every callback is in the journal before it is answered, whoever it is for: another
    kling that shares this door reads it there.

    Raises:
        UsageError: the port is taken, or a webhook secret is none.
    """
    session.settings.require("webhook_secret")

    async def keep(received: ReceivedCallback) -> None:
        session.journal.add_callback(to_stored_callback(received))

    receiver = Receiver(
        [task_url_matcher(key)],
        keep,
        emit=_ReceiverObserver(session, notifications),
        clock=session.clock,
        secrets=session.settings.webhook_secrets,
    )
    async with serve(receiver, port=port) as server:
        yield server


class _ReceiverObserver:
    """Turns what the door tells into news, and into one notice of each kind."""

    def __init__(self, session: Session, notifications: Notifications) -> None:
        self._session = session
        self._notifications = notifications
        self._noticed: set[str] = set()

    def __call__(self, event: ReceiverEvent) -> None:
        match event:
            case CallbackAccepted(received=received):
                self._post(received)
            case CallbackRefused(reason=RefusalReason.UNSIGNED):
                self._notice(
                    "a callback without a valid signature was refused",
                    "check KLING_WEBHOOK_SECRET against the console's secret",
                )
            case CallbackRefused(reason=RefusalReason.ENCODED, detail=detail):
                self._notice(
                    f"a callback in a content coding was refused: {detail}",
                    "have the proxy before the callback URL pass bodies on unchanged",
                )
            case CallbackNotStored(failure=failure):
                self._notice(f"callbacks cannot be kept: {failure}", None)
            case CallbackRefused():
                pass  # a stranger at the door is no news

    def _post(self, received: ReceivedCallback) -> None:
        if received.payload is None or received.nonce is None:
            return
        self._notifications.post(
            CallbackNotification(
                nonce=received.nonce,
                task_id=received.payload.task_id,
                claimed=TaskStatus(received.payload.status),
                trust=received.trust.value,
            )
        )

    def _notice(self, message: str, hint: str | None) -> None:
        if message not in self._noticed:
            self._noticed.add(message)
            self._session.emit(Notice(message=message, hint=hint))


def to_stored_callback(
    received: ReceivedCallback, *, number: int = 0, product: str | None = None
) -> StoredCallback:
    """Return a callback as the journal stores it; it gets its number there.

    `product` is what is known where the callback's path does not say it.
    """
    hint = received.payload
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
