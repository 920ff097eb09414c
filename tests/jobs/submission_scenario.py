"""A submission to a fake API with an outcome for each create call."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from itertools import pairwise
from typing import Any

import anyio

from kling_cli.api.tasks import Task
from kling_cli.errors import (
    AccountError,
    AmbiguousError,
    ContentRefusedError,
    CredentialsError,
    KlingError,
    NoSlotError,
    RateLimitError,
    RefusedError,
    UnreachableError,
)
from kling_cli.jobs.submit import Submission
from tests.jobs.factories import EventLog, a_task
from tests.support.clock import FakeClock

EXTERNAL_ID = "kling-e1"


class Outcome(StrEnum):
    """The outcome of a create call."""

    ACCEPTED = "accepted"
    ANSWER_LOST = "accepted, and the answer is lost"
    LOST = "lost on the way"
    LATE = "thought to be lost, and arrives ten seconds later"
    HANGS = "accepted, and nothing is said"
    HANGS_UNREAD = "not read, and nothing is said"
    NO_SLOT = "no slot"
    RATE = "too many requests"
    TURNED_AWAY = "turned away by a gateway"
    REFUSED = "refused"
    NO_QUOTA = "no quota"
    BAD_KEY = "bad key"
    CONTENT = "refused for its content"


_ERRORS: dict[Outcome, KlingError] = {
    Outcome.ANSWER_LOST: AmbiguousError("connection lost"),
    Outcome.LOST: AmbiguousError("connection lost"),
    Outcome.LATE: AmbiguousError("connection lost"),
    Outcome.NO_SLOT: NoSlotError("slots full", code=1303, http=429),
    Outcome.RATE: RateLimitError("too many", code=1302, http=429),
    Outcome.TURNED_AWAY: UnreachableError("bad gateway", http=404),
    Outcome.REFUSED: RefusedError("prompt too long", code=1201, http=400),
    Outcome.NO_QUOTA: AccountError("no quota", code=1102, http=429),
    Outcome.BAD_KEY: CredentialsError("bad key", code=1002, http=401),
    Outcome.CONTENT: ContentRefusedError("no", code=1301, http=400),
}
_CREATES = frozenset({Outcome.ACCEPTED, Outcome.ANSWER_LOST, Outcome.HANGS})
_LATE_S = 10.0


class FakeCreateApi:
    """A create call with given outcomes, the last one for all further calls.

    Like the real one it takes an external id only once. `query_faults` are those of
    queries, in order; None is an answer.
    """

    def __init__(
        self,
        clock: FakeClock,
        outcomes: Sequence[Outcome],
        query_faults: Sequence[object] = (),
    ) -> None:
        self.clock = clock
        self.created_at: dict[str, float] = {}  # by external id: when it is there
        self.queried_at: list[float] = []
        self.bodies: list[dict[str, Any]] = []
        self.tried_at: list[float] = []
        self._outcomes = list(outcomes)
        self._query_faults = list(query_faults)

    @property
    def asked(self) -> int:
        return len(self.queried_at)

    @property
    def task(self) -> Task | None:
        for name, at in self.created_at.items():
            if at <= self.clock.elapsed_s:
                return a_task("t1", external_id=name)
        return None

    async def create(self, path: str, body: dict[str, Any]) -> Task:
        assert path == "/videos"
        self.bodies.append(body)
        self.tried_at.append(self.clock.elapsed_s)
        outcome = (
            self._outcomes.pop(0) if len(self._outcomes) > 1 else self._outcomes[0]
        )
        if outcome in _CREATES:
            if self.task is not None:
                raise RefusedError("external_task_id is taken", code=1201, http=400)
            self._accept(body["external_id"], self.clock.elapsed_s)
        elif outcome is Outcome.LATE:
            self._accept(body["external_id"], self.clock.elapsed_s + _LATE_S)
        if outcome in (Outcome.HANGS, Outcome.HANGS_UNREAD):
            await anyio.sleep_forever()
        if outcome in _ERRORS:
            raise _ERRORS[outcome]
        task = self.task
        assert task is not None
        return task

    def _accept(self, name: str, at: float) -> None:
        self.created_at[name] = min(at, self.created_at.get(name, at))

    async def find_task(self) -> Task | None:
        self.queried_at.append(self.clock.elapsed_s)
        fault = self._query_faults.pop(0) if self._query_faults else None
        if isinstance(fault, KlingError):
            raise fault
        if fault is not None:
            await anyio.sleep_forever()
        return self.task


class SubmissionScenario:
    """A submission to such an API, on a fake clock."""

    def __init__(
        self,
        *outcomes: Outcome,
        query_faults: Sequence[object] = (),
        timeout_s: float = 600.0,
    ) -> None:
        self.clock = FakeClock()
        self.event_log = EventLog()
        self.api = FakeCreateApi(self.clock, outcomes, query_faults)
        self.submission = Submission(
            path="/videos",
            body={"prompt": "p", "external_id": EXTERNAL_ID},
            external_id=EXTERNAL_ID,
            client=self.api,
            find_task=self.api.find_task,
            emit=self.event_log,
            clock=self.clock,
            deadline=timeout_s,
        )

    async def run(self) -> Task:
        return await self.submission.run()

    @property
    def pauses(self) -> list[float]:
        """Seconds between one create call and the next."""
        times = self.api.tried_at
        return [later - at for at, later in pairwise(times)]
