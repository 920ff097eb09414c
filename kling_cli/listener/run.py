"""The standing listener: opened in order, closed in order."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    suppress,
)
from dataclasses import dataclass, field
from typing import Final

import anyio
from anyio.abc import TaskGroup

from kling_cli.background import background
from kling_cli.callbacks.server import Server, serve
from kling_cli.clock import Clock
from kling_cli.errors import ExitCode, KlingError, StoppedError, UsageError
from kling_cli.jobs.events import Notice
from kling_cli.jobs.signals import until_signal
from kling_cli.listener.checkup import Checkup
from kling_cli.listener.child import run_child
from kling_cli.listener.controls import Keys
from kling_cli.listener.desk import Desk, make_receivers, open_desk
from kling_cli.listener.doors import PATH, standing_path
from kling_cli.listener.lines import Line, Ready, Stopped, TunnelChanged, counted_as
from kling_cli.listener.options import ListenOptions
from kling_cli.listener.reach import Kind, Way, choose, open_way
from kling_cli.listener.targets import refuse_own_port
from kling_cli.listener.token import load_token, rotate_token
from kling_cli.settings.settings import Settings
from kling_cli.tunnels.provider import TunnelEvent

TIMEOUT: Final = "timeout"


async def listen(
    options: ListenOptions,
    *,
    settings: Settings,
    clock: Clock,
    tell: Callable[[Line], None],
    keys: Keys | None = None,
) -> int:
    """Listen until a signal, the options or the command end it; return the exit code.

    `tell` hears every line and must return at once. `keys` reads a person's keys.

    Raises:
        TunnelError: a tunnel was to be opened and none can be had.
        UsageError: the options exclude each other, or a port or folder cannot be used.
    """
    listening = Listening(options, settings, clock, tell, keys)
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
class Listening:
    """One run of the listener, from its opening to its last line."""

    options: ListenOptions
    settings: Settings
    clock: Clock
    hear: Callable[[Line], None]
    keys: Keys | None
    is_ready: bool = False
    _counts: Counter[str] = field(default_factory=Counter)
    _desk: Desk | None = None
    _path: str = PATH
    _local_path: str = PATH
    _reason: str | None = None
    _is_over: anyio.Event = field(default_factory=anyio.Event)

    def tell(self, line: Line) -> None:
        """Count a line and hand it on."""
        if (kind := counted_as(line)) is not None:
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
            if desk.public_receiver is not desk.receiver and kind is Kind.TUNNEL:
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

    def _open_desk(self) -> AbstractAsyncContextManager[Desk]:
        return open_desk(
            self.options,
            settings=self.settings,
            clock=self.clock,
            tell=self.tell,
            finish=self.finish,
        )

    def _choose(self) -> Kind:
        return choose(
            tunnel=self.options.tunnel,
            callback_url=self.options.callback_url,
            is_tokenless=self.options.is_tokenless,
            settings=self.settings,
        )

    def _open_way(
        self, kind: Kind, server: Server, group: TaskGroup
    ) -> AbstractAsyncContextManager[Way]:
        return open_way(
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
    async def _open_door(self, desk: Desk, kind: Kind) -> AsyncIterator[Server]:
        """Listen on this machine, on both of its own addresses if it can be."""
        make = rotate_token if self.options.is_rotating else load_token
        token = make(self.settings.state_dir)
        if not self.options.is_tokenless:
            self._path = self._local_path = standing_path(token)
        elif kind is Kind.TUNNEL:
            self._path = standing_path(token)
        make_receivers(desk, self.options, token)
        async with AsyncExitStack() as stack:
            server = await stack.enter_async_context(
                serve(desk.receiver, port=self.options.port, limits=desk.limits)
            )
            refuse_own_port(self.options.targets, server.port)
            with suppress(UsageError):  # `localhost` may mean ::1, where there is one
                await stack.enter_async_context(
                    serve(desk.receiver, "::1", server.port, limits=desk.limits)
                )
            yield server

    def _announce(self, way: Way, server: Server, desk: Desk, group: TaskGroup) -> None:
        """Begin to work and say where the door is."""
        url = way.url
        desk.controls.callback_url = url + self._path
        if url != server.url:
            checkup = Checkup(probe=desk.probe, way=way, group=group, tell=self.tell)
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
