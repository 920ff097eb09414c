"""A generating command's run: write down, open a way, submit, wait, save."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace

import anyio

from kling_cli.api import Task
from kling_cli.background import background
from kling_cli.callbacks import new_nonce
from kling_cli.clock import Clock
from kling_cli.errors import KlingError, OutcomeUnknownError, UnreachableError
from kling_cli.jobs.calls.synchronous import SynchronousCalls, without_callbacks
from kling_cli.jobs.events import Event, Notice, Prepared, Remark, Submitted
from kling_cli.jobs.ingress.ingress import CallbackIngress, open_ingress
from kling_cli.jobs.ingress.notifications import Notifications
from kling_cli.jobs.job import Job, RunOptions, with_task
from kling_cli.jobs.poller import NO_ENDPOINT
from kling_cli.jobs.prepare import Request
from kling_cli.jobs.session import Session, open_session
from kling_cli.jobs.state_machine import initial_state
from kling_cli.jobs.submit import Submission
from kling_cli.jobs.wait import TaskWatcher, deadline_at
from kling_cli.settings import Settings
from kling_cli.store import JobRecord, Stage, prompt_of
from kling_cli.tunnels.agents.identity import identify


@dataclass(slots=True, kw_only=True)
class Generation:
    """One job from request to saved files. `job` exists once it is written down."""

    request: Request
    options: RunOptions
    settings: Settings
    clock: Clock
    tell: Callable[[Event], None]
    job: Job | None = None

    async def run(self) -> None:
        """Run the job to its end.

        Raises:
            KlingError: it ended otherwise than by a final task.
        """
        async with open_session(self.settings, self.clock, self.tell) as session:
            session.journal.require_writable()
            news = Notifications(clock=self.clock)
            if (reason := self.request.model_reason) is not None:
                self.tell(Remark(message=reason))
            self.tell(self._prepared(session))
            if (warning := self.request.plan.model.warning) is not None:
                self.tell(Notice(message=warning))
            async with (
                background() as group,
                open_ingress(self._way_options, session, news, group) as way,
            ):
                await self._run(session, news, way)

    async def _run(
        self, session: Session, news: Notifications, way: CallbackIngress
    ) -> None:
        job = await self._write_down(session)
        deadline = deadline_at(self.clock, self.options.timeout_s)
        news.nonces.add(job.entry.nonce or "")
        callback_url = way.url_for(job.entry.product, job.entry.nonce or "")
        task = await self._submit(job, session, callback_url, deadline)
        job.life = initial_state(task)
        job.entry = with_task(job.entry, task)
        self._note_task_time(job, session)
        self.tell(
            Submitted(
                external_id=job.entry.external_id,
                task_id=task.id,
                product=job.entry.product,
                model=job.entry.model,
                usual_s=job.entry.usual_s,
                prompt=job.entry.prompt,
            )
        )
        session.note(session.journal.observe, job.entry.external_id, task)
        if self.options.is_waiting:
            attendant = TaskWatcher(session=session, news=news, deadline=deadline)
            await attendant.see_through([job])

    def _note_task_time(self, job: Job, session: Session) -> None:
        """Take a sandbox's word for how long the task will take: its time may be short.

        `kling wait` reads it in the journal.
        """
        task_s = job.answer.task_s if job.answer else None
        if task_s is not None:
            job.entry = replace(job.entry, usual_s=task_s)
            session.note(session.journal.change, job.entry.external_id, usual_s=task_s)

    @property
    def _is_direct(self) -> bool:
        """Whether the create call's answer is the result."""
        return self.request.plan.route.query_path is None

    @property
    def _way_options(self) -> RunOptions:
        is_wayless = self._is_direct and not self.options.needs_way
        return without_callbacks(self.options) if is_wayless else self.options

    async def _write_down(self, session: Session) -> Job:
        entry = self._entry(self._usual_s(session))
        await session.write_down(entry)
        self.job = Job(
            command=self.options.command,
            entry=entry,
            started_at=self.clock.monotonic(),
            is_lasting=not self.settings.is_sandbox,
        )
        return self.job

    def _entry(self, usual_s: float | None) -> JobRecord:
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
            request=self.request.record,
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
            external_id=job.entry.external_id,
            client=SynchronousCalls(session.client)
            if self._is_direct
            else session.client,
            ask=lambda: _ask_for(job.entry, session),
            tell=self.tell,
            clock=self.clock,
            deadline=deadline,
        )
        try:
            return await submission.run()
        except OutcomeUnknownError as exc:
            if self._is_direct:  # it is told now, and nobody can be asked later
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
            job.answer = session.client.last_created

    def _end_at(
        self, stage: Stage, job: Job, session: Session, reason: str | None
    ) -> None:
        job.entry = job.entry.at(stage, reason)
        session.note(
            session.journal.change,
            job.entry.external_id,
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
            prompt=prompt_of(self.request.record) or None,
        )

    def _usual_s(self, session: Session) -> float | None:
        plan = self.request.plan
        measured = session.journal.usual_s(
            plan.product.name, plan.model.id, self.settings.api_base
        )
        return measured or plan.model.usual_s


async def _ask_for(entry: JobRecord, session: Session) -> Task | None:
    return (await session.asker.ask([entry])).get(entry.key)
