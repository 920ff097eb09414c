"""The run of a generating command: prepare, record, submit, wait, download."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass, replace
from pathlib import Path

import anyio

from kling_cli.api import Task
from kling_cli.background import background
from kling_cli.callbacks import new_nonce
from kling_cli.catalogue import PreparedRequest
from kling_cli.clock import Clock
from kling_cli.errors import (
    KlingError,
    OutcomeUnknownError,
    StoppedError,
    UnreachableError,
)
from kling_cli.jobs.calls.synchronous import SynchronousClient, without_callbacks
from kling_cli.jobs.events import (
    EmitEvent,
    JobResult,
    Notice,
    Prepared,
    Remark,
    Submitted,
)
from kling_cli.jobs.history import resolve_references
from kling_cli.jobs.ingress import CallbackIngress, open_ingress
from kling_cli.jobs.job import (
    RUN_AGAIN_HINT,
    Job,
    RunOptions,
    record_with_task,
    report_result,
)
from kling_cli.jobs.outputs.destination import check_output
from kling_cli.jobs.outputs.naming import check_template
from kling_cli.jobs.prepare import (
    Order,
    check_price,
    credential_kinds,
    journal_record,
    new_external_id,
    prepare,
)
from kling_cli.jobs.session import Session, open_session
from kling_cli.jobs.signals import until_signal
from kling_cli.jobs.submit import Submission
from kling_cli.jobs.waiting.notifications import Notifications
from kling_cli.jobs.waiting.poller import NO_ENDPOINT
from kling_cli.jobs.waiting.state_machine import initial_state
from kling_cli.jobs.waiting.watcher import deadline_at, wait_for_jobs
from kling_cli.settings import Settings
from kling_cli.store import JobRecord, Stage, prompt_of
from kling_cli.tunnels.process_identity import identify


async def generate(
    order: Order,
    options: RunOptions,
    *,
    settings: Settings,
    emit: EmitEvent,
    clock: Clock,
) -> JobResult:
    """Make one job and see it through.

    Raises:
        KlingError: it ended before it was written down; nothing was sent.
    """
    check_template(options.output or "")  # before files are read
    order = resolve_references(order, settings)
    request = prepare(order, credential_kinds(settings), new_id=new_external_id)
    check_price(request, options.max_units)
    return await run_request(
        request, options, settings=settings, emit=emit, clock=clock
    )


async def run_request(
    request: PreparedRequest,
    options: RunOptions,
    *,
    settings: Settings,
    emit: EmitEvent,
    clock: Clock,
) -> JobResult:
    """Send a request that has been checked, and see its job through.

    Raises:
        KlingError: it ended before it was written down; nothing was sent.
    """
    check_output(options, settings.output_dir or Path(), _known_name_fields(request))
    run = JobRun(
        request=request, options=options, settings=settings, clock=clock, emit=emit
    )
    try:
        await until_signal(run.run, is_embedded=options.is_embedded)
    except KlingError as exc:
        if run.job is None:
            if isinstance(exc, StoppedError):
                raise _nothing_submitted(exc) from exc
            raise
        run.job.fail(exc, clock.monotonic())
    assert run.job is not None  # noqa: S101 -- it was written down, or it raised
    return report_result(run.job, emit)


def _known_name_fields(request: PreparedRequest) -> dict[str, str]:
    """Return the fields of a file's name that are known before the task is."""
    return {
        "external_id": request.external_id,
        "product": request.plan.product.name,
        "model": request.plan.model.id,
    }


def _nothing_submitted(stop: StoppedError) -> StoppedError:
    """Return the error of a run that was stopped before its job was written down."""
    message = f"{stop.message}; nothing was submitted"
    return StoppedError(message, exit_code=stop.exit_code, hint=RUN_AGAIN_HINT)


