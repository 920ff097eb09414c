"""How `--assert` is parsed, and how answers are checked against it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from kling_cli.errors import UsageError
from kling_cli.listener.forwarding.delivery import DeliveryFailure, DeliveryOutcome
from kling_cli.mock.conformance import (
    CheckedDelivery,
    ConformanceError,
    Expectations,
    HandlerUnreachableError,
    check_deliveries,
    conformance_error,
    parse_expectations,
)
from kling_cli.mock.scenarios import ExpectedStatus, MockDelivery
from tests.support.clock import FakeClock

STRICT = parse_expectations("2xx")


def a_delivery(**changes: Any) -> MockDelivery:
    facts: dict[str, Any] = {"raw": b"{}", "name": "mock", "message_id": "m1"}
    return MockDelivery(**facts | changes)


def invalid(**changes: Any) -> MockDelivery:
    return a_delivery(expected=ExpectedStatus.REFUSED, **changes)


def answered(status: int | None, **changes: Any) -> DeliveryOutcome:
    facts: dict[str, Any] = {"sent_at": FakeClock().now(), "duration_s": 0.1}
    if status is None:
        facts["failure"] = DeliveryFailure.DISCONNECTED
    return DeliveryOutcome(status=status, **facts | changes)


def checked(
    answers: Sequence[tuple[MockDelivery, DeliveryOutcome]],
    expectations: Expectations = STRICT,
    *,
    is_signed: bool = False,
) -> list[CheckedDelivery]:
    return check_deliveries(
        dict(enumerate(answers, 1)), expectations, is_signed=is_signed
    )


def faults(*args: Any, **kwargs: Any) -> list[str]:
    return [fault.text for each in checked(*args, **kwargs) for fault in each.faults]


@pytest.mark.parametrize(
    ("text", "expectations"),
    [
        (None, Expectations()),
        ("2xx", Expectations(is_strict=True)),
        ("5s", Expectations(is_strict=True, within_s=5.0)),
        (
            "2xx, 0.5s ,idempotent",
            Expectations(is_strict=True, within_s=0.5, is_idempotent=True),
        ),
        ("401,4xx", Expectations(is_strict=True, statuses=("401", "4xx"))),
    ],
)
def test_the_assert_option_is_parsed(
    text: str | None, expectations: Expectations
) -> None:
    assert parse_expectations(text) == expectations


@pytest.mark.parametrize("text", ["", "quick", "2xx,", "5", "5m", "2xx,401", "600"])
def test_an_invalid_assert_option_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError, match="--assert") as caught:
        parse_expectations(text)

    assert caught.value.hint == "--assert 2xx,5s,idempotent"


@pytest.mark.parametrize(
    ("text", "response_timeout_s"),
    [(None, 30.0), ("2xx", 30.0), ("5s", 10.0), ("20s", 30.0), ("60s", 60.0)],
)
def test_an_answer_is_awaited_beyond_its_limit(
    text: str | None, response_timeout_s: float
) -> None:
    assert parse_expectations(text).response_timeout_s == response_timeout_s


@pytest.mark.parametrize(
    ("delivery", "status", "is_lenient", "is_met"),
    [
        pytest.param(a_delivery(), 200, False, True, id="valid, accepted"),
        pytest.param(
            a_delivery(), 204, False, True, id="valid, accepted without a body"
        ),
        pytest.param(a_delivery(), 404, False, False, id="valid, refused"),
        pytest.param(a_delivery(), 302, True, False, id="valid, redirected"),
        pytest.param(invalid(), 400, False, True, id="invalid, refused"),
        pytest.param(invalid(), 200, False, False, id="invalid, accepted"),
        pytest.param(invalid(), 200, True, True, id="invalid, accepted, lenient"),
        pytest.param(invalid(), 500, True, False, id="invalid, crashed"),
        pytest.param(a_delivery(), None, False, False, id="valid, no answer"),
        pytest.param(invalid(), None, True, False, id="invalid, no answer"),
        pytest.param(
            a_delivery(expected=ExpectedStatus.EITHER, may_disconnect=True),
            None,
            False,
            True,
            id="too long, disconnected",
        ),
        pytest.param(
            a_delivery(expected=ExpectedStatus.EITHER), 413, False, True, id="too long"
        ),
    ],
)
def test_each_delivery_has_its_expected_answers(
    delivery: MockDelivery, status: int | None, is_lenient: bool, is_met: bool
) -> None:
    expectations = Expectations() if is_lenient else STRICT

    assert (faults([(delivery, answered(status))], expectations) == []) is is_met


@pytest.mark.parametrize(
    "expectations", [Expectations(), STRICT], ids=["lenient", "strict"]
)
@pytest.mark.parametrize(
    ("delivery", "text"),
    [
        pytest.param(invalid(is_forged=True), "forged signature", id="forged"),
        pytest.param(
            invalid(signature_age=timedelta(minutes=10)), "old signature", id="old"
        ),
    ],
)
def test_with_a_secret_a_bad_signature_must_be_refused(
    delivery: MockDelivery, text: str, expectations: Expectations
) -> None:
    [fault] = faults([(delivery, answered(200))], expectations, is_signed=True)

    assert text in fault
    assert faults([(delivery, answered(401))], expectations, is_signed=True) == []
    assert faults([(delivery, answered(200))], expectations) == []


def test_a_named_status_is_the_only_accepted_one() -> None:
    expectations = parse_expectations("401,403")
    afterwards = a_delivery(is_recovery_check=True)

    assert faults([(a_delivery(), answered(403))], expectations) == []
    assert faults([(a_delivery(), answered(200))], expectations) == [
        "answered 200, should be 401 or 403"
    ]
    assert faults([(afterwards, answered(200))], expectations) == []


def test_a_failed_recovery_check_names_the_invalid_callback() -> None:
    afterwards = a_delivery(is_recovery_check=True)

    silent = faults([(afterwards, answered(None))])
    failing = faults([(afterwards, answered(500))])

    assert silent == ["after an invalid callback: no answer (connection broken off)"]
    assert failing == ["after an invalid callback: answered 500, should be 2xx"]


def test_a_late_answer_is_a_separate_fault() -> None:
    expectations = parse_expectations("1s")

    assert faults([(a_delivery(), answered(200, duration_s=1.0))], expectations) == []
    assert faults([(a_delivery(), answered(500, duration_s=1.25))], expectations) == [
        "answered 500, should be 2xx",
        "answered after 1.25 s, should be within 1 s",
    ]


@pytest.mark.parametrize(
    ("first", "second", "is_alike"),
    [
        pytest.param((200, b"ok"), (200, b"ok"), True, id="the same"),
        pytest.param((200, b""), (202, b""), False, id="another status"),
        pytest.param((200, b"ok"), (200, b"again"), False, id="another text"),
        pytest.param(
            (200, b'{"a":1,"b":2}'), (200, b'{ "b": 2, "a": 1 }'), True, id="other keys"
        ),
        pytest.param((200, b'{"id":1}'), (200, b'{"id":2}'), False, id="a counter"),
        pytest.param(
            (200, b"[" * 60_000), (200, b"[" * 60_000), True, id="too deep to read"
        ),
        pytest.param((200, b"\xff" * 99), (200, b"\xfe" * 99), False, id="not text"),
    ],
)
def test_a_repeat_must_be_answered_as_the_first(
    first: tuple[int, bytes], second: tuple[int, bytes], is_alike: bool
) -> None:
    expectations = parse_expectations("idempotent")
    answers = [
        (a_delivery(), answered(status, body=body)) for status, body in (first, second)
    ]

    assert (faults(answers, expectations) == []) is is_alike
    assert faults(answers, STRICT) == []


def test_an_answer_is_compared_only_with_that_to_the_same_delivery() -> None:
    other = a_delivery(message_id="m2")
    answers = [
        (a_delivery(), answered(200, body=b"1")),
        (other, answered(200, body=b"2")),
        (a_delivery(), answered(200, body=b"3")),
        (a_delivery(), answered(None)),
    ]

    found = checked(answers, parse_expectations("idempotent"))

    assert [bool(each.faults) for each in found] == [False, False, True, True]
    assert found[2].description == (
        "delivery 3 (mock): answered '3', where the same got '1' in delivery 1"
    )
    assert found[3].faults[0].text == "no answer (connection broken off)"


def test_answers_are_numbered_in_the_order_of_sending() -> None:
    late_first = {2: (a_delivery(), answered(200)), 1: (a_delivery(), answered(500))}

    found = check_deliveries(late_first, STRICT, is_signed=False)

    assert [(each.number, bool(each.faults)) for each in found] == [
        (1, True),
        (2, False),
    ]


def test_without_faults_there_is_no_error() -> None:
    assert conformance_error(checked([(a_delivery(), answered(200))])) is None


def test_a_handler_with_faults_is_a_task_failed_error() -> None:
    error = conformance_error(checked([(a_delivery(), answered(404))] * 7))

    assert isinstance(error, ConformanceError)
    assert (error.exit_code, error.type, error.http) == (8, "task_failed", 404)
    assert not error.is_retryable
    assert error.message.splitlines()[0] == "7 of 7 answers are not as it should be"
    assert error.message.endswith("and 2 more")
    assert error.hint == "the app has no such path: correct the URL"


@pytest.mark.parametrize(
    "failure", [DeliveryFailure.REFUSED, DeliveryFailure.UNKNOWN_HOST]
)
def test_an_unreachable_handler_is_a_network_error(failure: DeliveryFailure) -> None:
    error = conformance_error(
        checked([(a_delivery(), answered(None, failure=failure))] * 2)
    )

    assert isinstance(error, HandlerUnreachableError)
    assert (error.exit_code, error.type) == (6, "network")
    assert failure.value in error.message
    assert error.hint


@pytest.mark.parametrize(
    "failure", [DeliveryFailure.TIMEOUT, DeliveryFailure.DISCONNECTED]
)
def test_a_handler_that_hangs_or_disconnects_was_reached(
    failure: DeliveryFailure,
) -> None:
    error = conformance_error(
        checked([(a_delivery(), answered(None, failure=failure))])
    )

    assert isinstance(error, ConformanceError)
    assert "--forward-timeout" not in str(error.hint)  # this command has none


def test_the_error_says_why_nothing_could_be_sent() -> None:
    why = "the proxy that the environment names cannot be used"
    unsent = answered(None, failure=DeliveryFailure.UNREACHABLE, excerpt=why)

    assert why in str(conformance_error(checked([(a_delivery(), unsent)])))


def test_the_error_has_an_excerpt_of_the_answer() -> None:
    raw = "Traceback\n  boom" + "x" * 500
    outcome = answered(500, body=raw.encode(), excerpt=raw)

    [each] = checked([(a_delivery(), outcome)])

    assert "should be 2xx | Traceback boom" in each.description
    assert len(each.description) < 200


def test_the_hint_for_a_crash_on_an_invalid_callback_is_to_refuse_it() -> None:
    error = conformance_error(checked([(invalid(), answered(500))]))

    assert error is not None
    assert error.hint == "answer 400 to what makes no sense, and go on"
