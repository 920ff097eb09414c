"""The scenarios of `kling trigger`: which callbacks are sent, when, how invalid. Pure.

Each delivery states how a conforming handler answers it, which `--assert` checks.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final

from kling_cli.errors import UsageError
from kling_cli.listener.history.replay import set_value
from kling_cli.mock.payloads import MODERATION_MESSAGE, MockTask, callback_body

BURST_SIZE: Final = 50
OVERSIZE_BYTES: Final = 1024 * 1024 + 1  # one byte over the limit
JSON_DEPTH: Final = 20_000
SLOW_DELAY_S: Final = 3.0
OLD_SIGNATURE_AGE: Final = timedelta(minutes=10)  # twice what a receiver tolerates
_AGES_S: Final = {"submitted": 0, "processing": 2, "succeeded": 90, "failed": 90}
_UNKNOWN_TASK_ID: Final = "mock-nobody-knows-this-task"


class ExpectedStatus(StrEnum):
    """How a conforming handler answers; the value is what is shown."""

    ACCEPTED = "2xx"
    REFUSED = "4xx"
    EITHER = "2xx or 4xx"


@dataclass(frozen=True, slots=True, kw_only=True)
class MockDelivery:
    """A request to send: its body, the delay before it, how it is signed.

    `name` is what it is called in the output. `is_concurrent`: it is sent together with
    adjacent ones that are concurrent too. `may_disconnect`: the handler may close the
    connection before it has read the body. `is_recovery_check`: it follows an invalid
    callback, to see whether the handler still works.
    """

    raw: bytes
    name: str
    delay_s: float = 0.0
    message_id: str
    signature_age: timedelta = timedelta(0)
    expected: ExpectedStatus = ExpectedStatus.ACCEPTED
    is_forged: bool = False
    is_concurrent: bool = False
    may_disconnect: bool = False
    is_recovery_check: bool = False

    @property
    def is_invalid(self) -> bool:
        """Whether a conforming handler has a reason to refuse it."""
        return self.expected is not ExpectedStatus.ACCEPTED


BuildScenario = Callable[[MockTask], tuple[MockDelivery, ...]]


def scenario_names() -> tuple[str, ...]:
    """Return every scenario's name, the ordinary ones first."""
    return tuple(_SCENARIOS)


def build_scenario(
    name: str, mock: MockTask, changes: Mapping[str, Any]
) -> tuple[MockDelivery, ...]:
    """Return the deliveries of a scenario; `changes` set fields of every body.

    Raises:
        UsageError: There is no such scenario, or no field for a change.
    """
    build = _SCENARIOS.get(name)
    if build is None:
        raise UsageError(
            f"there is no scenario {name!r}",
            hint=f"one of {', '.join(scenario_names())}",
        )
    return build(replace(mock, changes=changes))


def custom_delivery(raw: bytes, mock: MockTask) -> tuple[MockDelivery, ...]:
    """Return the user's own body as the one delivery."""
    return (MockDelivery(raw=raw, name="own", message_id=f"msg_{mock.task_id}_own"),)


def recovery_check(mock: MockTask) -> MockDelivery:
    """Return a valid callback, to be sent after invalid ones."""
    return replace(
        _delivery(mock),
        name="afterwards",
        message_id=f"msg_{mock.task_id}_after",
        is_recovery_check=True,
    )


def _delivery(mock: MockTask, status: str = "succeeded") -> MockDelivery:
    body = callback_body(mock, status, age_s=_AGES_S[status])
    for key, value in mock.changes.items():
        set_value(body, key, value)
    return MockDelivery(
        raw=json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogatepass"),
        name=status,
        message_id=f"msg_{mock.task_id}_{status}",
    )


def _sequence(*statuses: str, pause_s: float = 0.0) -> BuildScenario:
    def build(mock: MockTask) -> tuple[MockDelivery, ...]:
        return tuple(
            replace(_delivery(mock, status), delay_s=pause_s if index else 0.0)
            for index, status in enumerate(statuses)
        )

    return build


def _output_kind(kind: str) -> BuildScenario:
    def build(mock: MockTask) -> tuple[MockDelivery, ...]:
        return (_delivery(replace(mock, kind=kind)),)

    return build


def _invalid(name: str, **fields: Any) -> BuildScenario:
    def build(mock: MockTask) -> tuple[MockDelivery, ...]:
        refused = ExpectedStatus.REFUSED
        return (replace(_delivery(mock), name=name, expected=refused, **fields),)

    return build


def _corrupted(name: str, corrupt: Callable[[bytes], bytes]) -> BuildScenario:
    def build(mock: MockTask) -> tuple[MockDelivery, ...]:
        (delivery,) = _invalid(name)(mock)
        return (replace(delivery, raw=corrupt(delivery.raw)),)

    return build


def _moderation(mock: MockTask) -> tuple[MockDelivery, ...]:
    return (_delivery(replace(mock, message=MODERATION_MESSAGE), "failed"),)


def _oversize(mock: MockTask) -> tuple[MockDelivery, ...]:
    """Return a valid body padded beyond the limit, which some handlers allow."""
    delivery = replace(_delivery(mock), name="oversize", may_disconnect=True)
    raw = delivery.raw.ljust(OVERSIZE_BYTES)
    return (replace(delivery, raw=raw, expected=ExpectedStatus.EITHER),)


def _unknown(mock: MockTask) -> tuple[MockDelivery, ...]:
    delivery = _delivery(replace(mock, task_id=_UNKNOWN_TASK_ID))
    return (replace(delivery, name="unknown-task"),)


def _burst(mock: MockTask) -> tuple[MockDelivery, ...]:
    tasks = [
        replace(mock, task_id=f"{mock.task_id}-{n}") for n in range(1, BURST_SIZE + 1)
    ]
    return tuple(replace(_delivery(each), is_concurrent=True) for each in tasks)


def _truncated(raw: bytes) -> bytes:
    return raw[: len(raw) // 2]


def _deeply_nested(_: bytes) -> bytes:
    return b'{"id":' + b"[" * JSON_DEPTH + b"]" * JSON_DEPTH + b"}"


_SCENARIOS: Final[Mapping[str, BuildScenario]] = {
    "submitted": _sequence("submitted"),
    "processing": _sequence("processing"),
    "succeeded": _sequence("succeeded"),
    "failed": _sequence("failed"),
    "failed-moderation": _moderation,
    "image": _output_kind("image"),
    "audio": _output_kind("audio"),
    "lifecycle": _sequence("submitted", "processing", "succeeded"),
    "duplicate": _sequence("succeeded", "succeeded"),
    "out-of-order": _sequence("processing", "submitted", "succeeded"),
    "late-processing": _sequence("submitted", "succeeded", "processing"),
    "slow": _sequence("submitted", "processing", "succeeded", pause_s=SLOW_DELAY_S),
    "oversize": _oversize,
    "malformed": _corrupted("malformed", _truncated),
    "deep-json": _corrupted("deep-json", _deeply_nested),
    "bad-signature": _invalid("bad-signature", is_forged=True),
    "old-timestamp": _invalid("old-timestamp", signature_age=OLD_SIGNATURE_AGE),
    "unknown-task": _unknown,
    "burst": _burst,
}
