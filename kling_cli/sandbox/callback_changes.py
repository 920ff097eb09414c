"""A task's changes one after the other, each at its time."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kling_cli.sandbox.state.sandbox_state import World
    from kling_cli.sandbox.state.tasks import SandboxTask

MIN_DELAY_S = 2.0


class Changes:
    """Yields a task and the moment of each of its changes, when it is due.

    The task is looked at anew each time, for its times may have been moved by hand. A
    late teller is behind by as long as the task takes, two seconds at least.
    """

    def __init__(self, world: World, task_id: str, *, is_late: bool) -> None:
        self._world = world
        self._task_id = task_id
        self._is_late = is_late
        self._told = -inf
        self._is_over = False

    def __aiter__(self) -> Changes:
        return self

    async def __anext__(self) -> tuple[SandboxTask, float]:
        while not self._is_over:
            task = self._world.tasks[self._task_id]
            moment = min((at for at in task.changes if at > self._told), default=inf)
            due = self._due(task, moment)
            if due <= self._world.timeline.now_s():
                self._told = moment
                self._is_over = task.phase_at(moment).is_final
                return task, moment
            await self._world.timeline.change_by(due)
        raise StopAsyncIteration

    def _due(self, task: SandboxTask, moment: float) -> float:
        if not self._is_late:
            return moment
        return moment + max(MIN_DELAY_S, task.times.ended_at - task.times.created_at)
