"""A job while it runs: its options, its state, and the result it ends with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from kling_cli.api import Output, Task, TaskStatus
from kling_cli.errors import (
    ContentRefusedError,
    KlingError,
    StillRunningError,
    StoppedError,
    TaskFailedError,
)
from kling_cli.jobs.events import EmitEvent, Finished, JobResult, Submitted
from kling_cli.jobs.outputs.naming import relative_to_cwd
from kling_cli.jobs.waiting.poller import is_synchronous
from kling_cli.jobs.waiting.state_machine import TaskState
from kling_cli.settings import SANDBOX_FOLDER, Settings, read_settings
from kling_cli.store import JobRecord, SavedOutput

if TYPE_CHECKING:
    from kling_cli.api import ApiResponse
    from kling_cli.jobs.session import Session

RETENTION_DAYS = 30  # results are deleted after that. Source: API reference 5.5
ROUNDING_UNITS = 0.005
_REFUSAL_WORDS = ("risk control", "content safety", "sensitive", "moderation")
MAY_BE_CHARGED_HINT = "it may have been charged; run the command again for a result"
RUN_AGAIN_HINT = "nothing was created or charged; run the same command again"
_SANDBOX_HINT = (
    "this sandbox ends with the command; `kling sandbox` serves one that stays"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """The options of one run.

    `timeout_s` None waits for ever; `port` 0 takes a free one. `output` is a file, a
    folder or a template; None saves into the settings' folder.

    `needs_ingress` is for a call without callbacks that precedes one with callbacks:
    without a callback ingress it is not made, as it would be paid for in vain.

    `is_embedded` is for a program that goes on after the job: signals are its own, a
    job that is not waited for has no owner, and its callback URL is that of the
    program's own handler, sent as it is.
    """

    command: str
    callback: str = "auto"
    tunnel: str = "auto"
    callback_url: str | None = None
    port: int = 0
    timeout_s: float | None = 3600.0
    is_waiting: bool = True
    is_downloading: bool = True
    output: str | None = None
    is_forced: bool = False
    max_units: float | None = None
    needs_ingress: bool = False
    is_embedded: bool = False


@dataclass(slots=True, kw_only=True)
class Job:
    """The state of one job in this process; times on the clock's monotonic scale.

    `is_resumable` is false for a task that ends with this command: one of a sandbox
    that was started for it. `answer` is the API's answer to the create call, if any.
    """

    command: str
    record: JobRecord
    state: TaskState | None = None
    creates: int = 0
    queries: int = 0
    started_at: float = 0.0
    ended_at: float | None = None
    saved: tuple[SavedOutput, ...] = ()
    error: KlingError | None = None
    is_reported: bool = False
    is_resumable: bool = True
    answer: ApiResponse | None = None

    @property
    def task(self) -> Task | None:
        """The task as the API's last answer has it."""
        return self.state.task if self.state else None

    @property
    def name(self) -> str:
        """The id to resume with: the task's if it is known."""
        known = self.task.id if self.task else self.record.task_id
        return known or self.record.external_id

    def submitted(
        self, task: Task, *, usual_s: float | None = None, age_s: float = 0.0
    ) -> Submitted:
        """Return the event that the API has the job's task, for `age_s` already."""
        return Submitted(
            external_id=self.record.external_id,
            task_id=task.id,
            product=self.record.product,
            model=self.record.model,
            usual_s=self.record.usual_s if usual_s is None else usual_s,
            prompt=self.record.prompt,
            age_s=age_s,
        )

    def fail(self, error: KlingError, now: float) -> None:
        """End the job with an error; the first error stays."""
        self.error = self.error or error
        self.ended_at = now

    def result(self) -> JobResult:
        """Return what `--json` prints."""
        source = self.task or self.record
        return JobResult(
            command=self.command,
            status=source.status,
            task_id=self.task.id if self.task else self.record.task_id,
            external_id=self._external_id(),
            product=self.record.product or None,
            model=self.record.model,
            prompt=self.record.prompt,
            status_message=source.message,
            created_at=source.created_at,
            updated_at=source.updated_at,
            elapsed_s=self._elapsed_s(),
            completed_by=self._completed_by(),
            create_requests=self.creates,
            query_requests=self.queries + (self.state.queries if self.state else 0),
            callbacks=self.state.callbacks if self.state else 0,
            outputs=self.saved or _outputs_saved_before(self.task, self.record),
            expires_at=expires_at(self.task) if self.task else None,
            units=source.units,
            estimated_units=self.record.estimated_units,
            request_id=source.request_id or self.record.request_id,
            resume=self._resume(source.status),
            error=self.error,
            answer=self.answer,
            is_unsubmitted=self.task is None and self.record.is_unsubmitted,
        )

    def _external_id(self) -> str | None:
        """The external id, unless it is only a typed name that was found nowhere."""
        is_unknown = not self.record.route and self.state is None
        return None if is_unknown else self.record.external_id or None

    def _elapsed_s(self) -> float | None:
        if self.ended_at is None:
            return None
        return round(self.ended_at - self.started_at, 3)

    def _completed_by(self) -> str | None:
        if self.state is None or self.state.completed_by is None:
            return None
        by = self.state.completed_by.value
        return by if by in ("callback", "poll") else "poll"

    def _resume(self, status: TaskStatus) -> str | None:
        if not self.is_resumable:
            return None
        if is_synchronous(self.record) and not status.is_final:
            return None  # the API keeps no record of it
        if status is TaskStatus.SUCCEEDED and self.error is not None:
            return f"kling download {self.name}"
        is_known = bool(self.record.route) or self.state is not None
        is_open = not status.is_final and self.record.stage.is_open
        return f"kling wait {self.name}" if is_known and is_open else None


