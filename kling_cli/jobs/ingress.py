"""The callback ingress of a run: its listener, and a URL or tunnel to that."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from anyio.abc import TaskGroup

from kling_cli import tunnels
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
    Notifications,
    follow_shared_tunnel,
)
from kling_cli.jobs.waiting.schedule import PathState
from kling_cli.settings import Settings
from kling_cli.store import StoredCallback
from kling_cli.tunnels import (
    SharedTunnel,
    SharedTunnelLock,
    Tunnel,
    TunnelEvent,
    TunnelTakenError,
)

SHARED_TUNNEL_WAIT_S = 4.0  # for another process that is just opening its tunnel
SHARED_TUNNEL_POLL_S = 0.2


class IngressKind(StrEnum):
    """How callbacks are to reach a run."""

    OFF = "off"
    URL = "url"
    EXTERNAL = "external"  # a URL is given, and this run does not wait
    LOOPBACK = "loopback"
    STANDING = "standing"  # this run does not wait, but a `kling listen` may be running
    TUNNEL = "tunnel"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackIngress:
    """Where callbacks reach a run; `base_url` is None when they cannot.

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


@asynccontextmanager
async def open_ingress(
    options: RunOptions,
    session: Session,
    notifications: Notifications,
    group: TaskGroup,
) -> AsyncIterator[CallbackIngress]:
    """Open the ingress that these options ask for, and close all of it at the end.

    `group` runs what follows the tunnel's state; its owner cancels it.

    Raises:
        TunnelError: callbacks are required and there is no ingress for them.
    """
    kind = choose_ingress(options, session.settings)
    async with AsyncExitStack() as stack:
        opener = _IngressOpener(
            options=options,
            session=session,
            notifications=notifications,
            group=group,
            stack=stack,
            key=load_key(session.settings.state_dir),
        )
        try:
            ingress = await opener.open(kind)
        except TunnelError as exc:
            if options.callback == "require":
                raise
            ingress = NO_INGRESS
            session.emit(CallbackPath(state="none", detail=exc.message, hint=exc.hint))
        if ingress.base_url is not None:
            notifications.set_path(PathState.READY)
            session.emit(CallbackPath(state="ready", via=ingress.via))
        yield ingress


def choose_ingress(options: RunOptions, settings: Settings) -> IngressKind:
    """Return the kind of ingress that these options ask for. Pure.

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
        return IngressKind.URL if options.is_waiting else IngressKind.EXTERNAL
    if not options.is_waiting:
        return IngressKind.OFF if options.tunnel == "none" else IngressKind.STANDING
    if options.tunnel == "none":
        return IngressKind.OFF
    is_local = options.tunnel == "auto" and settings.is_loopback_base
    return IngressKind.LOOPBACK if is_local else IngressKind.TUNNEL


@dataclass(frozen=True, slots=True, kw_only=True)
class _IngressOpener:
    """Opens an ingress of any kind; `stack` closes what was opened."""

    options: RunOptions
    session: Session
    notifications: Notifications
    group: TaskGroup
    stack: AsyncExitStack
    key: bytes

    async def open(self, kind: IngressKind) -> CallbackIngress:
        """Open an ingress of this kind.

        Raises:
            TunnelError: it cannot be had.
        """
        url = self.options.callback_url
        match kind:
            case IngressKind.OFF:
                return NO_INGRESS
            case IngressKind.EXTERNAL:
                is_exact = self.options.is_embedded
                return CallbackIngress(
                    base_url=url, via="url", key=self.key, is_exact=is_exact
                )
            case IngressKind.TUNNEL:
                return await self._open_tunnel()
            case IngressKind.STANDING:
                return self._standing_listener() or self._without_listener()
            case IngressKind.LOOPBACK if self.options.port == 0 and (
                ingress := self._standing_listener()
            ):
                return ingress
            case IngressKind.URL | IngressKind.LOOPBACK:
                server = await self._listen(self.stack)
                return CallbackIngress(
                    base_url=url or server.url, via=kind.value, key=self.key
                )
            case _:
                assert_never(kind)

    async def _open_tunnel(self) -> CallbackIngress:
        """Open a tunnel, or share the one that another process of this user has."""
        session, notifications = self.session, self.notifications
        lock = tunnels.acquire_lock(session.settings.state_dir)
        if lock is None:
            shared = await self._wait_for_shared_tunnel()
            self.group.start_soon(follow_shared_tunnel, session, notifications, shared)
            return CallbackIngress(
                base_url=shared.public_url, via="shared", key=self.key
            )
        async with AsyncExitStack() as attempt:
            attempt.callback(lock.release)
            server = await self._listen(attempt)
            provider = tunnels.provider_for(
                session.settings, self.options.tunnel, self._emit_attempt
            )
            tunnel = await attempt.enter_async_context(provider.open(server.port))
            lock.publish(tunnel.public_url, server.port)
            attempt.callback(lock.withdraw)  # before the tunnel closes
            self.stack.push_async_exit(attempt.pop_all())
        own = OwnTunnel(tunnel, lock, server.port)
        self.group.start_soon(own.follow, session, notifications)
        return CallbackIngress(
            base_url=tunnel.public_url, via=tunnel.provider_name, key=self.key
        )

    def _emit_attempt(self, provider_name: str, failure: TunnelError | None) -> None:
        reason = failure.message if failure is not None else None
        self.session.emit(TunnelOpening(provider=provider_name, detail=reason))

    async def _wait_for_shared_tunnel(self) -> SharedTunnel:
        """Return another process's tunnel, waiting a while for it to be opened."""
        clock = self.session.clock
        until = clock.monotonic() + SHARED_TUNNEL_WAIT_S
        while clock.monotonic() < until:
            shared = tunnels.find_shared_tunnel(self.session.settings.state_dir)
            if shared is not None:
                return shared
            await clock.sleep(SHARED_TUNNEL_POLL_S)
        raise TunnelTakenError(
            "another kling is using this account's tunnel and has none to share yet",
            hint="results are polled for; nothing is lost",
        )

    def _standing_listener(self) -> CallbackIngress | None:
        """Use a running `kling listen`, if its URL can be reached from the API."""
        settings = self.session.settings
        is_local = self.options.tunnel == "auto" and settings.is_loopback_base
        for name in (tunnels.LOCAL, tunnels.PUBLIC) if is_local else (tunnels.PUBLIC,):
            shared = tunnels.find_shared_tunnel(settings.state_dir, name)
            if shared is None or not shared.is_standing:
                continue
            if self.options.is_waiting:
                self.group.start_soon(
                    follow_shared_tunnel,
                    self.session,
                    self.notifications,
                    shared,
                    name,
                )
            url = shared.local_url if is_local else shared.public_url
            return CallbackIngress(base_url=url, via="shared", key=self.key)
        return None

    def _without_listener(self) -> CallbackIngress:
        if self.options.callback == "require":
            raise TunnelError(
                "--callback require with --no-wait needs somebody to hear the"
                " callbacks",
                hint="start `kling listen` first, or give --callback-url URL",
            )
        return NO_INGRESS

    async def _listen(self, stack: AsyncExitStack) -> Server:
        listener = open_listener(
            self.session, self.notifications, self.key, port=self.options.port
        )
        return await stack.enter_async_context(listener)