@dataclass(slots=True, kw_only=True)
class JobRun:
    """One job from request to saved files. `job` exists once it is written down."""

    request: PreparedRequest
    options: RunOptions
    settings: Settings
    clock: Clock
    emit: EmitEvent
    job: Job | None = None

    async def run(self) -> None:
        """Run the job to its end.

        Raises:
            KlingError: it ended otherwise than by a final task.
        """
        async with open_session(self.settings, self.clock, self.emit) as session:
            session.journal.require_writable()
            notifications = Notifications(clock=self.clock)
            if (reason := self.request.model_reason) is not None:
                self.emit(Remark(message=reason))
            self.emit(self._prepared(session))
            if (warning := self.request.plan.model.warning) is not None:
                self.emit(Notice(message=warning))
            async with (
                background() as group,
                open_ingress(
                    self._ingress_options, session, notifications, group
                ) as ingress,
            ):
                await self._run(session, notifications, ingress)

    async def _run(
        self, session: Session, notifications: Notifications, ingress: CallbackIngress
    ) -> None:
        job = await self._write_down(session)
        deadline = deadline_at(self.clock, self.options.timeout_s)
        notifications.nonces.add(job.record.nonce or "")
        callback_url = ingress.url_for(job.record.product, job.record.nonce or "")
        task = await self._submit(job, session, callback_url, deadline)
        job.state = initial_state(task)
        job.record = record_with_task(job.record, task)
        self._note_task_time(job, session)
        self.emit(
            Submitted(
                external_id=job.record.external_id,
                task_id=task.id,
                product=job.record.product,
                model=job.record.model,
                usual_s=job.record.usual_s,
                prompt=job.record.prompt,
            )
        )
        session.note(session.journal.record_task, job.record.external_id, task)
        if self.options.is_embedded:
            session.note(
                session.journal.update_job,
                job.record.external_id,
                owner_pid=None,
                owner_started_at=None,
            )
        if self.options.is_waiting:
            await wait_for_jobs([job], session, notifications, deadline=deadline)

    def _note_task_time(self, job: Job, session: Session) -> None:
        """Take a sandbox's word for how long the task will take: its time may be short.

        `kling wait` reads it in the journal.
        """
        task_s = job.answer.task_s if job.answer else None
        if task_s is not None:
            job.record = replace(job.record, usual_s=task_s)
            session.note(
                session.journal.update_job, job.record.external_id, usual_s=task_s
            )

    @property
    def _is_synchronous(self) -> bool:
        """Whether the create call's answer is the result."""
        return self.request.plan.route.query_path is None

    @property
    def _ingress_options(self) -> RunOptions:
        is_without_callbacks = self._is_synchronous and not self.options.needs_ingress
        return without_callbacks(self.options) if is_without_callbacks else self.options

    async def _write_down(self, session: Session) -> Job:
        record = self._record(self._usual_s(session))
        await session.write_down(record)
        self.job = Job(
            command=self.options.command,
            record=record,
            started_at=self.clock.monotonic(),
            is_resumable=not self.settings.is_sandbox,
        )
        return self.job

    def _record(self, usual_s: float | None) -> JobRecord:
        owner = identify(os.getpid())
        plan, estimate = self.request.plan, self.request.estimate
        return JobRecord(
            external_id=self.request.external_id,
            command=self.options.command,
            product=plan.product.name,
            model=plan.model.id,
            route=plan.route.name,
            query_path=plan.route.query_path or NO_ENDPOINT,
            api_base=self.settings.api_base,
            request=journal_record(self.request),
            nonce=new_nonce(secrets.token_bytes),
            usual_s=usual_s,
            written_at=self.clock.now(),
            output=self.options.output,
            is_downloading=self.options.is_downloading,
            has_watermark=bool(self.request.values.get("watermark")),
            is_forced=self.options.is_forced,
            owner_pid=os.getpid(),
            owner_started_at=owner.started_at if owner else None,
            estimated_units=estimate.units if estimate else None,
        )

    async def _submit(
        self, job: Job, session: Session, callback_url: str | None, deadline: float
    ) -> Task:
        submission = Submission(
            path=self.request.plan.create_path,
            body=self.request.body(callback_url),
            external_id=job.record.external_id,
            client=SynchronousClient(session.client)
            if self._is_synchronous
            else session.client,
            ask=lambda: _ask_for(job.record, session),
            emit=self.emit,
            clock=self.clock,
            deadline=deadline,
        )
        try:
            return await submission.run()
        except OutcomeUnknownError as exc:
            if self._is_synchronous:  # it is told now, and nobody can be asked later
                self._end_at(Stage.UNKNOWN, job, session, exc.message)
            raise
        except KlingError as exc:
            is_certain = not (
                submission.is_in_doubt or isinstance(exc, UnreachableError)
            )
            stage = Stage.REFUSED if is_certain else Stage.ABSENT
            self._end_at(stage, job, session, exc.message)
            raise
        except anyio.get_cancelled_exc_class():
            if not submission.is_in_doubt:
                self._end_at(Stage.REFUSED, job, session, submission.refusal)
            raise
        finally:
            job.creates, job.queries = submission.creates, submission.queries
            job.answer = session.client.last_create_response

    def _end_at(
        self, stage: Stage, job: Job, session: Session, reason: str | None
    ) -> None:
        job.record = job.record.at(stage, reason)
        session.note(
            session.journal.update_job,
            job.record.external_id,
            stage=stage,
            message=reason,
        )

    def _prepared(self, session: Session) -> Prepared:
        estimate = self.request.estimate
        return Prepared(
            external_id=self.request.external_id,
            product=self.request.plan.product.name,
            model=self.request.plan.model.id,
            units=estimate.units if estimate else None,
            at_most_units=estimate.at_most_units if estimate else None,
            usd=estimate.at_most_usd if estimate else None,
            usual_s=self._usual_s(session),
            prompt=prompt_of(journal_record(self.request)) or None,
        )

    def _usual_s(self, session: Session) -> float | None:
        plan = self.request.plan
        measured = session.journal.usual_s(
            plan.product.name, plan.model.id, self.settings.api_base
        )
        return measured or plan.model.usual_s


async def _ask_for(record: JobRecord, session: Session) -> Task | None:
    return (await session.poller.ask([record])).get(record.key)
