"""Waiting for tasks: wake on news or when a question is due, ask, decide, tell."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from kling_cli.api.task import Task
from kling_cli.clock import Clock, within
from kling_cli.errors import KlingError, StillRunningError, UnreachableError
from kling_cli.jobs.ask import STAYING_REFUSALS, is_refusal
from kling_cli.jobs.events import (
    AskFailed,
    Asking,
    CallbackArrived,
    CallbackPath,
    Event,
    StatusChanged,
)
from kling_cli.jobs.lifecycle import Life, Source, answered, heard, unanswered
from kling_cli.jobs.news import News
from kling_cli.jobs.schedule import PathState, next_ask_s, retry_s
from kling_cli.store.entry import Entry

TOGETHER_S = 1.0  # questions due this soon ride along with one that is due now
ASK_MOST_S = 45.0
FOREVER_S = 10 * 365 * 86400.0


class Asks(Protocol):
    """Whoever asks the API how tasks stand."""

    async def ask(self, entries: Sequence[Entry]) -> Mapping[str, Task]: ...


@dataclass(slots=True, kw_only=True)
class Watched:
    """One task that is being waited for. Times are on the clock's monotonic scale.

    `since` is when it was submitted, as far as we know; `claimed_at` when a callback
    last said that it is over.
    """

    entry: Entry
    life: Life
    since: float
    next_ask_at: float = 0.0
    claimed_at: float | None = None


@dataclass(slots=True, kw_only=True)
class Waiter:
    """Waits for a set of tasks until each is over or the deadline has come.

    `on_answer` is given every answer, `on_over` each task once, when it is over; it
    starts what follows and returns soon.
    """

    asker: Asks
    news: News
    clock: Clock
    tell: Callable[[Event], None]
    deadline: float
    on_answer: Callable[[Watched], None]
    on_over: Callable[[Watched], None]
    watched: list[Watched] = field(default_factory=list)
    _failures: int = 0
    _refusals: int = 0
    _path: PathState = PathState.NONE

    async def run(self) -> None:
        """Return when all are over.

        Raises:
            StillRunningError: the deadline came first.
            CredentialsError, AccountError: they stayed; the tasks go on.
        """
        self._path = self.news.path
        for one in self.watched:
            one.next_ask_at = self._next(one)
            if one.life.is_over:
                self.on_over(one)
        while running := self._running():
            await self._wait_for_reason(running)
            await self._ask_due(running)

    def _running(self) -> list[Watched]:
        return [one for one in self.watched if not one.life.is_over]

    async def _wait_for_reason(self, running: list[Watched]) -> None:
        """Return when there is something to ask; take in what came before we waited."""
        self._hear(running)
        while (now := self.clock.monotonic()) < self.deadline:
            if self._is_due(running, now):
                return
            due_in_s = min(one.next_ask_at for one in running) - now
            ids = tuple(one.life.task.id for one in running)
            self.tell(
                Asking(task_ids=ids, in_s=max(0.0, due_in_s), failures=self._failures)
            )
            await self.news.wait(max(0.0, min(due_in_s, self.deadline - now)))
            self._hear(running)
        raise _still_running(running)

    def _is_due(self, running: list[Watched], now: float) -> bool:
        return any(one.life.is_due or one.next_ask_at <= now for one in running)

    def _hear(self, running: list[Watched]) -> None:
        """Take callbacks and changes of the path into account."""
        by_nonce = {one.entry.nonce: one for one in self.watched}
        for hint in self.news.take():
            self.tell(
                CallbackArrived(
                    task_id=hint.task_id, status=hint.claimed.value, trust=hint.trust
                )
            )
            if (one := by_nonce.get(hint.nonce)) is not None:
                one.life = heard(one.life, hint.claimed)
                if hint.claimed.is_final:
                    one.claimed_at = self.clock.monotonic()
        if self.news.path is not self._path:
            self._path = self.news.path
            if self._path is PathState.PROVEN:
                self.tell(CallbackPath(state="proven"))
            for one in running:
                is_lost = self._path is PathState.LOST
                one.next_ask_at = self.clock.monotonic() if is_lost else self._next(one)

    async def _ask_due(self, running: list[Watched]) -> None:
        now = self.clock.monotonic()
        due = [
            one
            for one in running
            if one.life.is_due or one.next_ask_at <= now + TOGETHER_S
        ]
        most_s = min(ASK_MOST_S, self.deadline - now)
        try:
            tasks = await within(
                self.clock, most_s, lambda: self.asker.ask([one.entry for one in due])
            )
        except TimeoutError:
            self._failed(due, UnreachableError(f"no answer within {most_s:.0f} s"))
        except KlingError as exc:
            self._failed(due, exc)
        else:
            self._failures = self._refusals = 0
            for one in due:
                self._apply(one, tasks.get(one.entry.key))

    def _apply(self, one: Watched, task: Task | None) -> None:
        before = one.life
        one.next_ask_at = self._next(one)
        if task is None:  # not there yet, or not ours to see: ask again
            one.life = unanswered(before)
            return
        one.life = answered(before, task)
        why = Source.CALLBACK if before.is_due else Source.POLL
        if one.life.task != before.task:
            self.on_answer(one)
        if one.life.task.status is not before.task.status:
            self._tell_status(one, why)
        if one.life.is_over:
            self.on_over(one)

    def _tell_status(self, one: Watched, why: Source) -> None:
        task = one.life.task
        by = (one.life.completed_by or why).value
        self.tell(
            StatusChanged(
                task_id=task.id, status=task.status, message=task.message, by=by
            )
        )

    def _failed(self, due: list[Watched], error: KlingError) -> None:
        """Ask again later; only refusals that stay end the wait."""
        self._failures += 1
        self._refusals = self._refusals + 1 if is_refusal(error) else 0
        if self._refusals >= STAYING_REFUSALS:
            raise error
        pause_s = retry_s(self._failures, spread=_spread())
        self.tell(AskFailed(error=error, retry_s=pause_s, attempt=self._failures))
        for one in due:
            one.next_ask_at = self.clock.monotonic() + pause_s
            one.life = unanswered(one.life)

    def _next(self, one: Watched) -> float:
        now = self.clock.monotonic()
        return now + next_ask_s(
            self.news.path,
            waited_s=now - one.since,
            since_lost_s=self.news.since_lost_s,
            since_claim_s=None if one.claimed_at is None else now - one.claimed_at,
            spread=_spread(),
        )


def _still_running(running: list[Watched]) -> StillRunningError:
    names = " ".join(one.life.task.id for one in running)
    return StillRunningError(
        f"stopped waiting; still running: {names}", hint=f"kling wait {names}"
    )


def deadline_at(clock: Clock, timeout_s: float | None) -> float:
    """Return when to stop, on the clock's monotonic scale; None waits for ever."""
    return clock.monotonic() + (FOREVER_S if timeout_s is None else timeout_s)


def _spread() -> float:
    return random.random()  # noqa: S311 -- jitter, not a secret
