"""Everything behind the listener's door: who keeps, shows, checks and asks."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    suppress,
)
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

import anyio
from anyio.abc import TaskGroup

from kling_cli.api import Task
from kling_cli.background import background
from kling_cli.callbacks import (
    Limits,
    Receiver,
    Server,
    UrlMatcher,
    load_key,
    serve,
    task_url_matcher,
)
from kling_cli.clock import Clock
from kling_cli.errors import ExitCode, KlingError, StoppedError, UsageError
from kling_cli.jobs.events import Notice
from kling_cli.jobs.signals import until_signal
from kling_cli.listener.callback_writer import (
    CallbackWriter,
    NullWriter,
    open_callback_writer,
)
from kling_cli.listener.child_process import run_child
from kling_cli.listener.controls import Controls, KeyReader
from kling_cli.listener.events import (
    ListenerEvent,
    Ready,
    Stopped,
    TunnelChanged,
    count_category,
)
from kling_cli.listener.forwarding.forwarder import open_forwarding
from kling_cli.listener.forwarding.targets import reject_own_port
from kling_cli.listener.ingress.health_check import HealthMonitor, Probe
from kling_cli.listener.ingress.ingress import (
    Ingress,
    IngressKind,
    choose_ingress,
    open_ingress,
)
from kling_cli.listener.ingress.urls import (
    CALLBACK_PATH,
    accepted_response,
    load_token,
    mock_detector,
    rotate_token,
    standing_path,
    standing_url_matcher,
    tokenless_url_matcher,
)
from kling_cli.listener.options import ListenOptions
from kling_cli.listener.pipeline import CallbackPipeline
from kling_cli.listener.reconciliation import Reconciler, detect_sleep
from kling_cli.listener.rejections import RejectionLog
from kling_cli.listener.stop_conditions import StopTracker
from kling_cli.listener.task_states import TaskStates
from kling_cli.listener.verification import TaskSource, Verifier, open_task_source
from kling_cli.settings import Settings
from kling_cli.store import JobRecord, StoredCallback
from kling_cli.tunnels.provider import TunnelEvent

DRAIN_S: Final = 12.0  # for forwards under way when the listening ends
TICK_S: Final = 0.5  # between looks at what was turned away


def _no_health_check(_: object) -> None:
    """Check nothing: there is no way in but our own machine."""


@dataclass(slots=True, kw_only=True)
class ListenerService:
    """Works on what comes in; `receiver` is the app of the listener on this machine.

    `public_receiver` is what a tunnel leads to: another one where the local listener
    also takes callbacks without a token, so that no header decides who may do so.
    `check_way` is told, with the reason, when the way in may be gone without a word.
    """

    account: TaskSource
    keeper: CallbackWriter
    known: TaskStates
    controls: Controls
    clock: Clock
    limits: Limits
    probe: Probe
    check_way: Callable[[str], None] = field(init=False, default=_no_health_check)
    rejections: RejectionLog = field(init=False)
    endings: StopTracker = field(init=False)
    broker: CallbackPipeline = field(init=False)
    reconciler: Reconciler = field(init=False)
    verifier: Verifier | None = field(init=False)
    receiver: Receiver = field(init=False)
    public_receiver: Receiver = field(init=False)

    def start(self, group: TaskGroup) -> None:
        """Begin to work, in `group`."""
        group.start_soon(self.broker.run)
        group.start_soon(self.reconciler.run)
        group.start_soon(detect_sleep, self.clock, self._woken)
        group.start_soon(self._tick)
        if self.verifier is not None:
            group.start_soon(self.verifier.run)

    async def finish(self) -> None:
        """Work on what has come so far, to the end."""
        self.hand_over_rest()
        if self.controls.forwards is not None:
            await self.controls.forwards.drain(DRAIN_S)

    def hand_over_rest(self) -> None:
        """Work on what has come so far, without waiting for anybody.

        What the forwarder cannot see through any more, it records as not delivered.
        """
        self.broker.work()
        self.controls.resume()

    def tell_rest(self) -> None:
        """Tell what nobody has been told yet, once everything is closed."""
        self.controls.forwards = None
        self.broker.work()
        self.rejections.flush()

    def learn(self, task: Task) -> None:
        """Take an answer of the API."""
        self.account.learn(task)
        self.broker.confirm(task)

    def open_entries(self) -> Sequence[JobRecord]:
        """Return what to ask for after an outage: the journal's, and what was heard."""
        entries = {entry.task_id: entry for entry in self.account.unfinished()}
        for task_id in self.known.open_ids():
            entry = self.account.entry_of(task_id)
            if entry is not None:
                entries.setdefault(task_id, entry)
        return list(entries.values())

    async def stand_in(self, kept: StoredCallback) -> int | None:
        """Keep and pass on a callback that was made up; return its number."""
        try:
            number = await self.keeper.keep(kept)
        except KlingError:
            number = 0
        self.broker.stand_in(replace(kept, id=number))
        return number or None

    @property
    def n_unknown(self) -> int:
        """How many requests found no door, our own looks at the tunnel left out."""
        receivers = {id(one): one for one in (self.receiver, self.public_receiver)}
        n_unknown = sum(one.counts.unknown for one in receivers.values())
        return n_unknown - self.probe.n_heard

    @property
    def counts(self) -> Counter[str]:
        """How many callbacks and refusals of each kind there were."""
        refusals = {"rejected": self.rejections.total, "unknown": self.n_unknown}
        return self.broker.counts + Counter(refusals)

    def _woken(self, reason: str) -> None:
        self.reconciler.ask_soon(reason)
        self.check_way(reason)

    async def _tick(self) -> None:
        while True:
            await self.clock.sleep(TICK_S)
            self.rejections.tick()
            self.endings.tick()


