"""The account: resource packs, their units and their concurrency slots.

Source: API reference, sections 2.11, 5.3 and 6, read 2026-10-04.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kling_cli.sandbox.state.tasks import SandboxTask

DAY_S = 86_400
PACK_LIFE_S = 92 * DAY_S
PACK_AGE_S = 30 * DAY_S  # of an account that has been used before
PACKS = ("video", "image", "try_on")


class Charged(Protocol):
    """What is paid for with units of a pack, once it has succeeded."""

    @property
    def pack(self) -> str: ...

    def charge_at(self, moment: float) -> float: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargedCall:
    """A request that was answered at once, and paid for at once."""

    id: str
    name: str
    pack: str
    units: float
    made_at: float

    def charge_at(self, moment: float) -> float:
        return self.units if moment >= self.made_at else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What has been bought: for each type of pack the same units and slots.

    Slots are counted for each model and type of pack; a failed task costs nothing.
    """

    units: float
    slots: int
    bought_at: float

    def remaining(self, pack: str, charged: Iterable[Charged], now: float) -> float:
        """Return the units left in the pack of this type, never below zero."""
        mine = (each for each in charged if each.pack == pack)
        return max(0.0, round(self.units - sum(e.charge_at(now) for e in mine), 4))

    def has_slots(
        self, new: SandboxTask, tasks: Iterable[SandboxTask], now: float
    ) -> bool:
        """Say whether `new` can run beside `tasks`."""
        return self._taken(new, tasks, now) + new.slots <= self.slots

    def _taken(self, new: SandboxTask, tasks: Iterable[SandboxTask], now: float) -> int:
        kind = (new.plan.model.id, new.pack)
        return sum(
            task.slots
            for task in tasks
            if (task.plan.model.id, task.pack) == kind
            and not task.phase_at(now).is_final
        )

    def pack_info(
        self, pack: str, charged: Iterable[Charged], now: float
    ) -> dict[str, Any]:
        """Return one pack as `GET /account/costs` lists it."""
        left = self.remaining(pack, charged, now)
        is_expired = now >= self.bought_at + PACK_LIFE_S
        status = "expired" if is_expired else "online" if left else "runOut"
        return {
            "resource_pack_name": f"Sandbox-{pack}-{self.units:g}Units-{self.slots}Con",
            "resource_pack_id": pack_id(pack),
            "resource_pack_type": "decreasing_total",
            "total_quantity": float(self.units),
            "remaining_quantity": left,
            "purchase_time": int(self.bought_at * 1000),
            "effective_time": int(self.bought_at * 1000),
            "invalid_time": int((self.bought_at + PACK_LIFE_S) * 1000),
            "status": status,
        }


def pack_id(pack: str) -> str:
    return f"sandbox{pack:0>25}"
