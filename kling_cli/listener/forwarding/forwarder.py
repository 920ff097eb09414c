"""Forwards callbacks to targets: a queue for each task, retries, the log of outcomes.

Deliveries of one task to one target are in order; tasks do not wait for each other.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import anyio

from kling_cli.background import background
from kling_cli.clock import Clock, within
from kling_cli.jobs.events import Notice
from kling_cli.listener.controls import ForwardQueue
from kling_cli.listener.events import ListenerEvent
from kling_cli.listener.forwarding.delivery import (
    Delivery,
    DeliveryClient,
    DeliveryFailure,
    DeliveryOutcome,
    EmitForwarded,
    ForwardingPolicy,
    RecordForward,
    forwarded_event,
    open_delivery_client,
    stored_forward,
)
from kling_cli.listener.forwarding.targets import Target, targets_for
from kling_cli.listener.options import ListenOptions
from kling_cli.settings import Settings
from kling_cli.store import Journal, JournalError, StoredCallback, StoredForward

if TYPE_CHECKING:
    from anyio.abc import TaskGroup

_FIRST_DELAY_S: Final = 0.2
_MAX_DELAY_S: Final = 2.0
MAX_CONCURRENT: Final = 64  # deliveries under way to one target
_OVERHEAD_BYTES: Final = 1024  # of a queued callback, beside its body
MAX_QUEUED_BYTES: Final = 64 * 1024 * 1024
WRITE_DELAY_S: Final = 0.05  # for a larger batch: a write delays stored callbacks

_QueueKey = tuple[Target, str]  # one queue for each target and task


class DeliveryLog:
    """Stores outcomes in the journal: written in batches, in a worker thread."""

    def __init__(self, state_dir: Path, emit: Callable[[Notice], object]) -> None:
        self._state_dir = state_dir
        self._emit = emit
        self._waiting: list[StoredForward] = []
        self._wakeup = anyio.Event()
        self._has_reported_error = False

    def record(self, forward: StoredForward) -> None:
        """Queue an outcome; returns at once."""
        self._waiting.append(forward)
        self._wakeup.set()

    async def run(self) -> None:
        """Write what is queued, until cancelled."""
        while True:
            await self._wakeup.wait()
            await anyio.sleep(WRITE_DELAY_S)
            self._wakeup = anyio.Event()
            await self.write()

    async def write(self) -> None:
        """Write what is queued; the first failure is emitted, none is raised."""
        batch, self._waiting = self._waiting, []
        if not batch:
            return
        try:
            await anyio.to_thread.run_sync(_write_forwards, self._state_dir, batch)
        except JournalError as exc:
            if not self._has_reported_error:
                self._has_reported_error = True
                self._emit(Notice(message=exc.message, hint=exc.hint))


@asynccontextmanager
async def open_delivery_log(
    state_dir: Path, *, emit: Callable[[Notice], object]
) -> AsyncIterator[RecordForward]:
    """Yield the function that stores outcomes; all are written on leaving."""
    log = DeliveryLog(state_dir, emit)
    try:
        async with background() as group:
            group.start_soon(log.run)
            yield log.record
    finally:
        with anyio.CancelScope(shield=True):
            await log.write()


def _write_forwards(state_dir: Path, forwards: list[StoredForward]) -> None:
    with Journal.open(state_dir) as journal:
        journal.add_forwards(forwards)


class Forwarder:
    """Forwards submitted callbacks; opened with `open_forwarder`."""

    def __init__(  # noqa: PLR0913 -- collaborators, by name
        self,
        targets: Sequence[Target],
        policy: ForwardingPolicy,
        *,
        client: DeliveryClient,
        group: TaskGroup,
        emit: EmitForwarded,
        record: RecordForward,
    ) -> None:
        self._targets = tuple(targets)
        self._policy = policy
        self._client = client
        self._group = group
        self._emit = emit
        self._record = record
        self._queues: dict[_QueueKey, deque[Delivery]] = {}
        self._n_queued_bytes = 0
        self._slots = {one: anyio.Semaphore(MAX_CONCURRENT) for one in self._targets}
        self._is_idle = anyio.Event()
        self._is_idle.set()

    def submit(self, callback: StoredCallback, *, is_replay: bool = False) -> None:
        """Queue a callback, in order within its task; returns at once.

        A replay is marked as one.
        """
        n_bytes = _queued_bytes(callback)
        for target in targets_for(callback.status, self._targets):
            delivery = Delivery(callback=callback, target=target, is_replay=is_replay)
            if self._n_queued_bytes + n_bytes > MAX_QUEUED_BYTES:
                self._record_failure(delivery, DeliveryFailure.QUEUE_FULL)
                continue
            self._n_queued_bytes += n_bytes
            self._is_idle = anyio.Event() if not self._queues else self._is_idle
            key = (target, _task_key(callback))
            queue = self._queues.get(key)
            if queue is None:
                queue = self._queues[key] = deque()
                self._group.start_soon(self._work_queue, key, queue)
            queue.append(delivery)

    async def drain(self, timeout_s: float) -> None:
        """Return when all queues are empty, or after `timeout_s`."""
        try:
            await within(self._client.clock, timeout_s, self._is_idle.wait)
        except TimeoutError:
            return

    def record_undelivered(self) -> None:
        """Record what is queued or under way as not delivered."""
        for queue in self._queues.values():
            for delivery in queue:
                self._record_failure(delivery, DeliveryFailure.STOPPED)

    async def _work_queue(self, key: _QueueKey, queue: deque[Delivery]) -> None:
        """Deliver a queue in order, and drop it once it is empty."""
        while queue:
            await self._deliver(queue[0])
            delivery = queue.popleft()
            self._n_queued_bytes -= _queued_bytes(delivery.callback)
        del self._queues[key]
        if not self._queues:
            self._is_idle.set()

    async def _deliver(self, delivery: Delivery) -> None:
        """Deliver one callback, retrying while the connection is refused."""
        clock = self._client.clock
        deadline = clock.monotonic() + self._policy.retry_s
        attempt = 1
        while True:
            async with self._slots[delivery.target]:
                outcome = await self._client.attempt(delivery, self._policy)
            delay_s = retry_delay_s(attempt)
            is_late = clock.monotonic() + delay_s > deadline
            if outcome.failure is not DeliveryFailure.REFUSED or is_late:
                break
            if attempt == 1:
                self._emit(forwarded_event(delivery, outcome, attempt))
            attempt += 1
            await clock.sleep(delay_s)
        self._record_outcome(delivery, outcome, attempt)

    def _record_outcome(
        self, delivery: Delivery, outcome: DeliveryOutcome, attempt: int
    ) -> None:
        self._emit(forwarded_event(delivery, outcome, attempt))
        self._record(stored_forward(delivery, outcome, attempt))

    def _record_failure(self, delivery: Delivery, failure: DeliveryFailure) -> None:
        """Record a delivery that was not attempted."""
        now = self._client.clock.now()
        outcome = DeliveryOutcome(sent_at=now, duration_s=0.0, failure=failure)
        self._record_outcome(delivery, outcome, 0)


@asynccontextmanager
async def open_forwarder(
    targets: Sequence[Target],
    policy: ForwardingPolicy,
    *,
    clock: Clock,
    emit: EmitForwarded,
    record: RecordForward,
) -> AsyncIterator[Forwarder]:
    """Open a forwarder; what is queued at the end is recorded as not delivered.

    `emit` and `record` must return at once. `record` is given each final outcome.

    Raises:
        UsageError: the environment's certificates or proxy cannot be used.
    """
    async with (
        open_delivery_client(
            clock, timeout_s=policy.timeout_s, is_insecure=policy.is_insecure
        ) as client,
        background() as group,
    ):
        forwarder = Forwarder(
            targets, policy, client=client, group=group, emit=emit, record=record
        )
        try:
            yield forwarder
        finally:
            forwarder.record_undelivered()


def retry_delay_s(attempt: int) -> float:
    """Return how many seconds to wait after attempt number `attempt`, from 1."""
    return min(_MAX_DELAY_S, _FIRST_DELAY_S * 2.0 ** (attempt - 1))


def _task_key(callback: StoredCallback) -> str:
    return callback.task_id or callback.external_id or f"callback {callback.id}"


def _queued_bytes(callback: StoredCallback) -> int:
    """Return about how many bytes a queued callback takes."""
    return len(callback.raw) + _OVERHEAD_BYTES


@asynccontextmanager
async def open_forwarding(
    options: ListenOptions,
    *,
    settings: Settings,
    clock: Clock,
    emit: Callable[[ListenerEvent], None],
) -> AsyncIterator[ForwardQueue | None]:
    """Open the forwarder if there is a target; outcomes are stored with the history."""
    async with AsyncExitStack() as stack:
        if not options.targets:
            yield None
            return
        record: RecordForward = _discard
        if options.has_history:
            record = await stack.enter_async_context(
                open_delivery_log(settings.state_dir, emit=emit)
            )
        yield await stack.enter_async_context(
            open_forwarder(
                options.targets,
                options.policy,
                clock=clock,
                emit=emit,
                record=lambda forward: record(forward) if forward.callback_id else None,
            )
        )


def _discard(_: object) -> None:
    """Store nothing."""