@asynccontextmanager
async def open_service(
    options: ListenOptions,
    *,
    settings: Settings,
    clock: Clock,
    tell: Callable[[ListenerEvent], None],
    finish: Callable[[str], None],
) -> AsyncIterator[ListenerService]:
    """Open journal, keeper and forwarder, and put the desk together.

    Raises:
        UsageError: the state folder, or a secret, cannot be used.
    """
    async with AsyncExitStack() as stack:
        account = await stack.enter_async_context(
            open_task_source(settings, clock, tell)
        )
        keeper: CallbackWriter = NullWriter()
        if options.is_keeping:
            keeper = await stack.enter_async_context(
                open_callback_writer(settings.state_dir)
            )
        forwards = await stack.enter_async_context(
            open_forwarding(options, settings=settings, clock=clock, tell=tell)
        )
        desk = ListenerService(
            account=account,
            keeper=keeper,
            known=TaskStates(account.find),
            controls=Controls(callback_url="", forwards=forwards, stop=finish),
            clock=clock,
            probe=Probe(clock),
            limits=replace(Limits(), answer_s=Limits().answer_s + options.delay_s),
        )
        build_service(desk, options, tell)
        yield desk


def build_service(
    desk: ListenerService, options: ListenOptions, tell: Callable[[ListenerEvent], None]
) -> None:
    """Put in their places those who work at the desk."""
    asker = desk.account.asker
    desk.endings = StopTracker(
        options.until,
        options.wanted.task_ids,
        clock=desk.clock,
        finish=desk.controls.stop,
    )
    desk.rejections = RejectionLog(
        tell, clock=desk.clock, unknown=lambda: desk.n_unknown
    )
    desk.verifier = None
    if asker is not None:
        desk.verifier = Verifier(
            asker, desk.account.entry_of, clock=desk.clock, tell=tell, learn=desk.learn
        )
    desk.reconciler = Reconciler(
        asker,
        desk.known,
        clock=desk.clock,
        tell=tell,
        open_entries=desk.open_entries,
        stand_in=desk.stand_in,
        learn=desk.learn,
    )
    desk.broker = _build_pipeline(desk, options, tell)


def _build_pipeline(
    desk: ListenerService, options: ListenOptions, tell: Callable[[ListenerEvent], None]
) -> CallbackPipeline:
    return CallbackPipeline(
        desk.keeper,
        desk.known,
        desk.controls,
        tell=tell,
        endings=desk.endings,
        rejections=desk.rejections,
        wanted=options.wanted,
        verifier=desk.verifier,
    )


