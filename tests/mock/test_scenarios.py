from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from kling_cli.callbacks.payload import MalformedPayloadError, parse_payload
from kling_cli.errors import UsageError
from kling_cli.mock.payloads import MockTask
from kling_cli.mock.scenarios import (
    BURST_SIZE,
    OVERSIZE_BYTES,
    ExpectedStatus,
    build_scenario,
    recovery_check,
    scenario_names,
)

NOON = datetime(2026, 10, 4, 12, 0, tzinfo=UTC)
HOSTILE = {"malformed", "deep-json"}


def a_mock(*, is_legacy: bool = False) -> MockTask:
    return MockTask(task_id="t1", created_at=NOON, is_legacy=is_legacy)


def statuses(name: str, *, is_legacy: bool = False) -> list[str | None]:
    batches = build_scenario(name, a_mock(is_legacy=is_legacy), {})
    return [parse_payload(delivery.raw).status for delivery in batches]


@pytest.mark.parametrize("is_legacy", [False, True])
@pytest.mark.parametrize("name", sorted(set(scenario_names()) - HOSTILE))
def test_our_own_listener_parses_every_valid_mock(name: str, is_legacy: bool) -> None:
    for delivery in build_scenario(name, a_mock(is_legacy=is_legacy), {}):
        assert parse_payload(delivery.raw).task_id


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_our_own_listener_refuses_every_malformed_mock(name: str) -> None:
    (delivery,) = build_scenario(name, a_mock(), {})

    with pytest.raises(MalformedPayloadError):
        parse_payload(delivery.raw)
    assert delivery.expected is ExpectedStatus.REFUSED


@pytest.mark.parametrize("is_legacy", [False, True])
def test_late_processing_is_sent_after_succeeded(is_legacy: bool) -> None:
    late = statuses("late-processing", is_legacy=is_legacy)

    assert [str(each) for each in late] == ["submitted", "succeeded", "processing"]


def test_a_duplicate_has_the_same_bytes_and_the_same_id() -> None:
    first, second = build_scenario("duplicate", a_mock(), {})

    assert (first.raw, first.message_id) == (second.raw, second.message_id)


def test_a_burst_is_of_different_tasks() -> None:
    batches = build_scenario("burst", a_mock(), {})

    assert (
        len({parse_payload(delivery.raw).task_id for delivery in batches}) == BURST_SIZE
    )


def test_only_a_burst_is_concurrent() -> None:
    at_once = {
        name: {
            delivery.is_concurrent for delivery in build_scenario(name, a_mock(), {})
        }
        for name in scenario_names()
    }

    assert [name for name, found in at_once.items() if True in found] == ["burst"]
    assert at_once["burst"] == {True}


def test_every_scenario_states_its_expected_status() -> None:
    expected = {
        name: {delivery.expected for delivery in build_scenario(name, a_mock(), {})}
        for name in scenario_names()
    }

    refused = {
        name for name in scenario_names() if expected[name] == {ExpectedStatus.REFUSED}
    }
    either = {
        name for name in scenario_names() if expected[name] == {ExpectedStatus.EITHER}
    }
    assert refused == {"malformed", "deep-json", "bad-signature", "old-timestamp"}
    assert either == {"oversize"}
    assert all(
        expected[name] == {ExpectedStatus.ACCEPTED}
        for name in set(scenario_names()) - refused - either
    )


def test_the_recovery_check_is_valid_and_not_a_repeat() -> None:
    delivery = recovery_check(a_mock())

    invalid = {
        each.message_id for each in build_scenario("bad-signature", a_mock(), {})
    }
    assert parse_payload(delivery.raw).status == "succeeded"
    assert delivery.message_id not in invalid
    assert not delivery.is_invalid


def test_an_oversize_body_is_one_byte_too_long() -> None:
    (delivery,) = build_scenario("oversize", a_mock(), {})

    assert len(delivery.raw) == OVERSIZE_BYTES


def test_fields_can_be_set() -> None:
    (delivery,) = build_scenario("succeeded", a_mock(), {"message": "mine"})

    assert json.loads(delivery.raw)["message"] == "mine"


def test_the_error_for_an_unknown_scenario_names_all() -> None:
    with pytest.raises(UsageError) as caught:
        build_scenario("nonsense", a_mock(), {})

    assert "lifecycle" in str(caught.value.hint)
