"""The create call of an API that does to each request what the test ordered."""

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
from tests.jobs.made import EventLog, a_task
from tests.support.clock import FakeClock

EXTERNAL_ID = "kling-e1"


class Fate(StrEnum):
    """What becomes of a create call."""

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


_ERRORS: dict[Fate, KlingError] = {
    Fate.ANSWER_LOST: AmbiguousError("connection lost"),
    Fate.LOST: AmbiguousError("connection lost"),
    Fate.LATE: AmbiguousError("connection lost"),
    Fate.NO_SLOT: NoSlotError("slots full", code=1303, http=429),
    Fate.RATE: RateLimitError("too many", code=1302, http=429),
    Fate.TURNED_AWAY: UnreachableError("bad gateway", http=404),
    Fate.REFUSED: RefusedError("prompt too long", code=1201, http=400),
    Fate.NO_QUOTA: AccountError("no quota", code=1102, http=429),
    Fate.BAD_KEY: CredentialsError("bad key", code=1002, http=401),
    Fate.CONTENT: ContentRefusedError("no", code=1301, http=400),
}
_CREATES = frozenset({Fate.ACCEPTED, Fate.ANSWER_LOST, Fate.HANGS})
_LATE_S = 10.0


class Api:
    """Holds what was created; the last fate is that of all further requests.

    Like the real one it takes an external id only once. `ask_faults` befall questions,
    in order; None is an answer.
    """

    def __init__(
        self, clock: FakeClock, fates: Sequence[Fate], ask_faults: Sequence[object] = ()
    ) -> None:
        self.clock = clock
        self.created_at: dict[str, float] = {}  # by external id: when it is there
        self.asked_at: list[float] = []
        self.bodies: list[dict[str, Any]] = []
        self.tried_at: list[float] = []
        self._fates = list(fates)
        self._ask_faults = list(ask_faults)

    @property
    def asked(self) -> int:
        return len(self.asked_at)

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
        fate = self._fates.pop(0) if len(self._fates) > 1 else self._fates[0]
        if fate in _CREATES:
            if self.task is not None:
                raise RefusedError("external_task_id is taken", code=1201, http=400)
            self._accept(body["external_id"], self.clock.elapsed_s)
        elif fate is Fate.LATE:
            self._accept(body["external_id"], self.clock.elapsed_s + _LATE_S)
        if fate in (Fate.HANGS, Fate.HANGS_UNREAD):
            await anyio.sleep_forever()
        if fate in _ERRORS:
            raise _ERRORS[fate]
        task = self.task
        assert task is not None
        return task

    def _accept(self, name: str, at: float) -> None:
        self.created_at[name] = min(at, self.created_at.get(name, at))

    async def find_task(self) -> Task | None:
        self.asked_at.append(self.clock.elapsed_s)
        fault = self._ask_faults.pop(0) if self._ask_faults else None
        if isinstance(fault, KlingError):
            raise fault
        if fault is not None:
            await anyio.sleep_forever()
        return self.task


class Attempt:
    """A submission to such an API."""

    def __init__(
        self,
        *fates: Fate,
        ask_faults: Sequence[object] = (),
        timeout_s: float = 600.0,
    ) -> None:
        self.clock = FakeClock()
        self.event_log = EventLog()
        self.api = Api(self.clock, fates, ask_faults)
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
