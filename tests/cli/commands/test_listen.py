from __future__ import annotations

import pytest

from kling_cli.cli.commands.listen import (
    EventOptions,
    ForwardingOptions,
    IngressOptions,
    parse_callback_url,
    parse_event_filter,
    parse_listen_options,
    parse_response,
    parse_timeout,
)
from kling_cli.cli.options.shared import DeliveryOptions
from kling_cli.errors import UsageError


@pytest.mark.parametrize(
    ("texts", "response"),
    [
        ((), (200, 0.0)),
        (("503",), (503, 0.0)),
        (("delay=1.5",), (200, 1.5)),
        (("delay=2", "500"), (500, 2.0)),
    ],
)
def test_a_response_is_a_status_a_delay_or_both(
    texts: tuple[str, ...], response: tuple[int, float]
) -> None:
    assert parse_response(texts) == response


@pytest.mark.parametrize(
    "text",
    ["", "soon", "99", "600", "204", "delay=", "delay=-1", "delay=1e9", "5delay=1"],
)
def test_any_other_response_is_refused_by_name(text: str) -> None:
    with pytest.raises(UsageError, match="--respond"):
        parse_response([text])


def test_statuses_may_be_listed_and_spelled_either_way() -> None:
    event_filter = parse_event_filter(
        EventOptions(events=["succeed, failed", "PROCESSING"])
    )

    assert event_filter.statuses == {"succeeded", "failed", "processing"}


def test_a_status_that_is_none_is_refused_by_name() -> None:
    with pytest.raises(UsageError, match="--events done"):
        parse_event_filter(EventOptions(events=["done"]))


def test_ones_own_url_loses_its_last_slash() -> None:
    assert parse_callback_url("https://a.example/kling/") == "https://a.example/kling"
    assert parse_callback_url(None) is None


@pytest.mark.parametrize(
    "text", ["a.example", "ftp://a.example", "https://", "https://[", "http://a/?b=c"]
)
def test_what_cannot_be_called_is_no_url(text: str) -> None:
    with pytest.raises(UsageError, match="--callback-url"):
        parse_callback_url(text)


def test_a_timeout_is_a_length_of_time() -> None:
    assert parse_timeout("1m30s") == 90
    assert parse_timeout("0") is None
    assert parse_timeout(None) is None
    with pytest.raises(UsageError, match="--timeout"):
        parse_timeout("soon")


def test_everything_that_was_typed_arrives() -> None:
    options = parse_listen_options(
        IngressOptions(
            port=8000, is_tokenless=True, is_forgetful=True, respond=["503"]
        ),
        ForwardingOptions(forward_to=["3000"], routes=["failed=4000/sad"]),
        DeliveryOptions(
            headers=["X-A: 1"],
            is_insecure=True,
            timeout_s=3,
            secrets=["whsec_c2VjcmV0"],
        ),
        EventOptions(task_ids=["t1"], max_events=2, is_until_final=True, timeout="5"),
        command=("pytest", "-q"),
        is_stdout_reserved=True,
        tunnel="none",
    )

    assert (options.port, options.status, options.timeout_s) == (8000, 503, 5)
    assert (options.is_tokenless, options.has_history) == (True, False)
    assert [target.url for target in options.targets] == [
        "http://localhost:3000/callback",
        "http://localhost:4000/sad",
    ]
    assert options.targets[1].status == "failed"
    assert options.policy.headers == (("X-A", "1"),)
    assert (options.policy.is_insecure, options.policy.timeout_s) == (True, 3)
    assert len(options.policy.secrets) == 1
    assert options.event_filter.task_ids == {"t1"}
    assert (options.stop_conditions.max_events, options.stop_conditions.is_final) == (
        2,
        True,
    )
    assert options.command == ("pytest", "-q")
