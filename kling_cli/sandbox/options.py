"""What a sandbox can be started with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kling_cli.clock import Clock, SystemClock

if TYPE_CHECKING:
    from kling_cli.sandbox.ledger import Exchange

DEFAULT_SLOTS = 5
DEFAULT_UNITS = 1000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxOptions:
    """Everything that makes one sandbox differ from another.

    `port` 0 is any free one; when `port` is taken, `fallback_port` is tried. A task
    takes `task_seconds`, or as long as is usual for its model, divided by `speed`.
    `units` are in each pack, `slots` there are for each model. `webhook_secrets` sign
    callbacks, each of them (rotation). `fail` are rules of `faults.py`; `chaos` is the
    share of requests, from 0 to 1, that a random fault befalls. A `seed` makes ids,
    keys and chaos the same in every run. `tell` hears of each request.
    """

    port: int = 0
    fallback_port: int | None = None
    speed: float = 1.0
    task_seconds: float | None = None
    slots: int = DEFAULT_SLOTS
    units: float = DEFAULT_UNITS
    webhook_secrets: tuple[str, ...] = ()
    fail: tuple[str, ...] = ()
    chaos: float = 0.0
    seed: int | None = None
    api_key: str | None = None
    access_key: str | None = None
    secret_key: str | None = None
    clock: Clock = field(default_factory=SystemClock)
    tell: Callable[[Exchange], None] | None = None
