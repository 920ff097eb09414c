"""One step on its own: open a session, mark points in it, look at the selection.

Steps cost nothing, so one whose answer was lost is simply taken again. The journal gets
the one that opens a session, for what it says of the video.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from kling_cli.api.client import KlingClient
from kling_cli.api.task import Task, TaskStatus
from kling_cli.clock import Clock
from kling_cli.errors import (
    AmbiguousError,
    OutcomeUnknownError,
    RefusedError,
    TaskFailedError,
    UnreachableError,
)
from kling_cli.jobs.ask import NOWHERE
from kling_cli.jobs.destination import check_output
from kling_cli.jobs.entry import Entry, Stage
from kling_cli.jobs.events import Event, SavedOutput
from kling_cli.jobs.memory import Memory, with_memory
from kling_cli.jobs.options import RunOptions
from kling_cli.jobs.prepare import Order, Request, prepare
from kling_cli.jobs.run import kinds_of, new_external_id
from kling_cli.jobs.save import Saver
from kling_cli.jobs.session import Session, open_session
from kling_cli.jobs.signals import until_signal
from kling_cli.jobs.submit import Submission
from kling_cli.products import catalogue
from kling_cli.products.session import StepFacts
from kling_cli.settings import Settings

PATIENCE_S = 60.0
_AGAIN = "run the command again; it costs nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepResult:
    """What a step has answered; `expires_at` is when its session ends, if known."""

    task: Task
    expires_at: datetime | None
    saved: tuple[SavedOutput, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step as it is to be taken; what it makes is saved if the options say so."""

    options: RunOptions
    settings: Settings
    tell: Callable[[Event], None]
    clock: Clock

    async def take(self, order: Order) -> StepResult:
        """Take the step and return what it has answered.

        Raises:
            TaskFailedError: it has recognised nothing.
            UnreachableError: nobody answered.
            KlingError: it was refused, or cannot be made.
        """
        check_output(self.options, self.settings.output_dir or Path())
        order = with_memory(order, self.settings)
        kinds = kinds_of(self.settings)
        request = prepare(order, kinds, new_id=new_external_id)
        return await until_signal(lambda: self._take(request))

    async def _take(self, request: Request) -> StepResult:
        facts = request.plan.product.step or StepFacts(remedy="")
        async with open_session(self.settings, self.clock, self.tell) as session:
            task = await self._call(request, session)
            if task.status is TaskStatus.FAILED:
                hint = facts.remedy.replace("SESSION", task.id)
                raise TaskFailedError(
                    str(task.message), hint=hint, request_id=task.request_id
                )
            entry = self._entry(request, task)
            if facts.session_hours is not None:
                session.note(session.journal.write_down, entry)
            saved = await self._save(entry, task, session)
        outputs = saved or tuple(SavedOutput(output=one) for one in task.outputs)
        return StepResult(task=task, expires_at=self._ends_at(task), saved=outputs)

    async def _call(self, request: Request, session: Session) -> Task:
        submission = Submission(
            path=request.plan.create_path,
            body=request.body(None),
            external_id=request.external_id,
            client=FreeCalls(session.client),
            ask=_nobody_knows,
            tell=self.tell,
            clock=self.clock,
            deadline=self.clock.monotonic() + PATIENCE_S,
        )
        try:
            return await submission.run()
        except OutcomeUnknownError as exc:
            why = f"there was no answer within {PATIENCE_S:g} s"
            raise UnreachableError(why, hint=_AGAIN) from exc
        except RefusedError as exc:
            facts = request.plan.product.step
            over = facts.over if facts else None
            exc.hint = "; ".join(hint for hint in (exc.hint, over) if hint)
            raise

    def _entry(self, request: Request, task: Task) -> Entry:
        plan = request.plan
        return Entry(
            external_id=request.external_id,
            task_id=task.id,
            command=self.options.command,
            product=plan.product.name,
            model=plan.model.id,
            route=plan.route.name,
            query_path=NOWHERE,
            api_base=self.settings.api_base,
            request=request.record,
            stage=Stage.SUCCEEDED,
            units=task.units,
            written_at=self.clock.now(),
            outputs=task.outputs,
            output=self.options.output,
            is_downloading=False,
            is_forced=self.options.is_forced,
        )

    async def _save(
        self, entry: Entry, task: Task, session: Session
    ) -> tuple[SavedOutput, ...]:
        if not self.options.is_downloading:
            return ()
        saver = Saver(
            http=session.http,
            clock=self.clock,
            tell=self.tell,
            entry=entry,
            folder=self.settings.output_dir or Path(),
            ask_again=_nobody_knows,
        )
        return await saver.save(task)

    def _ends_at(self, task: Task) -> datetime | None:
        """Return when the session ends: counted from when it was opened here."""
        opened = Memory.of(self.settings).job(task.id)
        facts = catalogue.described(opened.product).step if opened else None
        if opened is None or facts is None or facts.session_hours is None:
            return None
        return opened.written_at + timedelta(hours=facts.session_hours)


@dataclass(frozen=True, slots=True)
class FreeCalls:
    """Creates the way `Submission` wants it. A doubt is no doubt: once more is free."""

    client: KlingClient

    async def create(self, path: str, body: dict[str, Any]) -> Task:
        """Return what the call has answered, with the session's id in any case.

        Raises:
            UnreachableError: there was no answer; it may be made again.
        """
        try:
            task = await self.client.call_directly(path, body)
        except AmbiguousError as exc:
            raise UnreachableError(
                exc.message,
                hint=_AGAIN,
                code=exc.code,
                http=exc.http,
                request_id=exc.request_id,
            ) from exc
        return replace(task, id=str(body.get("session_id") or task.id))


async def _nobody_knows() -> Task | None:
    """Return nothing: what a step did is written down nowhere."""
    return None