def new_job(record: JobRecord, session: Session, command: str) -> Job:
    """Return the job of a record, as `command` starts to work on it."""
    return Job(
        command=command,
        record=record,
        started_at=session.clock.monotonic(),
        is_resumable=not session.settings.is_sandbox,
    )


def task_error(task: Task) -> KlingError | None:
    """Return the error that a failed task means; None for every other task."""
    if task.status is not TaskStatus.FAILED:
        return None
    reason = task.message or "no reason was given"
    message = f"task {task.id} failed: {reason}"
    if any(word in reason.lower() for word in _REFUSAL_WORDS):
        return ContentRefusedError(
            message, hint="change the prompt or the image; nothing was charged"
        )
    return TaskFailedError(
        message, hint="nothing was charged; run the command again to try once more"
    )


def cost_difference(job: Job) -> str | None:
    """Return a message if a job was charged otherwise than estimated."""
    task, expected = job.task, job.record.estimated_units
    if task is None or task.units is None or expected is None:
        return None
    if abs(task.units - expected) <= ROUNDING_UNITS:
        return None
    return f"charged {task.units:g} units, estimated {expected:g}: task {task.id}"


def expires_at(task: Task) -> datetime | None:
    """Return when the first link of a finished task expires, or the task itself."""
    announced = [at for output in task.outputs if (at := _link_expiry(output))]
    if announced:
        return min(announced)
    if task.status is TaskStatus.SUCCEEDED and task.created_at is not None:
        return task.created_at + timedelta(days=RETENTION_DAYS)
    return None


def _link_expiry(output: Output) -> datetime | None:
    try:
        query = urlsplit(output.url or "").query
    except ValueError:  # no URL at all; fetching it will say so
        return None
    expires = parse_qs(query).get("Expires", [""])[0]
    if not expires.isdecimal() or len(expires) > len("9999999999"):
        return None
    return datetime.fromtimestamp(int(expires), UTC)


