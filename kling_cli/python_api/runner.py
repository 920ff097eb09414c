"""Runs jobs for a client: its settings, its sandbox, its events."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal, TypeAlias, TypedDict, TypeVar

import anyio

from kling_cli import tunnels
from kling_cli.api import Pack, TaskStatus, open_client, packs
from kling_cli.clock import SystemClock
from kling_cli.errors import KlingError, UsageError
from kling_cli.jobs.attach import AttachedRun
from kling_cli.jobs.calls.session_step import StepRun
from kling_cli.jobs.calls.two_step import TwoStepJob
from kling_cli.jobs.events import EmitEvent, Event, JobResult, Prepared, Submitted
from kling_cli.jobs.generation import generate
from kling_cli.jobs.job import Job, RunOptions, load_settings, with_defaults
from kling_cli.jobs.order import Order
from kling_cli.python_api.callback import Callback
from kling_cli.python_api.job import BaseJob, OnEvent
from kling_cli.settings import Settings, with_options
from kling_cli.store import Journal

T = TypeVar("T")
PACKS_LOOK_BACK = timedelta(days=5 * 365)

TaskReference: TypeAlias = str | BaseJob | Callback
"""What names a task: its id, your id for it, `last`, a job or a callback."""

FilePath: TypeAlias = str | os.PathLike[str]


class ClientSettings(TypedDict, total=False):
    """What a client is made with; each is a setting of the command line.

    What is not given comes from the environment, the config file or the stored login.
    `timeout` is in seconds, or such as `10m`; 0 waits for ever.
    """

    sandbox: bool
    api_key: str
    access_key: str
    secret_key: str
    region: Literal["global", "cn"]
    api_base: str
    webhook_secret: str
    timeout: float | str
    callback: Literal["auto", "require", "off"]
    tunnel: str
    output_dir: FilePath
    state_dir: FilePath


@dataclass(slots=True)
class StartedJobs:
    """The jobs that a run has begun, by external id; the task's id once it is known."""

    task_ids: dict[str, str | None] = field(default_factory=dict)

    def record(self, event: Event) -> None:
        match event:
            case Prepared(external_id=external_id):
                self.task_ids.setdefault(external_id, None)
            case Submitted(external_id=external_id, task_id=task_id):
                self.task_ids[external_id] = task_id
            case _:
                pass


@dataclass(slots=True)
class EventRelay:
    """Passes events on, and records which jobs are under way.

    An exception of `on_event` cancels `scope`, and is raised when that has ended.
    """

    on_event: OnEvent | None
    scope: anyio.CancelScope
    failure: Exception | None = None
    started: StartedJobs = field(default_factory=StartedJobs)

    def __call__(self, event: Event) -> None:
        self.started.record(event)
        if self.on_event is None or self.failure is not None:
            return
        try:
            self.on_event(event)
        except Exception as exc:  # noqa: BLE001 -- raised again by who ran the job
            self.failure = exc
            self.scope.cancel()


