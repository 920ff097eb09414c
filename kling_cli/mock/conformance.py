"""Checks how a handler answers mock callbacks, and says what to mend. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from kling_cli.errors import TaskFailedError, UnreachableError, UsageError
from kling_cli.listener.forwarding.delivery import (
    DEFAULT_TIMEOUT_S,
    SLOW_HANDLER_HINT,
    DeliveryFailure,
    DeliveryOutcome,
    failure_hint,
    status_hint,
)
from kling_cli.mock.scenarios import ExpectedStatus, MockDelivery

_MAX_BODY_CHARS: Final = 60  # of an answer
_SIGNATURE_HINT: Final = (
    "compute the Standard Webhooks signature over the raw bytes, compare it, refuse"
    " a timestamp older than 5 minutes, and answer 401"
)
_REFUSAL_HINT: Final = "answer 400 to what makes no sense, and go on"
_IDEMPOTENCE_HINT: Final = (
    "tell tasks by their id, and answer a repeat as the first; a number or a time in"
    " the answer that changes is a difference too"
)
EXCERPT_CHARS: Final = 120  # of an answer
MAX_LISTED: Final = 5  # faults named in the message; the JSON has them all
_SECONDS: Final = re.compile(r"(\d{1,4}(?:\.\d{1,3})?)s")
_STATUS: Final = re.compile(r"[1-5](?:\d\d|xx)")
_UNREACHED: Final = frozenset(DeliveryFailure) - {
    DeliveryFailure.TIMEOUT,
    DeliveryFailure.DISCONNECTED,
}


class ConformanceError(TaskFailedError):
    """A handler did not answer as expected: its test has failed."""


class HandlerUnreachableError(UnreachableError):
    """Nothing was tested: no handler was reached at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectations:
    """What `--assert` expects of a handler.

    `is_strict`: invalid callbacks must be refused, and the handler work afterwards.
    `statuses` are the only ones allowed, whatever is sent: `401`, `4xx`.
    """

    is_strict: bool = False
    statuses: tuple[str, ...] = ()
    within_s: float | None = None
    is_idempotent: bool = False

    @property
    def response_timeout_s(self) -> float:
        """How long to wait for an answer: beyond the limit, to say how late it is."""
        if self.within_s is None:
            return DEFAULT_TIMEOUT_S
        return max(self.within_s, min(2 * self.within_s, DEFAULT_TIMEOUT_S))


def parse_expectations(text: str | None) -> Expectations:
    """Parse the value of `--assert`.

    Raises:
        UsageError: A word means nothing, or two of them exclude each other.
    """
    if text is None:
        return Expectations()
    expectations = Expectations(is_strict=True)
    words = [word.strip() for word in text.split(",")]
    for word in words:
        if seconds := _SECONDS.fullmatch(word):
            expectations = replace(expectations, within_s=float(seconds[1]))
        elif word == "idempotent":
            expectations = replace(expectations, is_idempotent=True)
        elif word != ExpectedStatus.ACCEPTED and _STATUS.fullmatch(word):
            statuses = (*expectations.statuses, word)
            expectations = replace(expectations, statuses=statuses)
        elif word != ExpectedStatus.ACCEPTED:
            raise _assert_error(text, f"{word!r} is nothing that can be asserted")
    if expectations.statuses and ExpectedStatus.ACCEPTED in words:
        raise _assert_error(text, "2xx and another status exclude each other")
    return expectations


def _assert_error(text: str, why: str) -> UsageError:
    return UsageError(f"--assert {text}: {why}", hint="--assert 2xx,5s,idempotent")


