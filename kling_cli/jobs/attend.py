"""Seeing tasks through to their end together: waiting, and saving as each is done."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import anyio
from anyio.abc import TaskGroup

from kling_cli.api.task import Task, TaskStatus
from kling_cli.errors import KlingError
from kling_cli.jobs.events import Finished, Notice
from kling_cli.jobs.job import Job, failure_of, surprise_of, with_task
from kling_cli.jobs.journal import PartialPlace
from kling_cli.jobs.news import News
from kling_cli.jobs.part import NoRecords, PartialRecords
from kling_cli.jobs.partial_records import JournalRecords
from kling_cli.jobs.save import Saver, Wish
from kling_cli.jobs.save_lock import saving
from kling_cli.jobs.session import Session
from kling_cli.jobs.wait import Waiter, Watched

_HERE = Path()


@dataclass(slots=True, kw_only=True)
class Attendant:
    """Waits for jobs and saves what they make; each ends with a `Finished` event.

    What another process saves meanwhile is not saved again, unless `is_fetching`: the
    person has asked for the files themselves.
    """

    session: Session
    news: News
    deadline: float
    is_fetching: bool = False

    async def see_through(self, jobs: list[Job]) -> None:
        """Return when every job has ended; failures are noted in the jobs.

        Raises:
            StillRunningError, CredentialsError, AccountError: waiting ended early;
                saving of what had succeeded was completed all the same.
        """
        failure: KlingError | None = None
        async with anyio.create_task_group() as group:
            try:
                await self._wait(_Hands(self, group, jobs))
            except KlingError as exc:
                failure = exc
        if failure is not None:
            raise failure

    async def _wait(self, hands: _Hands) -> None:
        watched = hands.watched(since=self.session.clock.monotonic())
        waiter = Waiter(
            asker=self.session.asker,
            news=self.news,
            clock=self.session.clock,
            tell=self.session.tell,
            deadline=self.deadline,
            on_answer=hands.note,
            on_over=hands.begin_end,
            watched=watched,
        )
        try:
            await waiter.run()
        finally:
            hands.keep_lives(watched)

    async def end(self, job: Job) -> None:
        """Do what is left to do for a job whose task is over, and tell its result."""
        task = job.task
        if task is not None and (error := failure_of(task)) is not None:
            job.error = error
        elif task is not None and task.status is TaskStatus.SUCCEEDED:
            await self._save(job, task)
            if (surprise := surprise_of(job)) is not None:
                self.session.tell(Notice(message=surprise))
        job.ended_at = self.session.clock.monotonic()
        job.is_told = True
        self.session.tell(Finished(result=job.result()))

    async def _save(self, job: Job, task: Task) -> None:
        if not job.entry.is_downloading:
            return
        state_dir, clock = self.session.settings.state_dir, self.session.clock
        async with saving(state_dir, job.entry.key, clock):
            await self._save_alone(job, task, self._saved_by_others(job))

    def _saved_by_others(self, job: Job) -> tuple[str, ...]:
        """Return the paths that another process has noted since our run began."""
        entry = job.entry
        if self.is_fetching or entry.is_forced:
            return ()
        try:
            fresh = self.session.journal.find(entry.external_id)
        except KlingError:
            return ()
        is_news = fresh is not None and fresh.paths != entry.paths
        return fresh.paths if fresh is not None and is_news else ()

    async def _save_alone(self, job: Job, task: Task, others: tuple[str, ...]) -> None:
        saver = Saver(
            http=self.session.http,
            clock=self.session.clock,
            tell=self.session.tell,
            entry=job.entry,
            folder=self.session.settings.output_dir or _HERE,
            ask_again=lambda: self._ask_again(job),
            others=others,
            note=lambda paths: self._note(job, paths=_absolute(paths)),
            records_of=lambda wish: self._records(job, wish),
        )
        try:
            await saver.save(task)
        except KlingError as exc:
            job.error = exc
        job.saved = tuple(saver.saved)

    def _records(self, job: Job, wish: Wish) -> PartialRecords:
        """Return where partial files are written down; nowhere if the task ends too."""
        if not job.is_lasting:
            return NoRecords()
        return JournalRecords(
            session=self.session,
            place=PartialPlace(
                api_base=job.entry.api_base,
                task_id=job.name,
                file_index=wish.index,
                is_watermark=wish.is_watermark,
            ),
        )

    def _note(self, job: Job, **columns: Any) -> None:
        """Write down what was saved as it is: whatever comes next may be the end."""
        job.entry = replace(job.entry, **columns)
        self.session.note(self.session.journal.change, job.entry.external_id, **columns)

    async def _ask_again(self, job: Job) -> Task | None:
        """Return the task as it stands now, for fresh links; None if nobody says."""
        job.queries += 1
        try:
            answers = await self.session.asker.ask([job.entry])
        except KlingError:
            return None
        fresh = answers.get(job.entry.key)
        if fresh is not None and job.life is not None:
            job.life = replace(job.life, task=fresh)
        return fresh


def _absolute(paths: Iterable[str]) -> tuple[str, ...]:
    """Return the paths as they can be found from any folder; `""` stays so."""
    return tuple(str(Path(path).absolute()) if path else "" for path in paths)


class _Hands:
    """Carry each answer to its job, and begin the ends of jobs beside the waiting."""

    def __init__(self, attendant: Attendant, group: TaskGroup, jobs: list[Job]) -> None:
        self._attendant = attendant
        self._group = group
        self._jobs = {job.entry.key: job for job in jobs}

    def watched(self, *, since: float) -> list[Watched]:
        return [
            Watched(entry=job.entry, life=job.life, since=since)
            for job in self._jobs.values()
            if job.life is not None
        ]

    def note(self, one: Watched) -> None:
        """Keep what the API said, in the journal and in the job."""
        job = self._jobs[one.entry.key]
        job.life = one.life
        job.entry = one.entry = with_task(one.entry, one.life.task)
        session = self._attendant.session
        session.note(session.journal.observe, job.entry.external_id, one.life.task)

    def begin_end(self, one: Watched) -> None:
        self._group.start_soon(self._attendant.end, self._jobs[one.entry.key])

    def keep_lives(self, watched: list[Watched]) -> None:
        """Let jobs whose waiting was cut short know what was asked and heard."""
        for one in watched:
            if not one.life.is_over:
                self._jobs[one.entry.key].life = one.life
