"""Single steps of an editing session: open it, mark points, preview the selection.

Steps are free, so one whose answer was lost is simply run again. The step that opens a
session is recorded in the journal, for the facts about its video.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from kling_cli import catalogue
from kling_cli.api import KlingClient, Task, TaskStatus
from kling_cli.catalogue import PreparedRequest, StepSpec
from kling_cli.clock import Clock
from kling_cli.errors import (
    AmbiguousError,
    OutcomeUnknownError,
    RefusedError,
    TaskFailedError,
    UnreachableError,
)
from kling_cli.jobs.events import EmitEvent
from kling_cli.jobs.history import JobHistory, resolve_references
from kling_cli.jobs.job import RunOptions
from kling_cli.jobs.order import Order
from kling_cli.jobs.outputs.destination import check_output
from kling_cli.jobs.outputs.saver import Saver
from kling_cli.jobs.prepare import (
    credential_kinds,
    new_external_id,
    new_record,
    prepare,
)
from kling_cli.jobs.session import Session, open_session
from kling_cli.jobs.signals import until_signal
from kling_cli.jobs.submit import Submission
from kling_cli.settings import Settings
from kling_cli.store import JobRecord, SavedOutput, Stage

TIMEOUT_S = 60.0
_RUN_AGAIN_HINT = "run the command again; it costs nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepResult:
    """The result of a step; `expires_at` is when its session ends, if known."""

    task: Task
    expires_at: datetime | None
    saved: tuple[SavedOutput, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRun:
    """The run of a step; its outputs are saved if the options say so."""

    options: RunOptions
    settings: Settings
    emit: EmitEvent
    clock: Clock

    async def run(self, order: Order) -> StepResult:
        """Run the step of `order` and return its result.

        Raises:
            TaskFailedError: it has recognised nothing.
            UnreachableError: there was no answer.
            KlingError: it was refused, or cannot be prepared.
        """
        check_output(self.options, self.settings.output_dir or Path())
        order = resolve_references(order, self.settings)
        kinds = credential_kinds(self.settings)
        request = prepare(order, kinds, new_id=new_external_id)
        return await until_signal(
            lambda: self._run(request), is_embedded=self.options.is_embedded
        )

    async def _run(self, request: PreparedRequest) -> StepResult:
        facts = request.plan.product.step or StepSpec(empty_hint="")
        async with open_session(self.settings, self.clock, self.emit) as session:
            task = await self._call(request, session)
            if task.status is TaskStatus.FAILED:
                hint = facts.empty_hint.replace("SESSION", task.id)
                raise TaskFailedError(
                    str(task.message), hint=hint, request_id=task.request_id
                )
            record = replace(
                new_record(request, self.options, self.settings, self.clock.now()),
                task_id=task.id,
                stage=Stage.SUCCEEDED,
                units=task.units,
                outputs=task.outputs,
                is_downloading=False,
            )
            if facts.session_hours is not None:
                session.write(session.journal.add_job, record)
            saved = await self._save(record, task, session)
        outputs = saved or tuple(SavedOutput(output=one) for one in task.outputs)
        return StepResult(task=task, expires_at=self._ends_at(task), saved=outputs)

    async def _call(self, request: PreparedRequest, session: Session) -> Task:
        submission = Submission(
            path=request.plan.create_path,
            body=request.body(None),
            external_id=request.external_id,
            client=StepClient(session.client),
            find_task=_no_task,
            emit=self.emit,
            clock=self.clock,
            deadline=self.clock.monotonic() + TIMEOUT_S,
        )
        try:
            return await submission.run()
        except OutcomeUnknownError as exc:
            why = f"there was no answer within {TIMEOUT_S:g} s"
            raise UnreachableError(why, hint=_RUN_AGAIN_HINT) from exc
        except RefusedError as exc:
            facts = request.plan.product.step
            over = facts.refused_hint if facts else None
            exc.hint = "; ".join(hint for hint in (exc.hint, over) if hint)
            raise

    async def _save(
        self, record: JobRecord, task: Task, session: Session
    ) -> tuple[SavedOutput, ...]:
        if not self.options.is_downloading:
            return ()
        saver = Saver(
            http=session.http,
            clock=self.clock,
            emit=self.emit,
            record=record,
            folder=self.settings.output_dir or Path(),
            query_again=_no_task,
        )
        return await saver.save(task)

    def _ends_at(self, task: Task) -> datetime | None:
        """Return when the session ends, if it was opened on this machine."""
        opened = JobHistory.of(self.settings).job(task.id)
        facts = catalogue.load_description(opened.product).step if opened else None
        if opened is None or facts is None or facts.session_hours is None:
            return None
        return opened.written_at + timedelta(hours=facts.session_hours)


@dataclass(frozen=True, slots=True)
class StepClient:
    """The client of a step's `Submission`; an ambiguous call is retried: it is free."""

    client: KlingClient

    async def create(self, path: str, body: dict[str, Any]) -> Task:
        """Return the step's answer as a task with the session's id.

        Raises:
            UnreachableError: there was no answer; it may be retried.
        """
        try:
            task = await self.client.create_synchronous(path, body)
        except AmbiguousError as exc:
            raise exc.converted_to(UnreachableError, hint=_RUN_AGAIN_HINT) from exc
        return replace(task, id=str(body.get("session_id") or task.id))


async def _no_task() -> Task | None:
    """Return None: the API keeps no record of steps."""
    return None
