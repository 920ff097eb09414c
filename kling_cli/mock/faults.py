"""What can be wrong about the answer to a mock callback, and what to do. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from kling_cli.listener.courier import Outcome
from kling_cli.listener.diagnose import SLOW, Failure, diagnose, diagnose_silence
from kling_cli.mock.scenarios import Delivery

_LONGEST: Final = 60  # characters of an answer that are shown
_CHECK: Final = (
    "compute the Standard Webhooks signature over the raw bytes, compare it, refuse"
    " a timestamp older than 5 minutes, and answer 401"
)
_REFUSE: Final = "answer 400 to what makes no sense, and go on"
_ANSWER_ALIKE: Final = (
    "tell tasks by their id, and answer a repeat as the first; a number or a time in"
    " the answer that changes is a difference too"
)


class Promise(StrEnum):
    """What `--assert` holds a handler to, one at a time; the value is JSON's."""

    ANSWER = "answer"
    REFUSAL = "refusal"
    RECOVERY = "recovery"
    TIME = "time"
    IDEMPOTENCE = "idempotence"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong, what to do about it, and which promise it breaks."""

    text: str
    hint: str | None = None
    breaks: Promise = Promise.ANSWER


def promise_about(one: Delivery) -> Promise:
    """Return which promise the status of an answer keeps or breaks."""
    if one.is_after:
        return Promise.RECOVERY
    return Promise.REFUSAL if one.is_spoilt else Promise.ANSWER


def wrong_status(one: Delivery, outcome: Outcome, expected: str) -> Fault | None:
    """Return what is wrong about a status, or that there is none.

    `expected` is one or several of `401`, `4xx`, with ` or ` between them.
    """
    is_after = "after an invalid callback: " if one.is_after else ""
    if outcome.failure is not None or outcome.status is None:
        return _silence(one, outcome, is_after)
    if any(_is_like(outcome.status, each) for each in expected.split(" or ")):
        return None
    text = f"{is_after}answered {outcome.status}, should be {expected}"
    promise = promise_about(one)
    if outcome.is_taken and one.is_forged:
        return Fault(f"{text}: a forged signature was accepted", _CHECK, promise)
    if outcome.is_taken and one.age:
        return Fault(f"{text}: an old signature was accepted", _CHECK, promise)
    if one.is_spoilt:
        return Fault(text, _REFUSE, promise)
    hint = diagnose(outcome.status, location=outcome.location, number=0)
    return Fault(text, hint, promise)


def lateness(outcome: Outcome, within_s: float | None) -> Fault | None:
    """Return that an answer came, but too late."""
    if within_s is None or outcome.status is None or outcome.duration_s <= within_s:
        return None
    took = f"answered after {outcome.duration_s:.2f} s"
    return Fault(f"{took}, should be within {within_s:g} s", SLOW, Promise.TIME)


def difference(outcome: Outcome, number: int, first: Outcome) -> Fault | None:
    """Return how an answer differs from `first`, that to the same delivery before.

    The order of keys and the white space of JSON are nothing.
    """
    if outcome.status is None or first.status is None:
        return None
    if outcome.status != first.status:
        now, before = str(outcome.status), str(first.status)
    elif _meaning(outcome.body) != _meaning(first.body):
        now, before = _shortened(outcome.body), _shortened(first.body)
    else:
        return None
    text = f"answered {now}, where the same got {before} in delivery {number}"
    return Fault(text, _ANSWER_ALIKE, Promise.IDEMPOTENCE)


def _silence(one: Delivery, outcome: Outcome, is_after: str) -> Fault | None:
    failure = outcome.failure or Failure.UNREACHABLE
    if one.has_no_end and failure is Failure.BROKEN_OFF:
        return None
    if failure is Failure.TIMEOUT:
        return Fault(f"{is_after}{failure.value}", SLOW, promise_about(one))
    text = f"{is_after}no answer ({failure.value})"
    return Fault(text, diagnose_silence(failure), promise_about(one))


def _is_like(status: int, pattern: str) -> bool:
    return pattern in (str(status), f"{status // 100}xx")


def _meaning(body: bytes) -> Any:
    try:
        return json.dumps(json.loads(body), sort_keys=True)
    except (ValueError, RecursionError):
        return body


def _shortened(body: bytes) -> str:
    text = body.decode("utf-8", "replace")
    return repr(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…")