@dataclass(frozen=True, slots=True)
class OwnTunnel:
    """A tunnel of this process, published to other processes while it is up."""

    tunnel: Tunnel
    lock: SharedTunnelLock
    port: int

    def _publish(self, event: TunnelEvent) -> None:
        if event.state in ("up", "moved"):
            self.lock.publish(event.public_url, self.port)
        else:
            self.lock.withdraw()

    async def follow(self, session: Session, notifications: Notifications) -> None:
        """Report each change of the tunnel's state, and publish or withdraw it."""
        first_url = self.tunnel.public_url
        via = self.tunnel.provider_name
        path_before = PathState.READY
        async for event in self.tunnel.events():
            self._publish(event)
            if event.state == "up" and event.public_url == first_url:
                is_proven = path_before is PathState.PROVEN
                notifications.set_path(path_before if is_proven else PathState.READY)
                session.emit(CallbackPath(state="back", via=via, detail=event.detail))
                continue
            if notifications.path is not PathState.LOST:
                path_before = notifications.path
                notifications.set_path(PathState.LOST)
                session.emit(CallbackPath(state="lost", via=via, detail=event.detail))


@asynccontextmanager
async def open_listener(
    session: Session, notifications: Notifications, key: bytes, *, port: int = 0
) -> AsyncIterator[Server]:
    """Listen on 127.0.0.1 for callbacks to URLs that were made with `key`.

    Every callback is in the journal before it is answered, whichever job it is for:
    another process that shares this listener reads it there.

    Raises:
        UsageError: the port is taken, or the webhook secret is not one.
    """
    session.settings.require("webhook_secret")

    async def store(received: ReceivedCallback) -> None:
        session.journal.add_callback(to_stored_callback(received))

    receiver = Receiver(
        [task_url_matcher(key)],
        store,
        emit=_ReceiverObserver(session, notifications),
        clock=session.clock,
        secrets=session.settings.webhook_secrets,
    )
    async with serve(receiver, port=port) as server:
        yield server


class _ReceiverObserver:
    """Posts accepted callbacks as notifications; reports each kind of failure once."""

    def __init__(self, session: Session, notifications: Notifications) -> None:
        self._session = session
        self._notifications = notifications
        self._reported: set[str] = set()

    def __call__(self, event: ReceiverEvent) -> None:
        match event:
            case CallbackAccepted(received=received):
                self._notifications.post_stored(to_stored_callback(received))
            case CallbackRefused(reason=RefusalReason.UNSIGNED):
                self._report_once(
                    "a callback without a valid signature was refused",
                    "check KLING_WEBHOOK_SECRET against the console's secret",
                )
            case CallbackRefused(reason=RefusalReason.ENCODED, detail=detail):
                self._report_once(
                    f"a callback in a content coding was refused: {detail}",
                    "have the proxy before the callback URL pass bodies on unchanged",
                )
            case CallbackNotStored(failure=failure):
                self._report_once(f"callbacks cannot be kept: {failure}", None)
            case CallbackRefused():
                pass  # any other request to a public URL says nothing about this run

    def _report_once(self, message: str, hint: str | None) -> None:
        if message not in self._reported:
            self._reported.add(message)
            self._session.emit(Notice(message=message, hint=hint))


def to_stored_callback(
    received: ReceivedCallback, *, number: int = 0, product: str | None = None
) -> StoredCallback:
    """Return a callback as the journal stores it, where it gets its number.

    `product` is for callbacks whose URL does not name theirs.
    """
    payload = received.payload
    return StoredCallback(
        id=number,
        received_at=received.received_at,
        product=received.product or product,
        nonce=received.nonce,
        task_id=payload.task_id if payload else None,
        external_id=payload.external_id if payload else None,
        status=payload.status if payload else None,
        trust=received.trust.value,
        headers=received.headers,
        raw=received.raw,
    )
