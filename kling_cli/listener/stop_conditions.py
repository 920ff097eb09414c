"""When a listener has heard enough: `--max-events` and `--until-final`."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final

from kling_cli.clock import Clock

FINAL_CALLBACK_GRACE_S: Final = (
    5.0  # for the callback of an end that the API tells of before it
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StopConditions:
    """When enough has come: a number of callbacks, or the end of the tasks."""

    max_events: int | None = None
    is_final: bool = False


class StopTracker:
    """Calls `stop` with a reason when enough has come.

    Under `is_final` every task of `task_ids` must have ended; one will do without any.
    A task has ended when its last callback has come: that is what a listener is for.
    Where the API says that a task is over, its callback is waited for a little.
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
        """Note how many callbacks have come so far."""
        if n_callbacks == self._conditions.max_events:
            self._stop("max-events")

    def record_final_callback(self, task_id: str, external_id: str | None) -> None:
        """Note that the last callback of a task has come."""
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
        """Note that a task is over, and that its callback is still to come."""
        if self._conditions.is_final:
            due = self._clock.monotonic() + FINAL_CALLBACK_GRACE_S
            self._overdue.setdefault(task_id, (due, external_id))

    def tick(self) -> None:
        """Wait no more for what should have come by now."""
        now = self._clock.monotonic()
        for task_id, (due, external_id) in list(self._overdue.items()):
            if now >= due:
                self.record_final_callback(task_id, external_id)
