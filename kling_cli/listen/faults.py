"""What can be wrong about the answer to a mock callback, and what to do. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from kling_cli.listen.courier import Outcome
from kling_cli.listen.diagnose import SLOW, Failure, diagnose, diagnose_silence
from kling_cli.listen.mock.scenarios import Delivery

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


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong, and what to do about it."""

    text: str
    hint: str | None = None


def wrong_status(one: Delivery, outcome: Outcome, expected: str) -> Fault | None:
    """Return what is wrong about a status, or that there is none.

    `expected` is one or several of `401`, `4xx`, with ` or ` between them.
    """
    is_after = "after what was spoilt: " if one.is_after else ""
    if outcome.failure is not None or outcome.status is None:
        return _silence(one, outcome, is_after)
    if any(_is_like(outcome.status, each) for each in expected.split(" or ")):
        return None
    text = f"{is_after}answered {outcome.status}, should be {expected}"
    if outcome.is_taken and one.is_forged:
        return Fault(f"{text}: a forged signature was let in", _CHECK)
    if outcome.is_taken and one.age:
        return Fault(f"{text}: an old signature was let in", _CHECK)
    if one.is_spoilt:
        return Fault(text, _REFUSE)
    return Fault(text, diagnose(outcome.status, location=outcome.location, number=0))


def lateness(outcome: Outcome, within_s: float | None) -> Fault | None:
    """Return that an answer came, but too late."""
    if within_s is None or outcome.status is None or outcome.duration_s <= within_s:
        return None
    took = f"answered after {outcome.duration_s:.2f} s"
    return Fault(f"{took}, should be within {within_s:g} s", SLOW)


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
    return Fault(text, _ANSWER_ALIKE)


def _silence(one: Delivery, outcome: Outcome, is_after: str) -> Fault | None:
    failure = outcome.failure or Failure.UNREACHABLE
    if one.has_no_end and failure is Failure.BROKEN_OFF:
        return None
    if failure is Failure.TIMEOUT:
        return Fault(f"{is_after}{failure.value}", SLOW)
    return Fault(f"{is_after}no answer ({failure.value})", diagnose_silence(failure))


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
