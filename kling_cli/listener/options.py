"""The parsed options of `kling listen`."""

from __future__ import annotations

from dataclasses import dataclass, field

from kling_cli.listener.forwarding.delivery import ForwardingPolicy
from kling_cli.listener.forwarding.targets import Target
from kling_cli.listener.stop_conditions import StopConditions
from kling_cli.store import StoredCallback


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFilter:
    """Which callbacks are shown and forwarded; all are stored. Empty means any."""

    task_ids: frozenset[str] = frozenset()
    statuses: frozenset[str] = frozenset()

    def matches(self, callback: StoredCallback) -> bool:
        is_task = not self.task_ids or bool(
            {callback.task_id, callback.external_id} & self.task_ids
        )
        return is_task and (not self.statuses or callback.status in self.statuses)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenOptions:
    """All options of a listener. `tunnel` is a value of `--tunnel`.

    Callbacks are answered with `status` after `delay_s`. `timeout_s` None means no
    limit. With `is_stdout_reserved` the command's stdout goes to stderr.
    """

    port: int = 0
    tunnel: str = "auto"
    callback_url: str | None = None
    is_tokenless: bool = False
    is_rotating_token: bool = False
    has_history: bool = True
    event_filter: EventFilter = field(default_factory=EventFilter)
    stop_conditions: StopConditions = field(default_factory=StopConditions)
    timeout_s: float | None = None
    status: int = 200
    delay_s: float = 0.0
    command: tuple[str, ...] = ()
    is_stdout_reserved: bool = False
    targets: tuple[Target, ...] = ()
    policy: ForwardingPolicy = field(default_factory=ForwardingPolicy)
