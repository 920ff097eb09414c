"""Submission of a job: accepted exactly once, however the create call ends."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

from kling_cli.api import KlingClient, Task
from kling_cli.clock import Clock, within
from kling_cli.errors import (
    AmbiguousError,
    KlingError,
    NoSlotError,
    OutcomeUnknownError,
    RateLimitError,
    UnreachableError,
)
from kling_cli.jobs.events import (
    EmitEvent,
    OutcomeCheck,
    QueryFailed,
    SendFailed,
    WaitingForSlot,
)
from kling_cli.jobs.job import MAY_BE_CHARGED_HINT
from kling_cli.jobs.waiting.poller import MAX_REFUSALS, is_refusal
from kling_cli.jobs.waiting.schedule import random_jitter, retry_s, slot_retry_s

MAX_CREATES = 6  # after as many definite failures the API counts as unreachable
CONFIRMING_QUERIES = 2  # a created task is readable at once. Source: API reference 1.5


class CreateTask(Protocol):
    """The part of the API client that submitting needs."""

    async def create(self, path: str, body: dict[str, Any]) -> Task: ...


@dataclass(frozen=True, slots=True)
class SynchronousClient:
    """The client of a synchronous call's `Submission`; ambiguous outcomes are final.

    The answer is the result. The API keeps no record of such a call, so its outcome
    cannot be queried. Source: API reference 2.7 and 2.8, read 2026-10-04.
    """

    client: KlingClient

    async def create(self, path: str, body: dict[str, Any]) -> Task:
        """Return the finished task.

        Raises:
            OutcomeUnknownError: it may have been done, and charged, or not.
        """
        try:
            return await self.client.create_synchronous(path, body)
        except AmbiguousError as exc:
            raise exc.converted_to(
                OutcomeUnknownError,
                f"it is unknown whether the call was made: {exc.message}",
                hint=MAY_BE_CHARGED_HINT,
            ) from exc


@dataclass(slots=True, kw_only=True)
class Submission:
    """The submission of one job.

    `find_task` returns the task that has this external id, None when the API knows of
    none. `deadline` is on the clock's monotonic scale; `creates` and `queries` count
    requests.
    """

    path: str
    body: dict[str, Any]
    external_id: str
    client: CreateTask
    find_task: Callable[[], Awaitable[Task | None]]
    emit: EmitEvent
    clock: Clock
    deadline: float
    creates: int = 0
    queries: int = 0
    _slot_waits: int = 0
    _ambiguity: KlingError | None = None
    _is_sending: bool = False
    _refusal: KlingError | None = None

    @property
    def may_be_accepted(self) -> bool:
        """Whether a create call may have been accepted: one is out, or was lost."""
        return self._is_sending or self._ambiguity is not None

    @property
    def refusal(self) -> str | None:
        """The message of the last refusal of a create call."""
        return self._refusal.message if self._refusal else None

    async def run(self) -> Task:
        """Return the accepted task.

        Raises:
            RefusedError, CredentialsError, AccountError, ContentRefusedError: there is
                no task, and sending again would not help.
            NoSlotError: no slot became free before the deadline.
            UnreachableError: certainly not accepted, after several tries.
            OutcomeUnknownError: the outcome was still unknown at the deadline.
        """
        while True:
            task = await self._attempt()
            if task is not None:
                return task

    async def _attempt(self) -> Task | None:
        self.creates += 1
        try:
            return await within(self.clock, max(self._remaining_s(), 0.0), self._send)
        except TimeoutError:
            raise self._outcome_unknown(self._ambiguity) from None
        except AmbiguousError as exc:
            return await self._resolve_ambiguity(exc)
        except (NoSlotError, RateLimitError) as exc:
            return await self._wait_for_slot(exc)
        except UnreachableError as exc:
            return await self._retry(exc)
        except KlingError as exc:
            return await self._raise_unless_accepted(exc)

    async def _resolve_ambiguity(self, error: KlingError) -> Task | None:
        """Query the external id; None means: certainly not accepted, send again."""
        self.emit(OutcomeCheck(external_id=self.external_id, reason=error.message))
        return await self._find_accepted(error) or await self._retry(error)

    async def _raise_unless_accepted(self, refusal: KlingError) -> Task:
        """Raise `refusal`, unless an earlier create call has arrived late.

        It may even say that the external id is taken: by that call.
        """
        task = None
        if self._ambiguity is not None:
            task = await self._find_accepted(refusal)
        if task is None:
            raise refusal
        return task

    async def _find_accepted(self, reason: KlingError) -> Task | None:
        """Return the task with the external id; None after two answers without it."""
        misses = failures = refusals = 0
        while misses < CONFIRMING_QUERIES:
            self.queries += 1
            try:
                task = await within(
                    self.clock, max(self._remaining_s(), 0.0), self.find_task
                )
            except TimeoutError:
                raise self._outcome_unknown(reason) from None
            except KlingError as exc:
                failures, reason = failures + 1, exc
                refusals = refusals + 1 if is_refusal(exc) else 0
                if refusals >= MAX_REFUSALS:
                    raise self._outcome_unknown(exc) from exc
                pause_s = retry_s(failures, jitter=random_jitter())
                self.emit(QueryFailed(error=exc, retry_s=pause_s, attempt=failures))
                await self._pause_before_query(pause_s, exc)
                continue
            if task is not None:
                return task
            misses += 1
            await self._pause_before_query(
                retry_s(misses, jitter=random_jitter()), reason
            )
        return None

    async def _wait_for_slot(self, full: KlingError) -> Task | None:
        self._slot_waits += 1
        pause_s = slot_retry_s(self._slot_waits, jitter=random_jitter())
        if self._remaining_s() <= pause_s:
            return await self._raise_unless_accepted(_no_slot_error(full))
        self.emit(
            WaitingForSlot(
                external_id=self.external_id, attempt=self._slot_waits, pause_s=pause_s
            )
        )
        await self.clock.sleep(pause_s)
        return None

    async def _retry(self, failure: KlingError) -> Task | None:
        """Pause before another create call, unless attempts or time are used up."""
        pause_s = retry_s(self.creates, jitter=random_jitter())
        attempt = self.creates - self._slot_waits
        if attempt >= MAX_CREATES or self._remaining_s() <= pause_s:
            return await self._raise_unless_accepted(_not_accepted_error(failure))
        self.emit(
            SendFailed(
                external_id=self.external_id,
                error=failure,
                attempt=attempt,
                most_attempts=MAX_CREATES,
                retry_s=pause_s,
            )
        )
        await self.clock.sleep(pause_s)
        return None

    async def _pause_before_query(self, pause_s: float, failure: KlingError) -> None:
        if self._remaining_s() <= pause_s:
            raise self._outcome_unknown(failure) from failure
        await self.clock.sleep(pause_s)

    def _outcome_unknown(self, failure: KlingError | None) -> OutcomeUnknownError:
        why = failure.message if failure else "no answer within the time allowed"
        return OutcomeUnknownError(
            f"it is unknown whether job {self.external_id} was accepted: {why}",
            hint=f"kling wait {self.external_id}",
            code=failure.code if failure else None,
            http=failure.http if failure else None,
        )

    async def _send(self) -> Task:
        """Send one create call; one that is cancelled may have been accepted."""
        self._is_sending = True
        try:
            task = await self.client.create(self.path, self.body)
        except KlingError as exc:
            self._is_sending = False
            if isinstance(exc, AmbiguousError):
                self._ambiguity = exc
            self._refusal = exc
            raise
        return task

    def _remaining_s(self) -> float:
        return self.deadline - self.clock.monotonic()


def _no_slot_error(full: KlingError) -> NoSlotError:
    return full.converted_to(
        NoSlotError,
        f"no free slot within the time allowed: {full.message}",
        hint="wait for running tasks (kling list), or raise --timeout",
    )


def _not_accepted_error(failure: KlingError) -> UnreachableError:
    return failure.converted_to(
        UnreachableError,
        f"the job was not accepted: {failure.message}",
        hint=failure.hint or "nothing was created or charged; try again later",
    )
