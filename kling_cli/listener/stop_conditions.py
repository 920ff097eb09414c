"""Stop conditions of a listener: `--max-events` and `--until-final`."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final

from kling_cli.clock import Clock

FINAL_CALLBACK_GRACE_S: Final = 5.0  # for a callback that the API is ahead of


@dataclass(frozen=True, slots=True, kw_only=True)
class StopConditions:
    """When to stop: after a number of callbacks, or at the end of tasks."""

    max_events: int | None = None
    is_final: bool = False


class StopTracker:
    """Calls `stop` with a reason once a stop condition is met.

    Under `is_final` every task of `task_ids` must have ended; any one task will do if
    it is empty. A task has ended when its final callback was received. When the API
    reports a final status first, the callback is awaited for `FINAL_CALLBACK_GRACE_S`.
    """

    def __init__(
        self,
        conditions: StopConditions,
        task_ids: Collection[str],
        *,
        clock: Clock,
        stop: Callable[[str], None],
    ) -> None:
        self._conditions = conditions
        self._named = frozenset(task_ids)
        self._open = set(task_ids)
        self._clock = clock
        self._stop = stop
        self._overdue: dict[str, tuple[float, str | None]] = {}

    def count(self, n_callbacks: int) -> None:
        """Record how many callbacks were received so far."""
        if n_callbacks == self._conditions.max_events:
            self._stop("max-events")

    def record_final_callback(self, task_id: str, external_id: str | None) -> None:
        """Record that the final callback of a task was received."""
        self._overdue.pop(task_id, None)
        if not self._conditions.is_final:
            return
        if self._named:
            if not {task_id, external_id} & self._named:
                return
            self._open -= {task_id, external_id or task_id}
        if not self._open:
            self._stop("final")

    def expect_final_callback(self, task_id: str, external_id: str | None) -> None:
        """Record that a task has ended, and that its final callback is still due."""
        if self._conditions.is_final:
            due = self._clock.monotonic() + FINAL_CALLBACK_GRACE_S
            self._overdue.setdefault(task_id, (due, external_id))

    def tick(self) -> None:
        """Give up waiting for final callbacks whose grace period is over."""
        now = self._clock.monotonic()
        for task_id, (due, external_id) in list(self._overdue.items()):
            if now >= due:
                self.record_final_callback(task_id, external_id)