def build_receivers(desk: ListenerService, options: ListenOptions, token: str) -> None:
    """Make the app of the listener, and the one that a tunnel leads to.

    Raises:
        UsageError: a webhook secret is none.
    """
    settings = desk.account.settings
    settings.require("webhook_secret")
    key = load_key(settings.state_dir)
    doors: list[UrlMatcher] = [desk.probe.door, standing_url_matcher(token)]
    if options.is_keeping:  # others read their callbacks in the journal
        doors.append(task_url_matcher(key))
    make = partial(
        Receiver,
        keep=desk.broker.keep,
        tell=desk.broker.hear,
        clock=desk.clock,
        secrets=settings.webhook_secrets,
        limits=desk.limits,
        mark=mock_detector(key),
        reply=accepted_response(options.status),
        delay_s=options.delay_s,
    )
    desk.public_receiver = desk.receiver = make(doors)
    if options.is_tokenless:
        desk.receiver = make([*doors, tokenless_url_matcher()])


TIMEOUT: Final = "timeout"


async def listen(
    options: ListenOptions,
    *,
    settings: Settings,
    clock: Clock,
    tell: Callable[[ListenerEvent], None],
    keys: KeyReader | None = None,
) -> int:
    """Listen until a signal, the options or the command end it; return the exit code.

    `tell` hears every line and must return at once. `keys` reads a person's keys.

    Raises:
        TunnelError: a tunnel was to be opened and none can be had.
        UsageError: the options exclude each other, or a port or folder cannot be used.
    """
    listening = ListenerRun(options, settings, clock, tell, keys)
    try:
        return await until_signal(listening.run)
    except KlingError as exc:
        if not listening.is_ready:
            raise
        if not isinstance(exc, StoppedError):
            listening.say_end(exc.type)
            raise
        listening.say_end(exc.message.removeprefix("stopped by "))
        return int(exc.exit_code)


