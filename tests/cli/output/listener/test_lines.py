from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kling_cli.cli.output.json_document import dumps
from kling_cli.cli.output.listener import lines
from kling_cli.cli.output.listener.lines import event_object
from kling_cli.jobs.events import Notice
from kling_cli.listener import events
from kling_cli.listener.events import JsonLineEvent, ListenerEvent, Mismatch
from kling_cli.store.records import StoredCallback

NOW = datetime(2026, 10, 4, 12, 0, 3, tzinfo=UTC)
SEEN = events.CallbackReceived(
    callback=StoredCallback(
        id=12,
        received_at=NOW,
        product="text2video",
        nonce=None,
        task_id="t1",
        external_id=None,
        status="succeeded",
        trust="token",
        headers=(("x-a", "1"), ("x-a", "2")),
        raw=b"{}",
    ),
    since_submit_s=41.2,
)
FORWARDED = events.Forwarded(
    number=12, method="POST", url="http://a/b", status=200, duration_s=0.0123
)
FACTS: list[tuple[JsonLineEvent, str, str]] = [
    (SEEN, "callback", "#12 text2video succeeded t1 after 41s, via the secret URL"),
    (FORWARDED, "forward", "#12 -> 200 POST http://a/b 12ms"),
    (
        events.Forwarded(
            number=12,
            method="POST",
            url="http://a/b",
            status=None,
            duration_s=1,
            attempt=2,
            error="refused",
            hint="nothing listens there",
        ),
        "forward",
        "#12 -> refused POST http://a/b 1000ms attempt 2: nothing listens there",
    ),
    (
        events.Verified(number=12, task_id="t1", is_true=True),
        "verified",
        "#12 verified with the API",
    ),
    (
        events.Verified(
            number=12,
            task_id="t1",
            is_true=False,
            mismatches=(Mismatch("status", "succeeded", "processing"),),
        ),
        "verified",
        (
            "#12 contradicts the API: "
            "the API says processing, the callback claimed succeeded"
        ),
    ),
    (
        events.Verified(
            number=12,
            task_id="t9",
            is_true=False,
            mismatches=(Mismatch("task_id", "t9", None),),
        ),
        "verified",
        "#12 contradicts the API: the API knows no task t9",
    ),
    (
        events.Duplicate(number=13, of=12),
        "duplicate",
        "#13 is a duplicate of #12",
    ),
    (
        events.Stale(number=14, task_id="t1", status="processing", known="failed"),
        "stale",
        "#14 came late: it says processing, the task is failed already",
    ),
    (
        events.Rejected(reason="too large", status=413, count=2),
        "rejected",
        "refused with 413, too large (2 so far)",
    ),
    (
        events.Rejected(
            reason="malformed body", status=400, count=1, number=15, detail="not JSON"
        ),
        "rejected",
        "#15 refused with 400, malformed body: not JSON",
    ),
    (
        events.TunnelChanged(
            state="moved", public_url="https://a", callback_url="https://a/callback/x"
        ),
        "tunnel",
        (
            "the tunnel has a new URL; callbacks to the old one do not arrive; "
            "callback_url: https://a/callback/x"
        ),
    ),
    (
        events.Polled(task_ids=("t1",), reason="the tunnel was down"),
        "poll",
        "the tunnel was down; asked the API about 1 task",
    ),
    (
        events.Reconciled(task_id="t1", status="failed", is_missed=True, number=16),
        "reconciled",
        "#16 t1 is failed; its callback was missed",
    ),
    (
        events.Stopped(reason="timeout", counts={"callbacks": 0, "rejected": 2}),
        "stopped",
        "stopped (timeout): callbacks 0, rejected 2",
    ),
    (
        events.Ready(callback_url="http://a/c", local_url="http://a/c"),
        "ready",
        "callback_url: http://a/c",
    ),
]


@pytest.mark.parametrize(("line", "_type", "words"), FACTS)
def test_a_line_says_what_happened(line: ListenerEvent, _type: str, words: str) -> None:
    text = lines.event_text(line, NOW)

    assert text.split(" ", 1)[1] == words
    assert text[:8] == NOW.astimezone().strftime("%H:%M:%S")


@pytest.mark.parametrize(("line", "type_", "_words"), FACTS)
def test_a_line_is_one_object_with_its_place(
    line: JsonLineEvent, type_: str, _words: str
) -> None:
    made = json.loads(dumps(event_object(line, seq=7, now=NOW)))

    assert made["schema"] == "kling.listen/1"
    assert (made["type"], made["seq"]) == (type_, 7)
    assert made["ts"] == "2026-10-04T12:00:03.000Z"


def test_every_kind_of_line_is_tried() -> None:
    kinds = set(JsonLineEvent.__args__)

    assert {type(line) for line, _, _ in FACTS} == kinds


def test_where_callbacks_of_one_status_go_is_said() -> None:
    ready = events.Ready(
        callback_url="http://a/c",
        local_url="http://a/c",
        forward_to=("http://b/all", "http://b/failed"),
        route_statuses=(None, "failed"),
    )

    assert lines.ready_text(ready).splitlines()[1:] == [
        "forwarding to: http://b/all",
        "forwarding failed to: http://b/failed",
    ]


def test_a_callbacks_object_has_its_body_and_joined_headers() -> None:
    made = event_object(SEEN, seq=1, now=NOW)

    assert made["event_id"] == 12
    assert made["body_b64"] == "e30="
    assert made["headers"] == {"x-a": "1, 2"}


def test_untrusted_text_cannot_act_on_a_terminal() -> None:
    evil = events.Stale(
        number=1, task_id="t", status="\x1b[2J\n", known="\u202egnp.exe"
    )

    assert lines.event_text(evil, NOW).isprintable()


def test_a_warning_is_a_warning() -> None:
    notice = Notice(message="no room", hint="make some")

    assert lines.event_text(notice, NOW) == "warning: no room (make some)"
    assert not lines.is_result(notice)
    assert lines.is_shown_when_quiet(notice)


def test_quiet_shows_callbacks_and_failures() -> None:
    shown = [type_ for line, type_, _ in FACTS if lines.is_shown_when_quiet(line)]

    assert shown == [
        "callback", "forward", "verified", "verified", "tunnel", "reconciled",
    ]  # fmt: skip


def test_the_beginning_of_an_answer_stays_on_the_line() -> None:
    failed = replace(FORWARDED, status=500, excerpt="<html>\n  <h1>no</h1>" + "x" * 500)

    text = lines.event_text(failed, NOW)

    assert "| <html> <h1>no</h1>xxx" in text
    assert text.endswith("...")
    assert len(text) < 250


@pytest.mark.parametrize(("line", "type_", "_words"), FACTS)
def test_the_page_about_the_listener_lists_the_keys_of_every_line(
    line: JsonLineEvent, type_: str, _words: str
) -> None:
    page = (Path(__file__).parents[4] / "docs" / "listen.md").read_text()
    table = page.split("| type | keys |")[1].split("\n\n")[0]
    row = re.search(rf"^\| `{type_}` \| (.*) \|$", table, re.MULTILINE)
    assert row

    made = event_object(line, seq=1, now=NOW)

    everywhere = {"schema", "type", "seq", "ts"}
    assert re.findall(r"`(\w+)`", row[1]) == [
        key for key in made if key not in everywhere
    ]
