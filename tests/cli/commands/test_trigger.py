"""`kling trigger` against callback handlers."""

from __future__ import annotations

import json
import signal
import subprocess
from base64 import b64encode
from collections.abc import Iterator
from typing import Any

import pytest

from kling_cli.mock.scenarios import BURST_SIZE, OVERSIZE_BYTES
from kling_cli.secret import Secret
from tests.scenarios.test_listen import of_type, ready
from tests.support.handler import App, serving
from tests.support.kling import Kling
from tests.support.program import Result
from tests.support.recorder import Recorder, recorder


@pytest.fixture
def app() -> Iterator[Recorder]:
    with recorder() as serving_app:
        yield serving_app


@pytest.fixture
def secret(kling: Kling) -> Secret:
    """Return the secret that kling and the handler share."""
    words = "the secret of both"
    made = Secret("whsec_" + b64encode(words.encode()).decode())
    kling.secrets.add(words, made.reveal())
    kling.env["KLING_WEBHOOK_SECRET"] = made.reveal()
    return made


def document(result: Result) -> dict[str, Any]:
    [line] = result.stdout.splitlines()
    found: dict[str, Any] = json.loads(line)
    return found


def test_a_lifecycle_arrives_in_order_and_marked(kling: Kling, app: Recorder) -> None:
    result = kling.run("trigger", "lifecycle", "--to", app.url)

    words = [json.loads(seen.body)["status"] for seen in app.seen]
    assert (result.exit_code, words) == (0, ["submitted", "processing", "succeeded"])
    assert all(seen.headers["kling-mock"] for seen in app.seen)
    assert [line.rpartition(" ")[0] for line in result.stdout.splitlines()] == [
        "#1 submitted 200",
        "#2 processing 200",
        "#3 succeeded 200",
    ]


def test_a_sound_handler_passes_a_nasty_scenario(kling: Kling, secret: Secret) -> None:
    with serving(App(secret=secret)) as sound:
        result = kling.run(
            *("trigger", "old-timestamp", "--to", sound.url, "--json"),
            *("--assert", "2xx,10s,idempotent"),
        )

    found = document(result)
    assert (result.exit_code, found["ok"]) == (0, True), result
    assert [(one["name"], one["status"]) for one in found["deliveries"]] == [
        ("old-timestamp", 401),
        ("old-timestamp", 401),
        ("afterwards", 200),
    ]


def test_a_flaw_in_a_handler_is_found(kling: Kling, secret: Secret) -> None:
    args = ("trigger", "bad-signature", "--assert", "2xx,10s,idempotent")
    with serving(App(secret=secret, flaws=frozenset({"trusts"}))) as flawed:
        result = kling.run(*args, "--json", "--to", flawed.url)
        shown = kling.run(*args, "--to", flawed.url)

    found = document(result)
    assert (result.exit_code, shown.exit_code) == (8, 8)
    assert (found["ok"], found["error"]["type"]) == (False, "task_failed")
    assert "a forged signature was accepted" in found["error"]["message"]
    assert "raw bytes" in found["error"]["hint"]
    assert [(one["promise"], one["broken_by"]) for one in found["promises"]] == [
        ("refusal", [1, 2]),
        ("recovery", []),
        ("time", []),
        ("idempotence", []),
    ]
    assert shown.lines[3:] == [
        "FAIL answers invalid callbacks with 4xx: not in 2 of 2 (#1, #2)",
        "PASS works after an invalid callback: 1 of 1",
        "PASS answers within 10 s: 3 of 3",
        "PASS answers a repeat as the first: 1 of 1",
        "FAIL: 3 of 4 promises kept",
    ]


def test_the_listener_itself_passes_the_nasty_scenarios(
    kling: Kling, secret: Secret
) -> None:
    names = ("bad-signature", "malformed", "oversize", "burst")
    with kling.start("listen", "--tunnel", "none", "--json") as program:
        ready(program)
        results = {
            name: kling.run("trigger", name, "--assert", "2xx,10s,idempotent")
            for name in names
        }
        program.send(signal.SIGTERM)
        listener = program.finish()

    codes = {name: result.exit_code for name, result in results.items()}
    assert codes == dict.fromkeys(names, 0), results
    assert {one["trust"] for one in of_type(listener, "callback")} == {"mock"}


def test_a_burst_is_of_many_tasks_at_once(kling: Kling) -> None:
    with serving(App()) as sound:
        result = kling.run("trigger", "burst", "--to", sound.url, "--json")

    assert len(sound.tasks) == BURST_SIZE
    assert [one["number"] for one in document(result)["deliveries"]] == list(
        range(1, BURST_SIZE + 1)
    )


def test_a_handler_that_fails_gives_a_true_exit_code(
    kling: Kling, app: Recorder
) -> None:
    app.statuses = [500]
    app.answer = b"Traceback"

    result = kling.run("trigger", "succeeded", "--to", app.url, "--json")

    found = document(result)
    assert result.exit_code == 8
    assert found["deliveries"] == [
        {
            "number": 1,
            "scenario": "succeeded",
            "name": "succeeded",
            "status": 500,
            "duration_s": found["deliveries"][0]["duration_s"],
            "expected": "2xx",
            "is_met": False,
            "faults": ["answered 500, should be 2xx"],
            "error": None,
            "excerpt": "Traceback",
        }
    ]


def test_where_nobody_listens_it_is_the_network(kling: Kling) -> None:
    with recorder() as gone:
        url = gone.url

    result = kling.run("trigger", "lifecycle", "--to", url, "--json")

    found = document(result)
    assert (result.exit_code, found["error"]["type"]) == (6, "network")
    assert [one["error"] for one in found["deliveries"]] == ["connection refused"] * 3
    assert "start your app" in result.stderr


