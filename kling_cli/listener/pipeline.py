"""From the door to everybody who wants to know: keep, answer, then work.

The door calls `keep` before it answers and `hear` as it does; `hear` only puts things
on a pile. What there is to do about a callback is done by `run`.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
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
from kling_cli.jobs.ingress.listener import to_stored
from kling_cli.listener.callback_writer import CallbackWriter
from kling_cli.listener.controls import Controls
from kling_cli.listener.events import CallbackReceived, Duplicate, ListenerEvent, Stale
from kling_cli.listener.forwarding.headers import masked_headers
from kling_cli.listener.rejections import RejectionLog
from kling_cli.listener.stop_conditions import StopTracker
from kling_cli.listener.task_states import TaskState, TaskStates, since_submit_s
from kling_cli.listener.verification import Verifier
from kling_cli.store import StoredCallback

BATCH_SIZE: Final = 16  # callbacks worked on before everybody else gets a turn
_BATCH_FRACTION: Final = (
    4  # or this part of what has piled up, so that it cannot grow for ever
)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFilter:
    """Which callbacks are shown and passed on; all are kept. Empty means any."""

    task_ids: frozenset[str] = frozenset()
    statuses: frozenset[str] = frozenset()

    def has(self, kept: StoredCallback) -> bool:
        is_task = not self.task_ids or bool(
            {kept.task_id, kept.external_id} & self.task_ids
        )
        return is_task and (not self.statuses or kept.status in self.statuses)


class CallbackPipeline:
    """Works on what comes through the door.

    `endings` hears of what has come, and says when it is enough. `verifier` None means
    that the API is not asked, so that a callback's word must do.
    """

    def __init__(  # noqa: PLR0913 -- collaborators, by name
        self,
        keeper: CallbackWriter,
        known: TaskStates,
        controls: Controls,
        *,
        tell: Callable[[ListenerEvent], None],
        endings: StopTracker,
        rejections: RejectionLog,
        wanted: EventFilter,
        verifier: Verifier | None = None,
    ) -> None:
        self._keeper = keeper
        self._known = known
        self._controls = controls
        self._tell = tell
        self._endings = endings
        self._rejections = rejections
        self._wanted = wanted
        self._verifier = verifier
        self._pile: deque[ReceiverEvent] = deque()
        self._bell = anyio.Event()
        self._is_ill = False
        self.counts: Counter[str] = Counter()

    def keep(self, received: ReceivedCallback) -> Awaitable[int]:
        """Return the number under which a callback is kept, once it is.

        Raises:
            JournalError: it cannot be kept.
        """
        return self._keeper.keep(to_stored(received))

    def hear(self, event: ReceiverEvent) -> None:
        """Take what the door tells; returns at once."""
        self._pile.append(event)
        self._bell.set()

    async def run(self) -> None:
        """Work on what was heard, in order, until cancelled."""
        while True:
            await self._bell.wait()
            self._bell = anyio.Event()
            await anyio.lowlevel.checkpoint()  # those who are told now are answered
            while self._pile:
                self.work(max(BATCH_SIZE, len(self._pile) // _BATCH_FRACTION))
                await anyio.lowlevel.checkpoint()

    def work(self, most: int | None = None) -> None:
        """Work on what was heard so far, `most` of it if so asked."""
        left = len(self._pile) if most is None else min(most, len(self._pile))
        for _ in range(left):
            self._handle(self._pile.popleft())

    def stand_in(self, kept: StoredCallback) -> None:
        """Take a callback that was made up in place of one that was missed."""
        if kept.task_id is None or not self._wanted.has(kept):
            return
        known = self._known.task(kept.task_id)
        known.made_up = kept.id
        known.learn(TaskStatus(kept.status or "unknown"))
        self._pass_on(kept)
        self._endings.heard(kept.task_id, kept.external_id)

    def confirm(self, task: Task) -> None:
        """Take an answer of the API."""
        known = self._known.task(task.id)
        known.confirm(task.status)
        if task.status.is_final:
            has_come = known.status.is_final
            note = self._endings.heard if has_come else self._endings.expect
            note(task.id, task.external_id)

    def _handle(self, event: ReceiverEvent) -> None:
        match event:
            case CallbackAccepted(received=received, number=number):
                self._arrived(received, number or 0)
            case CallbackRefused():
                self._rejections.add(event)
            case CallbackNotStored(failure=failure):
                self._not_kept(failure)

    def _arrived(self, received: ReceivedCallback, number: int) -> None:
        known = self._known.task(received.hint.task_id if received.hint else "")
        kept = to_stored(received, number=number, product=known.product)
        if not self._wanted.has(kept):
            self.counts["filtered"] += 1
            return
        self.counts["callbacks"] += 1
        self._tell(_received_event(kept, since_submit_s(received, known)))
        is_news = self._compare(kept, known)
        if is_news or known.made_up is None:
            self._pass_on(kept)
        self._check(kept)
        self._endings.count(self.counts["callbacks"])

    def _compare(self, kept: StoredCallback, known: TaskState) -> bool:
        """Say when a callback repeats or lags behind; return whether it is news."""
        status = TaskStatus(kept.status or "unknown")
        of = known.first_with(kept.raw, kept.id)
        if of is None and status.is_final and status is known.status:
            of = known.made_up
        if of is not None:
            self.counts["duplicates"] += 1
            self._tell(Duplicate(number=kept.id, of=of))
        elif known.is_behind(status):
            self.counts["stale"] += 1
            stale = Stale(
                number=kept.id,
                task_id=kept.task_id or "",
                status=status.value,
                known=known.furthest.value,
            )
            self._tell(stale)
        else:
            known.learn(status)
            return True
        return False

    def _pass_on(self, kept: StoredCallback) -> None:
        self._controls.last = kept
        self._controls.pass_on(kept)

    def _check(self, kept: StoredCallback) -> None:
        """Have the API asked; where it is not, an end that is claimed is one."""
        is_mock = kept.trust == Trust.MOCK
        if not is_mock and self._verifier is not None and self._verifier.submit(kept):
            return
        if TaskStatus(kept.status or "unknown").is_final:
            self._endings.heard(kept.task_id or "", kept.external_id)

    def _not_kept(self, failure: Exception) -> None:
        self.counts["unkept"] += 1
        if not self._is_ill:
            self._is_ill = True
            why = str(failure) or "the disk is too slow"
            hint = getattr(failure, "hint", None)
            self._tell(Notice(message=f"callbacks cannot be kept: {why}", hint=hint))


def _received_event(kept: StoredCallback, since_s: float | None) -> CallbackReceived:
    return CallbackReceived(
        number=kept.id,
        received_at=kept.received_at,
        product=kept.product,
        task_id=kept.task_id,
        external_id=kept.external_id,
        status=kept.status,
        trust=kept.trust,
        headers=masked_headers(kept.headers),
        raw=kept.raw,
        since_submit_s=since_s,
    )
