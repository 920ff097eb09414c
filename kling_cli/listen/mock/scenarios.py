"""The scenarios of `kling trigger`: which callbacks come, when, how spoilt. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

from kling_cli.errors import UsageError
from kling_cli.listen.changes import put
from kling_cli.listen.mock.shapes import MODERATION, Mock, shape

BURST: Final = 50
OVERSIZE: Final = 1024 * 1024 + 1  # one byte more than a callback may have
DEPTH: Final = 20_000
SLOW_S: Final = 3.0
OLD: Final = timedelta(minutes=10)  # twice what a receiver tolerates
_NOBODY: Final = "mock-nobody-knows-this-task"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A request to send: its body, how long to wait before it, how it is signed.

    `is_refusable`: a sound handler may answer 4xx as well as 2xx.
    """

    raw: bytes
    delay_s: float = 0.0
    message_id: str
    age: timedelta = timedelta(0)
    is_forged: bool = False
    is_refusable: bool = False


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
    return (Delivery(raw=raw, message_id=f"msg_{mock.task_id}_own"),)


def _one(mock: Mock, status: str, changes: Changes, age_s: int = 0) -> Delivery:
    body = shape(mock, status, age_s=age_s)
    for key, value in changes.items():
        put(body, key, value)
    return Delivery(
        raw=json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogatepass"),
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


def _spoilt(**how: Any) -> Make:
    def make(mock: Mock, changes: Changes) -> tuple[Delivery, ...]:
        return (replace(_one(mock, "succeeded", changes, 90), **how),)

    return make


def _moderation(mock: Mock, changes: Changes) -> tuple[Delivery, ...]:
    return (_one(replace(mock, message=MODERATION), "failed", changes, 90),)


def _oversize(mock: Mock, changes: Changes) -> tuple[Delivery, ...]:
    one = _one(mock, "succeeded", changes, 90)
    return (replace(one, raw=one.raw.ljust(OVERSIZE), is_refusable=True),)


def _malformed(mock: Mock, changes: Changes) -> tuple[Delivery, ...]:
    one = _one(mock, "succeeded", changes, 90)
    return (replace(one, raw=one.raw[: len(one.raw) // 2], is_refusable=True),)


def _deep(mock: Mock, changes: Changes) -> tuple[Delivery, ...]:
    raw = b'{"id":' + b"[" * DEPTH + b"]" * DEPTH + b"}"
    return (replace(_one(mock, "succeeded", changes), raw=raw, is_refusable=True),)


def _unknown(mock: Mock, changes: Changes) -> tuple[Delivery, ...]:
    one = _one(replace(mock, task_id=_NOBODY), "succeeded", changes, 90)
    return (replace(one, is_refusable=True),)


def _burst(mock: Mock, changes: Changes) -> tuple[Delivery, ...]:
    return tuple(
        _one(replace(mock, task_id=f"{mock.task_id}-{n}"), "succeeded", changes, 90)
        for n in range(1, BURST + 1)
    )


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
    "malformed": _malformed,
    "deep-json": _deep,
    "bad-signature": _spoilt(is_forged=True, is_refusable=True),
    "old-timestamp": _spoilt(age=OLD, is_refusable=True),
    "unknown-task": _unknown,
    "burst": _burst,
}
