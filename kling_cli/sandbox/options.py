"""Options of a sandbox: speed, limits, credentials, faults."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kling_cli.clock import Clock, SystemClock
from kling_cli.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from kling_cli.sandbox.state.traffic_log import Exchange

DEFAULT_SLOTS = 5
DEFAULT_UNITS = 1000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxOptions:
    """The options of one sandbox.

    `port` 0 is any free one; when `port` is taken, `fallback_port` is tried. A task
    takes `task_seconds`, or as long as is usual for its model, divided by `speed`.
    `units` are in each pack, `slots` there are for each model. `webhook_secrets` sign
    callbacks, each of them (rotation). `fail` are rules of `faults.py`; `chaos` is the
    share of requests, from 0 to 1, that get a random fault. A `seed` makes ids,
    keys and chaos the same in every run. `on_request` is called with each request. With
    `has_seed_data`, the account is not empty: there is a video, and a voice and an
    element of its own.

    Raises:
        UsageError: a number is out of its range, or a secret is none.
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
    on_request: Callable[[Exchange], None] | None = None
    has_seed_data: bool = False

    def __post_init__(self) -> None:
        for is_good, message in (
            (self.speed > 0, f"speed {self.speed:g} is not above 0"),
            ((self.task_seconds or 0) >= 0, "a task cannot take less than no time"),
            (self.slots >= 0, "there cannot be fewer slots than none"),
            (self.units >= 0, "a pack cannot hold fewer units than none"),
            (0 <= self.chaos <= 1, f"chaos {self.chaos:g} is not between 0 and 1"),
        ):
            if not is_good:
                raise UsageError(message, hint="kling sandbox --help")
        for secret in self.webhook_secrets:
            _check_secret(secret)


def _check_secret(secret: str) -> None:
    """Refuse what cannot sign. Source: API reference, section 4.5."""
    try:
        key = base64.b64decode(secret.removeprefix("whsec_") + "==", validate=False)
    except (ValueError, binascii.Error):
        key = b""
    if not key:
        raise UsageError(
            "the webhook secret is not base64 after `whsec_`",
            hint='make one: echo "whsec_$(openssl rand -base64 32)"',
        )
