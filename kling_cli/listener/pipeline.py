"""What happens to each callback: store, answer, then show, forward and verify.

The receiver calls `store` before it answers, and `enqueue` for each of its events,
which returns at once; `run` processes the queue.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final

import anyio
import anyio.lowlevel

from kling_cli.api import Task, TaskStatus
from kling_cli.callbacks import (
    CallbackAccepted,
    CallbackNotStored,
    CallbackRefused,
    ReceivedCallback,
    ReceiverEvent,
    Trust,
)
from kling_cli.jobs.events import Notice
from kling_cli.jobs.ingress import to_stored_callback
from kling_cli.listener.callback_writer import CallbackWriter
from kling_cli.listener.controls import Controls
from kling_cli.listener.events import CallbackReceived, Duplicate, ListenerEvent, Stale
from kling_cli.listener.forwarding.headers import masked_headers
from kling_cli.listener.options import EventFilter
from kling_cli.listener.rejections import RejectionLog
from kling_cli.listener.stop_conditions import StopTracker
from kling_cli.listener.task_states import TaskState, TaskStates, since_submit_s
from kling_cli.listener.verification import Verifier
from kling_cli.store import StoredCallback

BATCH_SIZE: Final = 16  # events processed before the event loop runs other tasks
_BATCH_FRACTION: Final = 4  # or a quarter of the queue, so that it cannot outgrow us


class CallbackPipeline:
    """Processes the receiver's events.

    `stop_tracker` decides when the listener stops. Without a `verifier` the API is not
    queried, and a callback's claim is taken as true.
    """

    def __init__(  # noqa: PLR0913 -- collaborators, by name
        self,
        writer: CallbackWriter,
        task_states: TaskStates,
        controls: Controls,
        *,
        emit: Callable[[ListenerEvent], None],
        stop_tracker: StopTracker,
        rejections: RejectionLog,
        event_filter: EventFilter,
        verifier: Verifier | None = None,
    ) -> None:
        self._writer = writer
        self._task_states = task_states
        self._controls = controls
        self._emit = emit
        self._stop_tracker = stop_tracker
        self._rejections = rejections
        self._event_filter = event_filter
        self._verifier = verifier
        self._queue: deque[ReceiverEvent] = deque()
        self._wakeup = anyio.Event()
        self._has_reported_error = False
        self.counts: Counter[str] = Counter()

    def store(self, received: ReceivedCallback) -> Awaitable[int]:
        """Store a callback; the result is its number, once it is stored.

        Raises:
            JournalError: it cannot be stored.
        """
        return self._writer.write(to_stored_callback(received))

    def enqueue(self, event: ReceiverEvent) -> None:
        """Queue an event of the receiver; returns at once."""
        self._queue.append(event)
        self._wakeup.set()

    async def run(self) -> None:
        """Process the queue, in order, until cancelled."""
        while True:
            await self._wakeup.wait()
            self._wakeup = anyio.Event()
            await anyio.lowlevel.checkpoint()  # the senders are answered first
            while self._queue:
                self.process(max(BATCH_SIZE, len(self._queue) // _BATCH_FRACTION))
                await anyio.lowlevel.checkpoint()

    def process(self, limit: int | None = None) -> None:
        """Process what is queued, at most `limit` events."""
        left = len(self._queue) if limit is None else min(limit, len(self._queue))
        for _ in range(left):
            self._handle(self._queue.popleft())

    def forward_synthetic(self, callback: StoredCallback) -> None:
        """Forward a synthetic callback in place of one that was missed."""
        if callback.task_id is None or not self._event_filter.matches(callback):
            return
        state = self._task_states.state_of(callback.task_id)
        state.synthetic_id = callback.id
        state.record_claim(TaskStatus(callback.status or "unknown"))
        self._forward(callback)
        self._stop_tracker.record_final_callback(callback.task_id, callback.external_id)

    def record_api_answer(self, task: Task) -> None:
        """Record what the API answered about a task."""
        state = self._task_states.state_of(task.id)
        state.record_api_status(task.status)
        if task.status.is_final:
            if state.claimed_status.is_final:
                self._stop_tracker.record_final_callback(task.id, task.external_id)
            else:
                self._stop_tracker.expect_final_callback(task.id, task.external_id)

    def _handle(self, event: ReceiverEvent) -> None:
        match event:
            case CallbackAccepted(received=received, number=number):
                self._accept(received, number or 0)
            case CallbackRefused():
                self._rejections.add(event)
            case CallbackNotStored(failure=failure):
                self._report_storage_failure(failure)

    def _accept(self, received: ReceivedCallback, number: int) -> None:
        state = self._task_states.state_of(
            received.payload.task_id if received.payload else ""
        )
        callback = to_stored_callback(received, number=number, product=state.product)
        if not self._event_filter.matches(callback):
            self.counts["filtered"] += 1
            return
        self.counts["callbacks"] += 1
        shown = replace(callback, headers=masked_headers(callback.headers))
        since_s = since_submit_s(received, state)
        self._emit(CallbackReceived(callback=shown, since_submit_s=since_s))
        is_new = self._classify(callback, state)
        if is_new or state.synthetic_id is None:
            self._forward(callback)
        self._verify(callback)
        self._stop_tracker.count(self.counts["callbacks"])

    def _classify(self, callback: StoredCallback, state: TaskState) -> bool:
        """Emit whether a callback is a duplicate or stale; return whether it is new."""
        status = TaskStatus(callback.status or "unknown")
        of = state.record_body(callback.raw, callback.id)
        if of is None and status.is_final and status is state.claimed_status:
            of = state.synthetic_id
        if of is not None:
            self.counts["duplicates"] += 1
            self._emit(Duplicate(number=callback.id, of=of))
        elif state.is_behind(status):
            self.counts["stale"] += 1
            stale = Stale(
                number=callback.id,
                task_id=callback.task_id or "",
                status=status.value,
                known=state.furthest.value,
            )
            self._emit(stale)
        else:
            state.record_claim(status)
            return True
        return False

    def _forward(self, callback: StoredCallback) -> None:
        self._controls.last_callback = callback
        self._controls.forward(callback)

    def _verify(self, callback: StoredCallback) -> None:
        """Queue a query to the API; without one, believe a claimed final status."""
        is_mock = callback.trust == Trust.MOCK
        if (
            not is_mock
            and self._verifier is not None
            and self._verifier.submit(callback)
        ):
            return
        if TaskStatus(callback.status or "unknown").is_final:
            self._stop_tracker.record_final_callback(
                callback.task_id or "", callback.external_id
            )

    def _report_storage_failure(self, failure: Exception) -> None:
        self.counts["unkept"] += 1
        if not self._has_reported_error:
            self._has_reported_error = True
            why = str(failure) or "the disk is too slow"
            hint = getattr(failure, "hint", None)
            self._emit(Notice(message=f"callbacks cannot be kept: {why}", hint=hint))