class JobRunner:
    """What a client runs its jobs with; several may run beside one another.

    A sandbox is started with the first of them and lives until `aclose`.
    """

    def __init__(self, options: ClientSettings) -> None:
        unknown = options.keys() - ClientSettings.__annotations__.keys()
        if unknown:
            raise TypeError(f"there is no setting {', '.join(sorted(unknown))}")
        for name, value in options.items():
            if value == "":
                raise UsageError(f"{name} is empty", hint="leave it out, or set it")
        self._clock = SystemClock()
        self._settings = load_settings(os.environ, options)
        if not self._settings.is_sandbox:
            self._settings.require("api_base", "region")
        self._sandbox_task: asyncio.Task[None] | None = None
        self._sandbox_settings: asyncio.Future[Settings] | None = None
        self._sandbox_closing: asyncio.Event | None = None

    async def aclose(self) -> None:
        """End the sandbox, if there is one."""
        task, closing = self._sandbox_task, self._sandbox_closing
        if task is not None and closing is not None and not task.done():
            closing.set()
            await asyncio.wait([task])

    async def generate(
        self,
        order: Order,
        arguments: Mapping[str, Any],
        *,
        is_waiting: bool,
        on_event: OnEvent | None,
    ) -> JobResult:
        """Make one job, and see it through if that is wanted.

        Raises:
            KlingError: it did not come to that.
        """
        settings = await self._settings_for(arguments)
        options = RunOptions(
            command=order.product,
            callback_url=arguments.get("callback_url"),
            port=arguments.get("port", 0),
            is_waiting=is_waiting,
            max_units=arguments.get("max_units"),
            **_saving(arguments),
        )
        options = with_defaults(options, settings)

        async def work(emit: EmitEvent) -> JobResult:
            if order.before is not None:
                steps = TwoStepJob(
                    options=options, settings=settings, emit=emit, clock=self._clock
                )
                return await steps.run(order)
            return await generate(
                order, options, settings=settings, emit=emit, clock=self._clock
            )

        return self._raise_error(await self._run(work, on_event))

    async def take_step(self, order: Order, arguments: Mapping[str, Any]) -> JobResult:
        """Make a call of a session, which is answered at once.

        Raises:
            KlingError: it was refused, or has recognised nothing.
        """
        step = StepRun(
            options=RunOptions(command=order.product, **_saving(arguments)),
            settings=await self._settings_for({}),
            emit=lambda _: None,
            clock=self._clock,
        )
        taken = await step.run(order)
        return JobResult(
            command=order.product,
            product=order.product,
            status=taken.task.status,
            task_id=taken.task.id,
            session_id=taken.task.id,
            outputs=taken.saved,
            expires_at=taken.expires_at,
            units=taken.task.units,
            request_id=taken.task.request_id,
        )

    async def wait(
        self,
        task: TaskReference,
        arguments: Mapping[str, Any],
        on_event: OnEvent | None,
    ) -> JobResult:
        """See a task through to its end.

        Raises:
            KlingError: it failed, or goes on, or nobody knows.
        """
        [result] = await self._finish([_name_of(task)], arguments, on_event)
        return self._raise_error(result)

    async def wait_all(
        self,
        tasks: Iterable[TaskReference] | None,
        arguments: Mapping[str, Any],
        on_event: OnEvent | None,
    ) -> list[JobResult]:
        """See tasks through to their ends; by default all of this machine.

        Raises:
            KlingError: nothing could be begun.
        """
        names = [_name_of(task) for task in tasks or ()]
        if tasks is not None and not names:
            return []
        return await self._finish(names, arguments, on_event)

    async def status(self, task: TaskReference) -> JobResult:
        """Ask once how a task stands.

        Raises:
            KlingError: it is not known; that it failed is no error.
        """
        settings = await self._settings_for({})
        options = RunOptions(command="status", is_embedded=True)
        name = _name_of(task)
        [result] = await self._run(
            lambda emit: self._attached_run([name], options, settings, emit).query(),
            None,
        )
        is_failed = result.status is TaskStatus.FAILED
        return result if is_failed else self._raise_error(result)

    async def download(
        self,
        task: TaskReference,
        arguments: Mapping[str, Any],
        on_event: OnEvent | None,
    ) -> JobResult:
        """Save the outputs of a task that has succeeded.

        Raises:
            KlingError: it is not known, or they could not be saved.
        """
        settings = await self._settings_for({})
        settings.require("output_dir")
        options = RunOptions(
            command="download", **{**_saving(arguments), "is_downloading": True}
        )
        name = _name_of(task)
        [result] = await self._run(
            lambda emit: self._attached_run([name], options, settings, emit).download(),
            on_event,
        )
        return self._raise_error(result)

    def history(self, limit: int) -> list[JobResult]:
        """Return up to `limit` jobs of this machine, newest first.

        Raises:
            JournalError: the journal cannot be read.
        """
        with Journal.open(self._settings.state_dir) as journal:
            records = journal.newest_jobs(limit)
        return [Job(command=each.command, record=each).result() for each in records]

    async def packs(self) -> tuple[Pack, ...]:
        """Return the account's packs of the last five years.

        Raises:
            KlingError: the API refused, or cannot be reached.
        """
        settings = await self._settings_for({})
        now = self._clock.now()
        async with open_client(settings, self._clock) as client:
            return await packs(client, now - PACKS_LOOK_BACK, now)

    async def _finish(
        self,
        names: Sequence[str],
        arguments: Mapping[str, Any],
        on_event: OnEvent | None,
    ) -> list[JobResult]:
        settings = await self._settings_for(arguments)
        options = RunOptions(command="wait", **_saving(arguments))
        options = with_defaults(options, settings)
        return await self._run(
            lambda emit: self._attached_run(names, options, settings, emit).wait(),
            on_event,
        )

    def _attached_run(
        self,
        names: Sequence[str],
        options: RunOptions,
        settings: Settings,
        emit: EmitEvent,
    ) -> AttachedRun:
        return AttachedRun(
            names=names,
            options=options,
            settings=settings,
            emit=emit,
            clock=self._clock,
        )

    async def _settings_for(self, arguments: Mapping[str, Any]) -> Settings:
        """Return the settings of one call.

        Raises:
            UsageError: an argument is nonsense.
        """
        names = ("timeout", "tunnel", "callback")
        given = {name: arguments.get(name) for name in names}
        settings = with_options(await self._account_settings(), given)
        if given["tunnel"] is not None:
            tunnels.require_choice(settings)
        return settings

    async def _account_settings(self) -> Settings:
        """Return the settings that lead to the account, or to the sandbox."""
        if not self._settings.is_sandbox:
            return self._settings
        loop = asyncio.get_running_loop()
        running = self._sandbox_task
        if running is None or running.done() or running.get_loop() is not loop:
            self._sandbox_settings = loop.create_future()
            self._sandbox_closing = asyncio.Event()
            self._sandbox_task = asyncio.create_task(
                self._serve_sandbox(self._sandbox_settings, self._sandbox_closing)
            )
        assert self._sandbox_settings is not None  # noqa: S101 -- set with the task
        return await asyncio.shield(self._sandbox_settings)

    async def _serve_sandbox(
        self, served: asyncio.Future[Settings], closing: asyncio.Event
    ) -> None:
        from kling_cli.sandbox.server import embedded_sandbox

        try:
            async with embedded_sandbox(self._settings) as settings:
                served.set_result(settings)
                await closing.wait()
        except Exception as exc:
            if served.done():
                raise
            served.set_exception(exc)

    async def _run(
        self, work: Callable[[EmitEvent], Awaitable[T]], on_event: OnEvent | None
    ) -> T:
        scope = anyio.CancelScope()
        relay = EventRelay(on_event, scope)
        results: list[T] = []
        try:
            with scope:
                results.append(await work(relay))
        except BaseException as exc:
            self.annotate(exc, relay.started)
            raise
        if relay.failure is not None:
            self.annotate(relay.failure, relay.started)
            raise relay.failure
        return results[0]

    def annotate(self, exc: BaseException, started: StartedJobs) -> None:
        """Note on what ended a wait what to do about it, or which jobs go on."""
        if isinstance(exc, KlingError) and exc.hint is not None:
            exc.add_note(exc.hint)
            return
        for external_id, task_id in started.task_ids.items():
            if task_id is None and not self._is_unsettled(external_id):
                continue
            name = task_id or external_id
            what = f"task {name} goes on"
            if task_id is None:
                what = f"job {name} may have been accepted"
            resume = "" if self._settings.is_sandbox else f": kling wait {name}"
            exc.add_note(what + resume)

    def _is_unsettled(self, external_id: str) -> bool:
        """Return whether the create call of a job may have been accepted."""
        try:
            with Journal.open(self._settings.state_dir) as journal:
                record = journal.find_job(external_id)
        except KlingError:
            return True
        return record is not None and record.stage.is_open

    def _raise_error(self, result: JobResult) -> JobResult:
        """Return the result of a job that went well.

        Raises:
            KlingError: the job's error, with its ids.
        """
        if result.error is None:
            return result
        self.annotate(result.error, StartedJobs())
        result.error.task_id = result.task_id
        result.error.external_id = result.external_id
        raise result.error


def _saving(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the run options of a program: it saves only where it says so."""
    output = arguments.get("output")
    return {
        "is_downloading": output is not None,
        "output": None if output is None else os.fspath(output),
        "is_forced": arguments.get("force", False),
        "is_embedded": True,
    }


def _name_of(task: TaskReference) -> str:
    """Return the id by which a task is looked up.

    Raises:
        UsageError: it is empty.
    """
    match task:
        case str():
            name = task.strip()
        case BaseJob():
            name = task.name
        case Callback():
            name = task.task_id
        case _:
            raise TypeError(f"{task!r} does not name a task")
    if not name:
        raise UsageError("a task id is empty", hint="kling.list() has those known here")
    return name
