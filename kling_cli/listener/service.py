"""The listener service: builds the parts of `kling listen` and runs them to the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import (
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
    RECEIVED,
    Receiver,
    Response,
    Server,
    ServerLimits,
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
from kling_cli.listener.controls import Controls, ForwardQueue, KeyReader
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
from kling_cli.listener.task_source import TaskSource, open_task_source
from kling_cli.listener.task_states import TaskStates
from kling_cli.listener.verification import Verifier
from kling_cli.settings import Settings
from kling_cli.store import JobRecord, StoredCallback
from kling_cli.tunnels import TunnelEvent

DRAIN_S: Final = 12.0  # for deliveries under way at the end
TICK_S: Final = 0.5  # between reports of rejections
TIMEOUT: Final = "timeout"
_FIRST_ERROR_STATUS: Final = 400


def _no_health_check(_: object) -> None:
    """Do nothing: there is no public URL to check."""


class ListenerService:
    """The parts of a listener, except its servers and its ingress.

    `receiver` serves this machine. `public_receiver` is what a tunnel leads to: another
    one where the local receiver also accepts callbacks without a token, so that no
    header decides who may send them. `check_ingress` is called with a reason when the
    public URL may have stopped working unnoticed.
    """

    receiver: Receiver
    public_receiver: Receiver

    def __init__(  # noqa: PLR0913 -- collaborators, by name
        self,
        options: ListenOptions,
        *,
        task_source: TaskSource,
        writer: CallbackWriter,
        forwarder: ForwardQueue | None,
        clock: Clock,
        emit: Callable[[ListenerEvent], None],
        stop: Callable[[str], None],
    ) -> None:
        response_timeout_s = ServerLimits().response_timeout_s + options.delay_s
        self.limits = replace(ServerLimits(), response_timeout_s=response_timeout_s)
        self.controls = Controls(callback_url="", forwarder=forwarder, stop=stop)
        self.probe = Probe(clock)
        self.check_ingress: Callable[[str], None] = _no_health_check
        self._options = options
        self._task_source = task_source
        self._writer = writer
        self._clock = clock
        self._task_states = TaskStates(task_source.find_job)
        self._stop_tracker = StopTracker(
            options.stop_conditions,
            options.event_filter.task_ids,
            clock=clock,
            stop=stop,
        )
        self._rejections = RejectionLog(
            emit, clock=clock, count_unknown=lambda: self.n_unknown_paths
        )
        self._verifier: Verifier | None = None
        if task_source.poller is not None:
            self._verifier = Verifier(
                task_source.poller,
                task_source.job_for_query,
                clock=clock,
                emit=emit,
                record_answer=self.record_api_answer,
            )
        self.reconciler = Reconciler(
            task_source.poller,
            self._task_states,
            clock=clock,
            emit=emit,
            open_jobs=self.open_jobs,
            store_synthetic=self.store_synthetic,
            record_answer=self.record_api_answer,
        )
        self._pipeline = CallbackPipeline(
            writer,
            self._task_states,
            self.controls,
            emit=emit,
            stop_tracker=self._stop_tracker,
            rejections=self._rejections,
            event_filter=options.event_filter,
            verifier=self._verifier,
        )

    def build_receivers(self, token: str) -> None:
        """Build the receiver for this machine, and the one that a tunnel leads to.

        Raises:
            UsageError: a webhook secret is invalid.
        """
        settings = self._task_source.settings
        settings.require("webhook_secret")
        key = load_key(settings.state_dir)
        matchers: list[UrlMatcher] = [self.probe.match_url, standing_url_matcher(token)]
        if self._options.has_history:  # jobs read their callbacks in the journal
            matchers.append(task_url_matcher(key))
        build = partial(
            Receiver,
            store=self._pipeline.store,
            emit=self._pipeline.enqueue,
            clock=self._clock,
            secrets=settings.webhook_secrets,
            limits=self.limits,
            mock_detector=mock_detector(key),
            response=_accepted_response(self._options.status),
            response_delay_s=self._options.delay_s,
        )
        self.public_receiver = self.receiver = build(matchers)
        if self._options.is_tokenless:
            self.receiver = build([*matchers, tokenless_url_matcher()])

    def start(self, group: TaskGroup) -> None:
        """Start the background tasks, in `group`."""
        group.start_soon(self._pipeline.run)
        group.start_soon(self.reconciler.run)
        group.start_soon(detect_sleep, self._clock, self._on_wake)
        group.start_soon(self._tick)
        if self._verifier is not None:
            group.start_soon(self._verifier.run)

    async def drain(self) -> None:
        """Process and forward everything that was received so far."""
        self.process_remaining()
        if self.controls.forwarder is not None:
            await self.controls.forwarder.drain(DRAIN_S)

    def process_remaining(self) -> None:
        """Process what was received so far, without waiting for deliveries.

        What the forwarder cannot deliver any more, it records as not delivered.
        """
        self._pipeline.process()
        self.controls.resume()

    def emit_remaining(self) -> None:
        """Emit the events that are still queued, once everything is closed."""
        self.controls.forwarder = None
        self._pipeline.process()
        self._rejections.flush()

    def record_api_answer(self, task: Task) -> None:
        """Record an answer of the API in the journal and in the pipeline."""
        self._task_source.record_answer(task)
        self._pipeline.record_api_answer(task)

    def open_jobs(self) -> Sequence[JobRecord]:
        """Return what to query after an outage: open jobs and open tasks seen."""
        jobs = {job.task_id: job for job in self._task_source.unfinished_jobs()}
        for task_id in self._task_states.open_task_ids():
            job = self._task_source.job_for_query(task_id)
            if job is not None:
                jobs.setdefault(task_id, job)
        return list(jobs.values())

    async def store_synthetic(self, callback: StoredCallback) -> int | None:
        """Store and forward a synthetic callback; return its number."""
        try:
            number = await self._writer.write(callback)
        except KlingError:
            number = 0
        self._pipeline.forward_synthetic(replace(callback, id=number))
        return number or None

    @property
    def n_unknown_paths(self) -> int:
        """How many requests had an unknown path, those of the health check left out."""
        receivers = {id(one): one for one in (self.receiver, self.public_receiver)}
        n_unknown_paths = sum(one.counts.unknown for one in receivers.values())
        return n_unknown_paths - self.probe.n_received

    @property
    def counts(self) -> Counter[str]:
        """How many callbacks and rejections of each kind there were."""
        refusals = {"rejected": self._rejections.total, "unknown": self.n_unknown_paths}
        return self._pipeline.counts + Counter(refusals)

    def _on_wake(self, reason: str) -> None:
        self.reconciler.request_query(reason)
        self.check_ingress(reason)

    async def _tick(self) -> None:
        while True:
            await self._clock.sleep(TICK_S)
            self._rejections.tick()
            self._stop_tracker.tick()


def _accepted_response(status: int) -> Response:
    """Return the response to an accepted callback, as `--respond` sets it."""
    if status == RECEIVED.status:
        return RECEIVED
    is_error = status >= _FIRST_ERROR_STATUS
    return Response(
        status=status, key="error" if is_error else "status", value="as --respond says"
    )


@asynccontextmanager
async def open_service(
    options: ListenOptions,
    *,
    settings: Settings,
    clock: Clock,
    emit: Callable[[ListenerEvent], None],
    stop: Callable[[str], None],
) -> AsyncIterator[ListenerService]:
    """Open the journal, the writer and the forwarder, and build the service on them.

    Raises:
        UsageError: the state folder, or a secret, cannot be used.
    """
    async with AsyncExitStack() as stack:
        task_source = await stack.enter_async_context(
            open_task_source(settings, clock, emit)
        )
        writer: CallbackWriter = NullWriter()
        if options.has_history:
            writer = await stack.enter_async_context(
                open_callback_writer(settings.state_dir)
            )
        forwarder = await stack.enter_async_context(
            open_forwarding(options, settings=settings, clock=clock, emit=emit)
        )
        yield ListenerService(
            options,
            task_source=task_source,
            writer=writer,
            forwarder=forwarder,
            clock=clock,
            emit=emit,
            stop=stop,
        )


async def listen(
    options: ListenOptions,
    *,
    settings: Settings,
    clock: Clock,
    on_event: Callable[[ListenerEvent], None],
    key_reader: KeyReader | None = None,
) -> int:
    """Listen until a signal, the options or the command end it; return the exit code.

    `on_event` is given every event and must return at once. `key_reader` reads the keys
    that a person types.

    Raises:
        TunnelError: a tunnel is required and none can be opened.
        UsageError: the options exclude each other, or a port or folder cannot be used.
    """
    run = ListenerRun(options, settings, clock, on_event, key_reader)
    try:
        return await until_signal(run.run)
    except KlingError as exc:
        if not run.is_ready:
            raise
        if not isinstance(exc, StoppedError):
            run.emit_stopped(exc.type)
            raise
        run.emit_stopped(exc.message.removeprefix("stopped by "))
        return int(exc.exit_code)


@dataclass(slots=True)
class ListenerRun:
    """One run of the listener, from opening its parts to its last event."""

    options: ListenOptions
    settings: Settings
    clock: Clock
    on_event: Callable[[ListenerEvent], None]
    key_reader: KeyReader | None
    is_ready: bool = False
    _counts: Counter[str] = field(default_factory=Counter)
    _service: ListenerService | None = None
    _path: str = CALLBACK_PATH
    _local_path: str = CALLBACK_PATH
    _reason: str | None = None
    _is_over: anyio.Event = field(default_factory=anyio.Event)

    def emit(self, event: ListenerEvent) -> None:
        """Count an event and pass it to `on_event`."""
        if (kind := count_category(event)) is not None:
            self._counts[kind] += 1
        if self._service is not None:
            self._service.controls.record_outcome(event)
        try:
            self.on_event(event)
        except BrokenPipeError:
            self.stop("the output was closed")

    def stop(self, reason: str) -> None:
        """Stop in good order; the first reason counts."""
        self._reason = self._reason or reason
        self._is_over.set()

    def emit_stopped(self, reason: str) -> None:
        """Emit the last event."""
        counts = Counter({"callbacks": 0, "rejected": 0, "unknown": 0})
        counts.update(self._counts)
        if self._service is not None:
            self._service.emit_remaining()
            counts.update(self._service.counts)
        self.emit(Stopped(reason=reason, counts=dict(counts)))

    async def run(self) -> int:
        """Listen until options, command or keys end it; return an exit code."""
        async with AsyncExitStack() as stack:
            service = await stack.enter_async_context(
                open_service(
                    self.options,
                    settings=self.settings,
                    clock=self.clock,
                    emit=self.emit,
                    stop=self.stop,
                )
            )
            self._service = service
            group = await stack.enter_async_context(background())
            kind = choose_ingress(self.options, self.settings)
            server = await stack.enter_async_context(
                self._open_local_server(service, kind)
            )
            public = server
            if kind is IngressKind.TUNNEL and self.options.is_tokenless:
                public = await stack.enter_async_context(
                    serve(service.public_receiver, limits=service.limits)
                )
                group.start_soon(self._report_failures, public)
            ingress = await stack.enter_async_context(
                open_ingress(
                    kind,
                    self.options,
                    public.url,
                    public.port,
                    settings=self.settings,
                    clock=self.clock,
                    group=group,
                    on_change=self._tunnel_changed,
                )
            )
            self._start(ingress, server, service, group)
            group.start_soon(self._report_failures, server)
            try:
                code = await self._listen(service.controls.callback_url)
                await service.drain()
            finally:
                service.process_remaining()
        self.emit_stopped(self._reason or "over")
        return code

    @asynccontextmanager
    async def _open_local_server(
        self, service: ListenerService, kind: IngressKind
    ) -> AsyncIterator[Server]:
        """Listen on this machine, on both of its loopback addresses if possible."""
        get_token = rotate_token if self.options.is_rotating_token else load_token
        token = get_token(self.settings.state_dir)
        if not self.options.is_tokenless:
            self._path = self._local_path = standing_path(token)
        elif kind is IngressKind.TUNNEL:
            self._path = standing_path(token)
        service.build_receivers(token)
        async with AsyncExitStack() as stack:
            server = await stack.enter_async_context(
                serve(service.receiver, port=self.options.port, limits=service.limits)
            )
            reject_own_port(self.options.targets, server.port)
            with suppress(UsageError):  # `localhost` may mean ::1, where there is one
                await stack.enter_async_context(
                    serve(service.receiver, "::1", server.port, limits=service.limits)
                )
            yield server

    def _start(
        self,
        ingress: Ingress,
        server: Server,
        service: ListenerService,
        group: TaskGroup,
    ) -> None:
        """Start the service and emit its URLs."""
        url = ingress.url
        service.controls.callback_url = url + self._path
        if url != server.url:
            monitor = HealthMonitor(
                probe=service.probe, ingress=ingress, group=group, emit=self.emit
            )
            service.check_ingress = monitor.start
        service.start(group)
        self.is_ready = True
        self.emit(
            Ready(
                callback_url=url + self._path,
                local_url=server.url + self._local_path,
                forward_to=tuple(target.display_url for target in self.options.targets),
                route_statuses=tuple(target.status for target in self.options.targets),
            )
        )
        if self.key_reader is not None:
            group.start_soon(self.key_reader, service.controls)
        if self.options.timeout_s is not None:
            group.start_soon(self._stop_after, self.options.timeout_s)

    async def _listen(self, url: str) -> int:
        """Wait for the end and return the exit code; a running command is ended."""
        results: list[int | UsageError] = []

        async def run_command() -> None:
            try:
                code = await run_child(
                    self.options.command,
                    url,
                    is_stdout_reserved=self.options.is_stdout_reserved,
                )
            except UsageError as exc:
                results.append(exc)
            else:
                results.append(code)
            self.stop("command")

        async with background() as group:
            if self.options.command:
                group.start_soon(run_command)
            await self._is_over.wait()
        for result in results:
            if isinstance(result, UsageError):
                raise result
            return result
        conditions = self.options.stop_conditions
        has_condition = conditions.is_final or conditions.max_events
        is_unmet = self._reason == TIMEOUT and has_condition
        return int(ExitCode.STILL_RUNNING if is_unmet else ExitCode.DONE)

    async def _stop_after(self, seconds: float) -> None:
        await self.clock.sleep(seconds)
        self.stop(TIMEOUT)

    async def _report_failures(self, server: Server) -> None:
        """Emit a notice for each internal failure: senders only see a 500."""
        while True:
            await self.clock.sleep(1.0)
            while server.failures:
                bug = server.failures.popleft()
                self.emit(Notice(message=f"kling has a bug: {type(bug).__name__}"))

    def _tunnel_changed(self, event: TunnelEvent) -> None:
        """Emit a change of the tunnel; reconcile once it is up again."""
        is_back = event.state in ("up", "moved")
        url = event.public_url + self._path
        self.emit(
            TunnelChanged(
                state=event.state,
                public_url=event.public_url,
                detail=event.detail,
                callback_url=url if event.state == "moved" else None,
            )
        )
        if is_back and self._service is not None:
            self._service.controls.callback_url = url
            self._service.reconciler.request_query("the tunnel was down")
