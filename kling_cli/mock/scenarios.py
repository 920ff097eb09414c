"""The scenarios of `kling trigger`: which callbacks come, when, how spoilt. Pure.

Beside each delivery stands how a sound handler answers it, which `--assert` judges by.
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
from kling_cli.mock.payloads import MODERATION, Mock, shape

BURST: Final = 50
OVERSIZE: Final = 1024 * 1024 + 1  # one byte more than a callback may have
DEPTH: Final = 20_000
SLOW_S: Final = 3.0
OLD: Final = timedelta(minutes=10)  # twice what a receiver tolerates
_NOBODY: Final = "mock-nobody-knows-this-task"


class Expected(StrEnum):
    """How a sound handler answers; the value is what is shown."""

    TAKEN = "2xx"
    REFUSED = "4xx"
    EITHER = "2xx or 4xx"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A request to send: its body, how long to wait before it, how it is signed.

    `name` says what it is. `is_at_once`: it goes out together with its neighbours that
    have this too. `has_no_end`: the receiver may hang up before it has read the body.
    `is_after`: it comes after what is spoilt, to see whether the handler still works.
    """

    raw: bytes
    name: str
    delay_s: float = 0.0
    message_id: str
    age: timedelta = timedelta(0)
    expected: Expected = Expected.TAKEN
    is_forged: bool = False
    is_at_once: bool = False
    has_no_end: bool = False
    is_after: bool = False

    @property
    def is_spoilt(self) -> bool:
        """Whether a sound handler has a reason to refuse it."""
        return self.expected is not Expected.TAKEN


Changes = Mapping[str, Any]
Make = Callable[[Mock, Changes], tuple[Delivery, ...]]


def names() -> tuple[str, ...]:
    """Return every scenario's name, the everyday ones first."""
    return tuple(_SCENARIOS)


def scenario(name: str, mock: Mock, changes: Changes) -> tuple[Delivery, ...]:
    """Return what is sent; `changes` are fields of every body, by dotted key.

    Raises:
        UsageError: There is no such scenario, or no place for a change.
    """
    make = _SCENARIOS.get(name)
    if make is None:
        raise UsageError(
            f"there is no scenario {name!r}", hint=f"one of {', '.join(names())}"
        )
    return make(mock, changes)


def custom(raw: bytes, mock: Mock) -> tuple[Delivery, ...]:
    """Return a body of the person's own as the one delivery."""
    return (Delivery(raw=raw, name="own", message_id=f"msg_{mock.task_id}_own"),)


def reachability_check(mock: Mock) -> Delivery:
    """Return a sound callback, to be sent after spoilt ones."""
    one = _one(mock, "succeeded", {}, 90)
    message_id = f"msg_{mock.task_id}_after"
    return replace(one, name="afterwards", message_id=message_id, is_after=True)


def _one(mock: Mock, status: str, changes: Changes, age_s: int = 0) -> Delivery:
    body = shape(mock, status, age_s=age_s)
    for key, value in changes.items():
        set_value(body, key, value)
    return Delivery(
        raw=json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogatepass"),
        name=status,
        message_id=f"msg_{mock.task_id}_{status}",
    )


def _sequence(*statuses: str, pause_s: float = 0.0) -> Make:
    ages = {"submitted": 0, "processing": 2, "succeeded": 90, "failed": 90}

    def make(mock: Mock, changes: Changes) -> tuple[Delivery, ...]:
        return tuple(
            replace(
                _one(mock, status, changes, ages[status]),
                delay_s=pause_s if index else 0.0,
            )
            for index, status in enumerate(statuses)
        )

    return make


def _of_kind(kind: str) -> Make:
    def make(mock: Mock, changes: Changes) -> tuple[Delivery, ...]:
        return (_one(replace(mock, kind=kind), "succeeded", changes, 90),)

    return make


def _spoilt(name: str, **how: Any) -> Make:
    def make(mock: Mock, changes: Changes) -> tuple[Delivery, ...]:
        one = _one(mock, "succeeded", changes, 90)
        return (replace(one, name=name, expected=Expected.REFUSED, **how),)

    return make


def _cut(name: str, cut: Callable[[bytes], bytes]) -> Make:
    def make(mock: Mock, changes: Changes) -> tuple[Delivery, ...]:
        (one,) = _spoilt(name)(mock, changes)
        return (replace(one, raw=cut(one.raw)),)

    return make


def _moderation(mock: Mock, changes: Changes) -> tuple[Delivery, ...]:
    return (_one(replace(mock, message=MODERATION), "failed", changes, 90),)


def _oversize(mock: Mock, changes: Changes) -> tuple[Delivery, ...]:
    """Return a sound body with too much space behind it: some limits allow for it."""
    one = _one(mock, "succeeded", changes, 90)
    raw = one.raw.ljust(OVERSIZE)
    either = Expected.EITHER
    return (replace(one, name="oversize", raw=raw, expected=either, has_no_end=True),)


def _unknown(mock: Mock, changes: Changes) -> tuple[Delivery, ...]:
    one = _one(replace(mock, task_id=_NOBODY), "succeeded", changes, 90)
    return (replace(one, name="unknown-task"),)


def _burst(mock: Mock, changes: Changes) -> tuple[Delivery, ...]:
    tasks = [replace(mock, task_id=f"{mock.task_id}-{n}") for n in range(1, BURST + 1)]
    return tuple(
        replace(_one(each, "succeeded", changes, 90), is_at_once=True) for each in tasks
    )


def _half(raw: bytes) -> bytes:
    return raw[: len(raw) // 2]


def _deep(_: bytes) -> bytes:
    return b'{"id":' + b"[" * DEPTH + b"]" * DEPTH + b"}"


_SCENARIOS: Final[Mapping[str, Make]] = {
    "submitted": _sequence("submitted"),
    "processing": _sequence("processing"),
    "succeeded": _sequence("succeeded"),
    "failed": _sequence("failed"),
    "failed-moderation": _moderation,
    "image": _of_kind("image"),
    "audio": _of_kind("audio"),
    "lifecycle": _sequence("submitted", "processing", "succeeded"),
    "duplicate": _sequence("succeeded", "succeeded"),
    "out-of-order": _sequence("processing", "submitted", "succeeded"),
    "late-processing": _sequence("submitted", "succeeded", "processing"),
    "slow": _sequence("submitted", "processing", "succeeded", pause_s=SLOW_S),
    "oversize": _oversize,
    "malformed": _cut("malformed", _half),
    "deep-json": _cut("deep-json", _deep),
    "bad-signature": _spoilt("bad-signature", is_forged=True),
    "old-timestamp": _spoilt("old-timestamp", age=OLD),
    "unknown-task": _unknown,
    "burst": _burst,
}