@dataclass(slots=True)
class ListenerRun:
    """One run of the listener, from its opening to its last line."""

    options: ListenOptions
    settings: Settings
    clock: Clock
    hear: Callable[[ListenerEvent], None]
    keys: KeyReader | None
    is_ready: bool = False
    _counts: Counter[str] = field(default_factory=Counter)
    _desk: ListenerService | None = None
    _path: str = CALLBACK_PATH
    _local_path: str = CALLBACK_PATH
    _reason: str | None = None
    _is_over: anyio.Event = field(default_factory=anyio.Event)

    def tell(self, line: ListenerEvent) -> None:
        """Count a line and hand it on."""
        if (kind := count_category(line)) is not None:
            self._counts[kind] += 1
        if self._desk is not None:
            self._desk.controls.note(line)
        try:
            self.hear(line)
        except BrokenPipeError:
            self.finish("the output was closed")

    def finish(self, reason: str) -> None:
        """End the listening in good order; the first reason counts."""
        self._reason = self._reason or reason
        self._is_over.set()

    def say_end(self, reason: str) -> None:
        """Tell the last line."""
        counts = Counter({"callbacks": 0, "rejected": 0, "unknown": 0})
        counts.update(self._counts)
        if self._desk is not None:
            self._desk.tell_rest()
            counts.update(self._desk.counts)
        self.tell(Stopped(reason=reason, counts=dict(counts)))

    async def run(self) -> int:
        """Listen until the options, the command or the keys end it; return a code."""
        async with AsyncExitStack() as stack:
            desk = await stack.enter_async_context(self._open_desk())
            self._desk = desk
            group = await stack.enter_async_context(background())
            kind = self._choose()
            server = await stack.enter_async_context(self._open_door(desk, kind))
            public = server
            if desk.public_receiver is not desk.receiver and kind is IngressKind.TUNNEL:
                public = await stack.enter_async_context(
                    serve(desk.public_receiver, limits=desk.limits)
                )
                group.start_soon(self._watch, public)
            way = await stack.enter_async_context(self._open_way(kind, public, group))
            self._announce(way, server, desk, group)
            group.start_soon(self._watch, server)
            try:
                code = await self._listen(desk.controls.callback_url)
                await desk.finish()
            finally:
                desk.hand_over_rest()
        self.say_end(self._reason or "over")
        return code

    def _open_desk(self) -> AbstractAsyncContextManager[ListenerService]:
        return open_service(
            self.options,
            settings=self.settings,
            clock=self.clock,
            tell=self.tell,
            finish=self.finish,
        )

    def _choose(self) -> IngressKind:
        return choose_ingress(
            tunnel=self.options.tunnel,
            callback_url=self.options.callback_url,
            is_tokenless=self.options.is_tokenless,
            settings=self.settings,
        )

    def _open_way(
        self, kind: IngressKind, server: Server, group: TaskGroup
    ) -> AbstractAsyncContextManager[Ingress]:
        return open_ingress(
            kind,
            self.options,
            server.url,
            server.port,
            settings=self.settings,
            clock=self.clock,
            group=group,
            on_change=self._tunnel_changed,
        )

    @asynccontextmanager
    async def _open_door(
        self, desk: ListenerService, kind: IngressKind
    ) -> AsyncIterator[Server]:
        """Listen on this machine, on both of its own addresses if it can be."""
        make = rotate_token if self.options.is_rotating else load_token
        token = make(self.settings.state_dir)
        if not self.options.is_tokenless:
            self._path = self._local_path = standing_path(token)
        elif kind is IngressKind.TUNNEL:
            self._path = standing_path(token)
        build_receivers(desk, self.options, token)
        async with AsyncExitStack() as stack:
            server = await stack.enter_async_context(
                serve(desk.receiver, port=self.options.port, limits=desk.limits)
            )
            reject_own_port(self.options.targets, server.port)
            with suppress(UsageError):  # `localhost` may mean ::1, where there is one
                await stack.enter_async_context(
                    serve(desk.receiver, "::1", server.port, limits=desk.limits)
                )
            yield server

    def _announce(
        self, way: Ingress, server: Server, desk: ListenerService, group: TaskGroup
    ) -> None:
        """Begin to work and say where the door is."""
        url = way.url
        desk.controls.callback_url = url + self._path
        if url != server.url:
            checkup = HealthMonitor(
                probe=desk.probe, way=way, group=group, tell=self.tell
            )
            desk.check_way = checkup.start
        desk.start(group)
        self.is_ready = True
        self.tell(
            Ready(
                callback_url=url + self._path,
                local_url=server.url + self._local_path,
                forward_to=tuple(target.shown for target in self.options.targets),
                routed=tuple(target.status for target in self.options.targets),
            )
        )
        if self.keys is not None:
            group.start_soon(self.keys, desk.controls)
        if self.options.timeout_s is not None:
            group.start_soon(self._end_in, self.options.timeout_s)

    async def _listen(self, url: str) -> int:
        """Return an exit code when it is over; a command that still runs is ended."""
        ends: list[int | UsageError] = []

        async def run_command() -> None:
            own = self.options.is_stdout_ours
            try:
                code = await run_child(self.options.command, url, is_stdout_ours=own)
            except UsageError as exc:
                ends.append(exc)
            else:
                ends.append(code)
            self.finish("command")

        async with background() as beside:
            if self.options.command:
                beside.start_soon(run_command)
            await self._is_over.wait()
        for end in ends:
            if isinstance(end, UsageError):
                raise end
            return end
        until = self.options.until
        is_unmet = self._reason == TIMEOUT and (until.is_final or until.max_events)
        return int(ExitCode.STILL_RUNNING if is_unmet else ExitCode.DONE)

    async def _end_in(self, seconds: float) -> None:
        await self.clock.sleep(seconds)
        self.finish(TIMEOUT)

    async def _watch(self, server: Server) -> None:
        """Say so when the door itself breaks: its callers only see a 500."""
        while True:
            await self.clock.sleep(1.0)
            while server.failures:
                bug = server.failures.popleft()
                self.tell(Notice(message=f"kling has a bug: {type(bug).__name__}"))

    def _tunnel_changed(self, event: TunnelEvent) -> None:
        """Say what became of the tunnel; ask what was missed once it is back."""
        is_back = event.state in ("up", "moved")
        url = event.public_url + self._path
        self.tell(
            TunnelChanged(
                state=event.state,
                public_url=event.public_url,
                detail=event.detail,
                callback_url=url if event.state == "moved" else None,
            )
        )
        if is_back and self._desk is not None:
            self._desk.controls.callback_url = url
            self._desk.reconciler.ask_soon("the tunnel was down")
