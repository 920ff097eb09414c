"""The sandbox's one account: its packs, and the slots they give.

Source: API reference, sections 2.11, 5.3 and 6, read 2026-10-04.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kling_cli.sandbox.answers import Refusal, refusal

if TYPE_CHECKING:
    from kling_cli.sandbox.task import SandboxTask

DAY_S = 86_400
PACK_LIFE_S = 92 * DAY_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What has been bought: for each type of pack the same units and slots.

    Slots are counted for each model and type of pack; a failed task costs nothing.
    """

    units: float
    slots: int
    bought_at: float

    def remaining(self, pack: str, tasks: Iterable[SandboxTask], now: float) -> float:
        """Return the units left in the pack of this type, never below zero."""
        mine = (task for task in tasks if task.plan.product.pack == pack)
        return max(0.0, round(self.units - sum(t.charge_at(now) for t in mine), 4))

    def refuses(
        self, new: SandboxTask, tasks: Iterable[SandboxTask], now: float
    ) -> Refusal | None:
        """Return why `new` cannot be started beside `tasks`, or None."""
        others = list(tasks)
        if self.remaining(new.plan.product.pack, others, now) <= 0:
            return refusal(1102)
        if self._taken(new, others, now) + new.slots > self.slots:
            return refusal(1303)
        return None

    def _taken(self, new: SandboxTask, tasks: Iterable[SandboxTask], now: float) -> int:
        kind = (new.plan.model.id, new.plan.product.pack)
        return sum(
            task.slots
            for task in tasks
            if (task.plan.model.id, task.plan.product.pack) == kind
            and not task.phase_at(now).is_final
        )

    def pack_info(
        self, pack: str, tasks: Iterable[SandboxTask], now: float
    ) -> dict[str, Any]:
        """Return one pack as `GET /account/costs` lists it."""
        left = self.remaining(pack, tasks, now)
        is_expired = now >= self.bought_at + PACK_LIFE_S
        status = "expired" if is_expired else "online" if left else "runOut"
        return {
            "resource_pack_name": f"Sandbox-{pack}-{self.units:g}Units-{self.slots}Con",
            "resource_pack_id": f"sandbox{pack:0>25}",
            "resource_pack_type": "decreasing_total",
            "total_quantity": float(self.units),
            "remaining_quantity": left,
            "purchase_time": int(self.bought_at * 1000),
            "effective_time": int(self.bought_at * 1000),
            "invalid_time": int((self.bought_at + PACK_LIFE_S) * 1000),
            "status": status,
        }