def test_without_demands_a_handler_may_refuse_or_take_what_is_spoilt(
    kling: Kling, app: Recorder
) -> None:
    app.statuses = [400, 200, 400]

    codes = [
        kling.run("trigger", *args, "--to", app.url).exit_code
        for args in (["malformed"], ["malformed"], ["succeeded"])
    ]

    assert codes == [0, 0, 8]


def test_a_status_can_be_demanded_by_number(kling: Kling, app: Recorder) -> None:
    app.statuses = [401]

    good = kling.run("trigger", "bad-signature", "--to", app.url, "--assert", "401")
    bad = kling.run("trigger", "succeeded", "--to", app.url, "--assert", "403")

    # to forge a signature takes no secret; that a sound one is let in, nobody can see
    assert (good.exit_code, bad.exit_code) == (0, 8)
    assert len(app.seen) == 2
    assert "answered 401, should be 403" in bad.stderr


def test_signatures_are_not_judged_without_the_handlers_secret(
    kling: Kling, app: Recorder
) -> None:
    args = ("trigger", "bad-signature", "--to", app.url, "--assert", "2xx", "--json")
    result = kling.run(*args)

    assert (result.exit_code, app.seen) == (2, [])
    assert document(result)["error"]["type"] == "usage"
    assert "KLING_WEBHOOK_SECRET" in result.stderr


def test_a_secret_that_is_none_is_a_wrong_usage(kling: Kling, app: Recorder) -> None:
    kling.env["KLING_WEBHOOK_SECRET"] = "whsec_?"

    result = kling.run("trigger", "burst", "--to", app.url, "--json")

    assert (result.exit_code, app.seen) == (2, [])
    assert document(result)["error"]["type"] == "usage"


def test_a_body_of_ones_own_arrives_byte_for_byte(kling: Kling, app: Recorder) -> None:
    raw = b' {"id": "\xc3\xa4", "n": 1.0}\n'
    (kling.here / "own.json").write_bytes(raw)

    from_file = kling.run("trigger", "--body", "own.json", "--to", app.url)
    from_pipe = kling.run("trigger", "--body", "-", "--to", app.url, stdin=raw + b"x")

    assert (from_file.exit_code, from_pipe.exit_code) == (0, 0)
    assert [seen.body for seen in app.seen] == [raw, raw + b"x"]


def test_fields_of_a_body_of_ones_own_can_be_set(kling: Kling, app: Recorder) -> None:
    args = ("trigger", "--body", "-", "--to", app.url, "--set", "a.b=2")

    good = kling.run(*args, stdin=b'{"a": {"b": 1}}')
    bad = kling.run(*args, stdin=b"[1]")

    assert (good.exit_code, bad.exit_code) == (0, 2)
    assert [json.loads(seen.body) for seen in app.seen] == [{"a": {"b": 2}}]
    assert "no JSON object" in bad.stderr


@pytest.mark.parametrize(
    ("args", "words"),
    [
        pytest.param(["--body", "absent.json"], "--body absent.json", id="no file"),
        pytest.param([], "say which scenario", id="nothing to send"),
        pytest.param(["nonsense"], "no scenario 'nonsense'", id="no scenario"),
        pytest.param(["failed", "--generation", "3"], "--generation", id="generation"),
        pytest.param(["failed", "--assert", "fast"], "--assert fast", id="no demand"),
        pytest.param(["failed", "--all"], "--all", id="all and one"),
    ],
)
def test_a_wrong_usage_is_one_object_with_the_same_keys(
    kling: Kling, args: list[str], words: str
) -> None:
    result = kling.run("trigger", *args, "--json", stdin=b"{}")

    found = document(result)
    assert result.exit_code == 2
    assert set(found) == {
        *("schema", "ok", "command", "deliveries", "promises", "scenarios"),
        *("commands", "error"),
    }
    assert words in found["error"]["message"]


def test_all_of_it_is_sent_as_often_as_is_said(kling: Kling, app: Recorder) -> None:
    result = kling.run("trigger", "duplicate", "--times", "3", "--to", app.url, "-q")

    assert len(app.seen) == 6
    assert result.stdout == "200\n" * 6


def test_when_it_is_stopped_the_answers_so_far_are_printed(
    kling: Kling, app: Recorder
) -> None:
    with kling.start("trigger", "slow", "--to", app.url, "--json") as program:
        while not app.seen:  # the first is on its way, and a long pause follows
            pass
        program.send(signal.SIGTERM)
        result = program.finish()

    found = document(result)
    assert result.exit_code == 143
    assert found["error"]["type"] == "interrupted"
    assert len(found["deliveries"]) <= 1


def test_printing_sends_nothing(kling: Kling, app: Recorder) -> None:
    args = ("trigger", "image", "--generation", "legacy", "--to", app.url, "--print")
    result = kling.run(*args, "--set", "task_info.external_task_id=mine")
    as_json = kling.run(*args, "--json")

    assert (result.exit_code, app.seen) == (0, [])
    assert result.stdout.startswith("curl ")
    assert '"external_task_id": "mine"' in result.stdout
    assert [each[:5] for each in document(as_json)["commands"]] == ["curl "]


def test_what_is_printed_sends_the_same_however_large(
    kling: Kling, app: Recorder
) -> None:
    printed = kling.run("trigger", "oversize", "--to", app.url, "--print")
    place = kling.here / "command.sh"
    place.write_text(printed.stdout)
    subprocess.run(["sh", str(place)], check=True, capture_output=True)

    [seen] = app.seen
    assert printed.stdout.count("\n") == 1
    assert len(seen.body) == OVERSIZE_BYTES
    assert seen.headers["content-type"] == "application/json"
