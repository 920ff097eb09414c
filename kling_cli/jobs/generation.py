"""The run of a generating command: prepare, submit, wait, save."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from functools import partial
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
from kling_cli.jobs.events import EmitEvent, JobResult, Notice, Prepared, Remark
from kling_cli.jobs.history import resolve_references
from kling_cli.jobs.ingress import open_ingress
from kling_cli.jobs.job import RUN_AGAIN_HINT, Job, RunOptions, new_job, report_result
from kling_cli.jobs.lookup import owner_columns
from kling_cli.jobs.order import Order
from kling_cli.jobs.outputs.destination import check_output
from kling_cli.jobs.outputs.naming import check_template
from kling_cli.jobs.prepare import (
    check_price,
    credential_kinds,
    new_external_id,
    new_record,
    prepare,
)
from kling_cli.jobs.session import Session, open_session
from kling_cli.jobs.signals import until_signal
from kling_cli.jobs.submit import Submission, SynchronousClient
from kling_cli.jobs.waiting.notifications import Notifications
from kling_cli.jobs.waiting.state_machine import initial_state
from kling_cli.jobs.waiting.watcher import deadline_at, wait_for_jobs
from kling_cli.settings import Settings
from kling_cli.store import JobRecord, Stage


async def generate(
    order: Order,
    options: RunOptions,
    *,
    settings: Settings,
    emit: EmitEvent,
    clock: Clock,
) -> JobResult:
    """Prepare an order, submit it, wait for its task and save the outputs.

    Raises:
        KlingError: it ended before the job was in the journal; nothing was sent.
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
    """Submit a prepared request, wait for its task and save the outputs.

    Raises:
        KlingError: it ended before the job was in the journal; nothing was sent.
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
                clause = "nothing was submitted"
                raise exc.with_clause(clause, hint=RUN_AGAIN_HINT) from exc
            raise
        run.job.fail(exc, clock.monotonic())
    assert run.job is not None  # noqa: S101 -- it is in the journal, or it raised
    return report_result(run.job, emit)


def _known_name_fields(request: PreparedRequest) -> dict[str, str]:
    """Return the fields of a file name that are known before there is a task."""
    return {
        "external_id": request.external_id,
        "product": request.plan.product.name,
        "model": request.plan.model.id,
    }


@dataclass(slots=True, kw_only=True)
class JobRun:
    """The run of one prepared request. `job` exists once it is in the journal."""

    request: PreparedRequest
    options: RunOptions
    settings: Settings
    clock: Clock
    emit: EmitEvent
    job: Job | None = None

    async def run(self) -> None:
        """Open the callback ingress, submit the request, wait, and save the outputs.

        Raises:
            KlingError: it ended otherwise than by a final task.
        """
        async with open_session(self.settings, self.clock, self.emit) as session:
            session.journal.require_writable()
            record = self._new_record(session)
            self._emit_prepared(record)
            notifications = Notifications(clock=self.clock, nonces={record.nonce or ""})
            async with (
                background() as group,
                open_ingress(
                    self._ingress_options, session, notifications, group
                ) as ingress,
            ):
                job = await self._add_job(record, session)
                deadline = deadline_at(self.clock, self.options.timeout_s)
                callback_url = ingress.url_for(record.product, record.nonce or "")
                task = await self._submit(job, session, callback_url, deadline)
                self._apply_accepted(job, task, session)
                if self.options.is_waiting:
                    await wait_for_jobs(
                        [job], session, notifications, deadline=deadline
                    )

    def _new_record(self, session: Session) -> JobRecord:
        plan, estimate = self.request.plan, self.request.estimate
        measured_s = session.journal.usual_s(
            plan.product.name, plan.model.id, self.settings.api_base
        )
        return replace(
            new_record(self.request, self.options, self.settings, self.clock.now()),
            nonce=new_nonce(secrets.token_bytes),
            usual_s=measured_s or plan.model.usual_s,
            has_watermark=bool(self.request.values.get("watermark")),
            estimated_units=estimate.units if estimate else None,
            **owner_columns(),
        )

    def _emit_prepared(self, record: JobRecord) -> None:
        if (reason := self.request.model_reason) is not None:
            self.emit(Remark(message=reason))
        estimate = self.request.estimate
        self.emit(
            Prepared(
                external_id=record.external_id,
                product=record.product,
                model=self.request.plan.model.id,
                units=estimate.units if estimate else None,
                at_most_units=estimate.at_most_units if estimate else None,
                usd=estimate.at_most_usd if estimate else None,
                usual_s=record.usual_s,
                prompt=record.prompt,
            )
        )
        if (warning := self.request.plan.model.warning) is not None:
            self.emit(Notice(message=warning))

    @property
    def _is_synchronous(self) -> bool:
        """Whether the create call's answer is the result."""
        return self.request.plan.route.query_path is None

    @property
    def _ingress_options(self) -> RunOptions:
        if not self._is_synchronous or self.options.needs_ingress:
            return self.options
        return replace(self.options, callback="off", tunnel="none", callback_url=None)

    async def _add_job(self, record: JobRecord, session: Session) -> Job:
        record = replace(record, written_at=self.clock.now())
        await session.add_job(record)
        self.job = new_job(record, session, self.options.command)
        return self.job

    async def _submit(
        self, job: Job, session: Session, callback_url: str | None, deadline: float
    ) -> Task:
        client = session.client
        submission = Submission(
            path=self.request.plan.create_path,
            body=self.request.body(callback_url),
            external_id=job.record.external_id,
            client=SynchronousClient(client) if self._is_synchronous else client,
            find_task=partial(session.poller.fetch_one, job.record),
            emit=self.emit,
            clock=self.clock,
            deadline=deadline,
        )
        try:
            return await submission.run()
        except OutcomeUnknownError as exc:
            if self._is_synchronous:  # reported now; the API cannot be asked later
                _end_unsubmitted(job, session, Stage.UNKNOWN, exc.message)
            raise
        except KlingError as exc:
            is_certain = not (
                submission.may_be_accepted or isinstance(exc, UnreachableError)
            )
            stage = Stage.REFUSED if is_certain else Stage.ABSENT
            _end_unsubmitted(job, session, stage, exc.message)
            raise
        except anyio.get_cancelled_exc_class():
            if not submission.may_be_accepted:
                _end_unsubmitted(job, session, Stage.REFUSED, submission.refusal)
            raise
        finally:
            job.creates, job.queries = submission.creates, submission.queries
            job.answer = client.last_create_response

    def _apply_accepted(self, job: Job, task: Task, session: Session) -> None:
        """Apply the accepted task to the job; report its id before it is stored.

        A sandbox says how long the task will take: its time may be compressed.
        """
        job.state = initial_state(task)
        task_s = job.answer.task_s if job.answer else None
        self.emit(job.submitted(task, usual_s=task_s))
        job.record = session.record_task(job.record, task)
        if task_s is not None:
            job.record = session.update_job(job.record, usual_s=task_s)
        if self.options.is_embedded:
            job.record = session.update_job(
                job.record, owner_pid=None, owner_started_at=None
            )


def _end_unsubmitted(
    job: Job, session: Session, stage: Stage, reason: str | None
) -> None:
    job.record = session.update_job(job.record, stage=stage, message=reason)