def _outputs_saved_before(
    task: Task | None, record: JobRecord
) -> tuple[SavedOutput, ...]:
    """Return the outputs with the paths that an earlier run saved them under."""
    outputs = task.outputs if task else record.outputs
    is_paired = len(record.paths) == len(outputs)
    known = record.paths if is_paired else [""] * len(outputs)
    paths = [Path(relative_to_cwd(path)) if path else None for path in known]
    return tuple(
        SavedOutput(output=output, path=path)
        for output, path in zip(outputs, paths, strict=True)
    )


def report_result(job: Job, emit: EmitEvent) -> JobResult:
    """Return a job's result, and emit it unless it has been reported."""
    is_early = isinstance(job.error, StillRunningError | StoppedError)
    if job.error is not None and is_early and not job.is_resumable:
        job.error.hint = _SANDBOX_HINT
    elif isinstance(job.error, StoppedError):
        job.error = _with_resume_hint(job.error, job)
    result = job.result()
    if not job.is_reported:
        job.is_reported = True
        emit(Finished(result=result))
    return result


def _with_resume_hint(stop: StoppedError, job: Job) -> StoppedError:
    resume = job.result().resume
    if job.record.is_unsubmitted:
        reason = f": {job.record.message}" if job.record.message else ""
        clause = f"job {job.record.external_id} was not submitted{reason}"
        return stop.with_clause(clause, hint=RUN_AGAIN_HINT)
    if resume is None:
        if is_synchronous(job.record) and job.task is None:
            stop.hint = f"whether {job.record.product} was charged is not known"
        return stop
    return stop.with_clause(_state_clause(job), hint=resume)


def _state_clause(job: Job) -> str:
    """Return the clause that says what becomes of a job without this process."""
    if job.task is None:
        return f"job {job.record.external_id} may have been accepted"
    if job.task.status is TaskStatus.SUCCEEDED:
        return f"task {job.task.id} has succeeded and its result is ready"
    return f"task {job.task.id} goes on"


def load_settings(environ: Mapping[str, str], options: Mapping[str, Any]) -> Settings:
    """Return the settings of this process with the options given on top.

    With a sandbox, the state folder is one inside the usual one: what is simulated
    never stands among paid jobs.

    Raises:
        UsageError: an option or what every job goes by is nonsense.
    """
    settings = read_settings(environ, options)
    if settings.is_typed("tunnel"):
        from kling_cli import tunnels  # loads asyncio

        tunnels.require_choice(settings)
    if settings.is_sandbox:
        settings = replace(settings, state_dir=settings.state_dir / SANDBOX_FOLDER)
    return settings


def with_defaults(options: RunOptions, settings: Settings) -> RunOptions:
    """Return the options with what the settings say of timeout, callback and tunnel.

    Raises:
        UsageError: a default that this job goes by is nonsense.
    """
    callback, tunnel = _callback_path(options, settings)
    if options.is_waiting:
        settings.require("timeout")
        if options.is_downloading:
            settings.require("output_dir")
    return replace(
        options, callback=callback, tunnel=tunnel, timeout_s=settings.timeout_s
    )


def _callback_path(options: RunOptions, settings: Settings) -> tuple[str, str]:
    """Return `--callback` and `--tunnel`; a default gives way to what was given."""
    from kling_cli import tunnels

    is_waiting, has_url = options.is_waiting, bool(options.callback_url)
    is_default = not settings.is_typed("tunnel")
    needs_none = settings.is_sandbox and is_default  # it is on this machine
    if is_waiting:
        settings.require("callback")
    callback, tunnel = settings.callback, settings.tunnel
    if is_waiting and callback != "off" and not (has_url or needs_none):
        tunnels.require_choice(settings)
    elif needs_none or not tunnels.is_known(tunnel):
        tunnel = tunnels.AUTO
    is_without = not is_waiting or (tunnel == "none" and not is_default)
    if callback == "require" and not settings.is_typed("callback") and is_without:
        callback = "auto"
    return callback, tunnel
