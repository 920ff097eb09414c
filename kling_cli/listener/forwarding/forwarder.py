"""Keeps what became of forwards, beside the listener's work and never in its way."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import anyio

from kling_cli.api import new_http
from kling_cli.background import background
from kling_cli.clock import Clock, within
from kling_cli.jobs.events import Notice
from kling_cli.listener.controls import ForwardQueue
from kling_cli.listener.events import ListenerEvent
from kling_cli.listener.forwarding.delivery import (
    DeliveryClient,
    DeliveryFailure,
    DeliveryOutcome,
)
from kling_cli.listener.forwarding.policy import (
    EmitForwarded,
    ForwardingPolicy,
    RecordForward,
    delivery_headers,
    forwarded_event,
    stored_forward,
)
from kling_cli.listener.forwarding.targets import Target, targets_for
from kling_cli.listener.options import ListenOptions
from kling_cli.settings import Settings
from kling_cli.store import CallbackJournal, JournalError, StoredCallback, StoredForward

if TYPE_CHECKING:
    from anyio.abc import TaskGroup

WRITE_DELAY_S: Final = (
    0.05  # for more to come: each write keeps callbacks from the disk
)


class DeliveryLog:
    """Takes outcomes at any rate and writes them together, in a worker thread."""

    def __init__(self, state_dir: Path, tell: Callable[[Notice], object]) -> None:
        self._state_dir = state_dir
        self._tell = tell
        self._waiting: list[StoredForward] = []
        self._bell = anyio.Event()
        self._is_ill = False

    def record(self, forward: StoredForward) -> None:
        """Take an outcome; returns at once."""
        self._waiting.append(forward)
        self._bell.set()

    async def run(self) -> None:
        """Write what comes until cancelled."""
        while True:
            await self._bell.wait()
            await anyio.sleep(WRITE_DELAY_S)
            self._bell = anyio.Event()
            await self.write()

    async def write(self) -> None:
        """Write what waits; the first failure is told, and no work ends by it."""
        together, self._waiting = self._waiting, []
        if not together:
            return
        try:
            await anyio.to_thread.run_sync(_write_forwards, self._state_dir, together)
        except JournalError as exc:
            if not self._is_ill:
                self._is_ill = True
                self._tell(Notice(message=exc.message, hint=exc.hint))


@asynccontextmanager
async def open_delivery_log(
    state_dir: Path, *, tell: Callable[[Notice], object]
) -> AsyncIterator[RecordForward]:
    """Yield what takes outcomes for the journal; all are written on leaving."""
    log = DeliveryLog(state_dir, tell)
    try:
        async with background() as group:
            group.start_soon(log.run)
            yield log.record
    finally:
        with anyio.CancelScope(shield=True):
            await log.write()


def _write_forwards(state_dir: Path, forwards: list[StoredForward]) -> None:
    with CallbackJournal.open(state_dir) as journal:
        journal.keep_forwards(forwards)


_FIRST_DELAY_S: Final = 0.2
_MAX_DELAY_S: Final = 2.0
MAX_CONCURRENT: Final = 64  # deliveries under way to one target
_OVERHEAD_BYTES: Final = 1024  # of a waiting callback, beside its body
MAX_QUEUED_BYTES: Final = 64 * 1024 * 1024


@dataclass(slots=True)
class _TaskQueue:
    """One task's callbacks for one target, in order; one worker empties it.

    Beside each stands whether it is sent again because somebody wishes so.
    """

    target: Target
    waiting: deque[tuple[StoredCallback, bool]] = field(default_factory=deque)


class Forwarder:
    """Passes on what is submitted; open one with `forwarding`."""

    def __init__(  # noqa: PLR0913 -- collaborators, by name
        self,
        targets: Sequence[Target],
        manner: ForwardingPolicy,
        *,
        courier: DeliveryClient,
        group: TaskGroup,
        tell: EmitForwarded,
        record: RecordForward,
    ) -> None:
        self._targets = tuple(targets)
        self._manner = manner
        self._courier = courier
        self._group = group
        self._tell = tell
        self._record = record
        self._lanes: dict[tuple[Target, str], _TaskQueue] = {}
        self._waiting_bytes = 0
        self._slots = {one: anyio.Semaphore(MAX_CONCURRENT) for one in self._targets}
        self._is_idle = anyio.Event()
        self._is_idle.set()

    def submit(self, kept: StoredCallback, *, is_replay: bool = False) -> None:
        """Take a callback to pass on, in order for its task; returns at once.

        A replay is marked as one.
        """
        for target in targets_for(kept.status, self._targets):
            if self._waiting_bytes + _queued_bytes(kept) > MAX_QUEUED_BYTES:
                outcome = self._silence(DeliveryFailure.CROWDED)
                self._report(kept, target, outcome, 0, is_replay=is_replay)
                continue
            self._waiting_bytes += _queued_bytes(kept)
            self._is_idle = anyio.Event() if not self._lanes else self._is_idle
            key = (target, _task_key(kept))
            lane = self._lanes.get(key)
            if lane is None:
                lane = self._lanes[key] = _TaskQueue(target)
                self._group.start_soon(self._empty, key, lane)
            lane.waiting.append((kept, is_replay))

    async def drain(self, timeout_s: float) -> None:
        """Return when all that was taken has been passed on, or after `timeout_s`."""
        try:
            await within(self._courier.clock, timeout_s, self._is_idle.wait)
        except TimeoutError:
            return

    def give_up(self) -> None:
        """Say that what is still waiting, or under way, was not seen through."""
        for lane in self._lanes.values():
            for kept, is_replay in lane.waiting:
                outcome = self._silence(DeliveryFailure.STOPPED)
                self._report(kept, lane.target, outcome, 0, is_replay=is_replay)

    async def _empty(self, key: tuple[Target, str], lane: _TaskQueue) -> None:
        while lane.waiting:
            kept, is_replay = lane.waiting[0]
            await self._pass_on(kept, lane.target, is_replay=is_replay)
            lane.waiting.popleft()
            self._waiting_bytes -= _queued_bytes(kept)
        del self._lanes[key]
        if not self._lanes:
            self._is_idle.set()

    async def _pass_on(
        self, kept: StoredCallback, target: Target, *, is_replay: bool
    ) -> None:
        """Deliver one callback, trying again while nothing listens there."""
        clock = self._courier.clock
        deadline = clock.monotonic() + self._manner.retry_s
        attempt = 1
        while True:
            async with self._slots[target]:
                now = clock.now()
                headers = delivery_headers(kept, self._manner, now, is_replay=is_replay)
                outcome = await self._courier.carry(target, headers, kept.raw)
            pause_s = retry_delay_s(attempt)
            is_late = clock.monotonic() + pause_s > deadline
            if outcome.failure is not DeliveryFailure.REFUSED or is_late:
                break
            if attempt == 1:
                self._tell(forwarded_event(kept.id, target, outcome, attempt))
            attempt += 1
            await clock.sleep(pause_s)
        self._report(kept, target, outcome, attempt, is_replay=is_replay)

    def _report(
        self,
        kept: StoredCallback,
        target: Target,
        outcome: DeliveryOutcome,
        attempt: int,
        *,
        is_replay: bool,
    ) -> None:
        self._tell(forwarded_event(kept.id, target, outcome, attempt))
        kept_forward = stored_forward(kept.id, target, outcome, attempt)
        self._record(replace(kept_forward, is_replay=is_replay))

    def _silence(self, failure: DeliveryFailure) -> DeliveryOutcome:
        now = self._courier.clock.now()
        return DeliveryOutcome(sent_at=now, duration_s=0.0, failure=failure)


@asynccontextmanager
async def open_forwarder(
    targets: Sequence[Target],
    manner: ForwardingPolicy,
    *,
    clock: Clock,
    tell: EmitForwarded,
    record: RecordForward,
) -> AsyncIterator[Forwarder]:
    """Open a forwarder; what still waits when the block ends is recorded as failed.

    `tell` and `record` must return at once. `record` is given each final outcome.

    Raises:
        UsageError: the environment's certificates or proxy cannot be used.
    """
    async with new_http(
        timeout_s=manner.timeout_s, is_insecure=manner.is_insecure
    ) as http:
        courier = DeliveryClient(http=http, clock=clock, timeout_s=manner.timeout_s)
        async with background() as group:
            forwarder = Forwarder(
                targets, manner, courier=courier, group=group, tell=tell, record=record
            )
            try:
                yield forwarder
            finally:
                forwarder.give_up()


def retry_delay_s(attempt: int) -> float:
    """Return how many seconds to pause after attempt number `attempt`, from 1."""
    return min(_MAX_DELAY_S, _FIRST_DELAY_S * 2.0 ** (attempt - 1))


def _task_key(kept: StoredCallback) -> str:
    return kept.task_id or kept.external_id or f"callback {kept.id}"


def _queued_bytes(kept: StoredCallback) -> int:
    """Return about how many bytes a waiting callback takes."""
    return len(kept.raw) + _OVERHEAD_BYTES


@asynccontextmanager
async def open_forwarding(
    options: ListenOptions,
    *,
    settings: Settings,
    clock: Clock,
    tell: Callable[[ListenerEvent], None],
) -> AsyncIterator[ForwardQueue | None]:
    """Open the forwarder if there is a target; what becomes of forwards is kept."""
    async with AsyncExitStack() as stack:
        if not options.targets:
            yield None
            return
        record: RecordForward = _discard
        if options.is_keeping:
            record = await stack.enter_async_context(
                open_delivery_log(settings.state_dir, tell=tell)
            )
        yield await stack.enter_async_context(
            open_forwarder(
                options.targets,
                options.manner,
                clock=clock,
                tell=tell,
                record=lambda kept: record(kept) if kept.callback_id else None,
            )
        )


def _discard(_: object) -> None:
    """Keep no history."""