class Promise(StrEnum):
    """What `--assert` checks about a handler; the value is what JSON has."""

    ANSWER = "answer"
    REFUSAL = "refusal"
    RECOVERY = "recovery"
    TIME = "time"
    IDEMPOTENCE = "idempotence"


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of an answer, what to do about it, and which promise it breaks."""

    text: str
    hint: str | None = None
    breaks: Promise = Promise.ANSWER


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedDelivery:
    """A delivery with its outcome; `faults` is empty when that is as expected."""

    number: int
    delivery: MockDelivery
    outcome: DeliveryOutcome
    expected: str
    faults: tuple[Fault, ...] = ()
    is_repeat: bool = False

    @property
    def has_no_answer(self) -> bool:
        """Whether an expected answer is missing, which breaks every promise."""
        return bool(self.faults) and self.outcome.status is None

    def is_about(self, promise: Promise, expectations: Expectations) -> bool:
        """Return whether this delivery tests `promise`."""
        if promise is Promise.TIME:
            return expectations.within_s is not None
        if promise is Promise.IDEMPOTENCE:
            return expectations.is_idempotent and self.is_repeat
        return promise is status_promise(self.delivery)

    def breaks(self, promise: Promise) -> bool:
        """Return whether the answer, or its absence, breaks `promise`."""
        return self.has_no_answer or any(
            fault.breaks is promise for fault in self.faults
        )

    @property
    def description(self) -> str:
        """The faults, as a line."""
        faults = "; ".join(fault.text for fault in self.faults)
        text = f"delivery {self.number} ({self.delivery.name}): {faults}"
        if self.outcome.is_success or not self.outcome.excerpt:
            return text
        return f"{text} | {' '.join(self.outcome.excerpt.split())[:EXCERPT_CHARS]}"


def check_deliveries(
    answers: Mapping[int, tuple[MockDelivery, DeliveryOutcome]],
    expectations: Expectations,
    *,
    is_signed: bool,
) -> list[CheckedDelivery]:
    """Return each delivery, by number, with the faults of its answer."""
    checked: list[CheckedDelivery] = []
    first: dict[tuple[str, bytes], tuple[int, DeliveryOutcome]] = {}
    for number, (delivery, outcome) in sorted(answers.items()):
        before = first.setdefault(
            (delivery.message_id, delivery.raw), (number, outcome)
        )
        expected = expected_status(delivery, expectations, is_signed=is_signed)
        faults = [
            check_status(delivery, outcome, expected),
            check_time(outcome, expectations.within_s),
            check_repeat(outcome, *before) if expectations.is_idempotent else None,
        ]
        checked.append(
            CheckedDelivery(
                number=number,
                delivery=delivery,
                outcome=outcome,
                expected=expected,
                faults=tuple(fault for fault in faults if fault),
                is_repeat=before[0] != number,
            )
        )
    return checked


def expected_status(
    delivery: MockDelivery, expectations: Expectations, *, is_signed: bool
) -> str:
    """Return how a delivery should be answered: `2xx`, `4xx`, `2xx or 4xx`, `401`.

    Without a secret it cannot be known whether the handler checks signatures.
    """
    is_about_trust = delivery.is_forged or bool(delivery.signature_age)
    if expectations.statuses and not delivery.is_recovery_check:
        return " or ".join(expectations.statuses)
    if is_about_trust:
        return ExpectedStatus.REFUSED if is_signed else ExpectedStatus.EITHER
    if delivery.is_invalid and not expectations.is_strict:
        return ExpectedStatus.EITHER
    return delivery.expected


def status_promise(delivery: MockDelivery) -> Promise:
    """Return the promise that the status of an answer keeps or breaks."""
    if delivery.is_recovery_check:
        return Promise.RECOVERY
    return Promise.REFUSAL if delivery.is_invalid else Promise.ANSWER


def check_status(
    delivery: MockDelivery, outcome: DeliveryOutcome, expected: str
) -> Fault | None:
    """Return the fault of a status, if there is one.

    `expected` is one or several of `401`, `4xx`, with ` or ` between them.
    """
    prefix = "after an invalid callback: " if delivery.is_recovery_check else ""
    if outcome.failure is not None or outcome.status is None:
        return _no_response(delivery, outcome, prefix)
    if any(_matches(outcome.status, each) for each in expected.split(" or ")):
        return None
    text = f"{prefix}answered {outcome.status}, should be {expected}"
    promise = status_promise(delivery)
    if outcome.is_success and delivery.is_forged:
        text += ": a forged signature was accepted"
        return Fault(text, _SIGNATURE_HINT, promise)
    if outcome.is_success and delivery.signature_age:
        text += ": an old signature was accepted"
        return Fault(text, _SIGNATURE_HINT, promise)
    if delivery.is_invalid:
        return Fault(text, _REFUSAL_HINT, promise)
    hint = status_hint(outcome.status, location=outcome.location, number=0)
    return Fault(text, hint, promise)


def check_time(outcome: DeliveryOutcome, within_s: float | None) -> Fault | None:
    """Return the fault of an answer that took too long."""
    if within_s is None or outcome.status is None or outcome.duration_s <= within_s:
        return None
    duration = f"{outcome.duration_s:.2f} s"
    text = f"answered after {duration}, should be within {within_s:g} s"
    return Fault(text, SLOW_HANDLER_HINT, Promise.TIME)


def check_repeat(
    outcome: DeliveryOutcome, number: int, first: DeliveryOutcome
) -> Fault | None:
    """Return how an answer differs from `first`, the one to the same delivery before.

    JSON is compared without regard to white space and the order of keys.
    """
    if outcome.status is None or first.status is None:
        return None
    if outcome.status != first.status:
        now, before = str(outcome.status), str(first.status)
    elif _canonical(outcome.body) != _canonical(first.body):
        now, before = _shortened(outcome.body), _shortened(first.body)
    else:
        return None
    text = f"answered {now}, where the same got {before} in delivery {number}"
    return Fault(text, _IDEMPOTENCE_HINT, Promise.IDEMPOTENCE)


def _no_response(
    delivery: MockDelivery, outcome: DeliveryOutcome, prefix: str
) -> Fault | None:
    failure = outcome.failure or DeliveryFailure.UNREACHABLE
    if delivery.may_disconnect and failure is DeliveryFailure.DISCONNECTED:
        return None
    if failure is DeliveryFailure.TIMEOUT:
        text = f"{prefix}{failure.value}"
        return Fault(text, SLOW_HANDLER_HINT, status_promise(delivery))
    text = f"{prefix}no answer ({failure.value})"
    return Fault(text, failure_hint(failure), status_promise(delivery))


def _matches(status: int, pattern: str) -> bool:
    return pattern in (str(status), f"{status // 100}xx")


def _canonical(body: bytes) -> Any:
    try:
        return json.dumps(json.loads(body), sort_keys=True)
    except (ValueError, RecursionError):
        return body


def _shortened(body: bytes) -> str:
    text = body.decode("utf-8", "replace")
    return repr(text if len(text) <= _MAX_BODY_CHARS else f"{text[:_MAX_BODY_CHARS]}…")


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseResult:
    """How a handler kept one promise, over all deliveries that tested it."""

    promise: Promise
    text: str
    n_tested: int
    broken_by: tuple[int, ...]  # numbers of deliveries

    @property
    def is_met(self) -> bool:
        return not self.broken_by


def promise_results(
    checked: Sequence[CheckedDelivery], expectations: Expectations
) -> list[PromiseResult]:
    """Return one result for each promise that was tested, in order."""
    texts = {
        Promise.ANSWER: f"answers with {' or '.join(expectations.statuses) or '2xx'}",
        Promise.REFUSAL: f"answers invalid callbacks with {_refusal_status(checked)}",
        Promise.RECOVERY: "works after an invalid callback",
        Promise.TIME: f"answers within {expectations.within_s or 0:g} s",
        Promise.IDEMPOTENCE: "answers a repeat as the first",
    }
    found = []
    for promise, text in texts.items():
        tested = [each for each in checked if each.is_about(promise, expectations)]
        broken = tuple(each.number for each in tested if each.breaks(promise))
        if tested:
            found.append(
                PromiseResult(
                    promise=promise, text=text, n_tested=len(tested), broken_by=broken
                )
            )
    return found


def _refusal_status(checked: Sequence[CheckedDelivery]) -> str:
    """Return the strictest status expected of invalid callbacks."""
    expected = (each.expected for each in checked if each.delivery.is_invalid)
    return min(expected, key=len, default=str(ExpectedStatus.REFUSED))


def conformance_error(
    checked: Sequence[CheckedDelivery],
) -> ConformanceError | HandlerUnreachableError | None:
    """Return the error about unexpected answers, None if there is none."""
    failed = [each for each in checked if each.faults]
    if not failed:
        return None
    outcome = failed[0].outcome
    if all(each.outcome.failure in _UNREACHED for each in checked):
        failure = outcome.failure or DeliveryFailure.UNREACHABLE
        why = outcome.excerpt if failure is DeliveryFailure.UNREACHABLE else None
        return HandlerUnreachableError(
            f"no handler could be reached: {why or failure.value}",
            hint=failure_hint(failure),
        )
    lines = [f"{len(failed)} of {_count_phrase(len(checked))} not as it should be"]
    lines += [each.description for each in failed[:MAX_LISTED]]
    if len(failed) > MAX_LISTED:
        lines.append(f"and {len(failed) - MAX_LISTED} more")
    hint = failed[0].faults[0].hint
    return ConformanceError("\n".join(lines), hint=hint, http=outcome.status)


def _count_phrase(count: int) -> str:
    return "1 answer is" if count == 1 else f"{count} answers are"
