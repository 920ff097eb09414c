from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from kling_cli.callbacks.signatures import verify
from kling_cli.secret import Secret
from kling_cli.store.journal import Journal
from kling_cli.store.records import StoredCallback, StoredForward
from tests.support.kling import Kling
from tests.support.recorder import Recorder, recorder

NOON = datetime(2026, 10, 4, 12, 0, tzinfo=UTC)
BODY = b'{ "id":"t1",\r\n "status": "succeed", "n": {"a": [1, 2]} }\n'
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def a_callback(**columns: object) -> StoredCallback:
    chosen = {
        "id": 0,
        "received_at": NOON,
        "product": None,
        "nonce": None,
        "task_id": "t1",
        "external_id": None,
        "status": "succeeded",
        "trust": "token",
        "headers": (("content-type", "application/json"), ("host", "x.ngrok.app")),
        "raw": BODY,
        **columns,
    }
    return StoredCallback(**chosen)  # type: ignore[arg-type]  # as named above


def a_forward(number: int, url: str, status: int | None) -> StoredForward:
    return StoredForward(
        callback_id=number, sent_at=NOON, url=url, status=status, duration_s=0.1
    )


@pytest.fixture
def app() -> Iterator[Recorder]:
    with recorder() as serving:
        yield serving


@pytest.fixture
def journal(kling: Kling) -> Iterator[Journal]:
    with Journal.open(kling.state_dir) as opened:
        opened.add_callbacks([a_callback(), a_callback(task_id="t2"), a_callback()])
        yield opened


@pytest.mark.usefixtures("journal")
def test_a_callback_is_sent_again_byte_for_byte_and_marked(
    kling: Kling, app: Recorder
) -> None:
    result = kling.run("replay", "2", "--to", f"{app.url}/hook")

    (seen,) = app.seen
    assert result.exit_code == 0
    assert (seen.path, seen.body) == ("/hook", BODY)
    assert seen.headers["kling-replay"] == "2"
    assert seen.headers["content-type"] == "application/json"
    assert seen.headers["host"] == f"127.0.0.1:{app.port}"
    assert result.stdout.startswith(f"#2 200 POST {app.url}/hook ")
    assert result.stderr == ""


@pytest.mark.usefixtures("journal")
@pytest.mark.parametrize(
    ("which", "marks"),
    [
        pytest.param(("last",), ["3"], id="last"),
        pytest.param(("3", "1"), ["1", "3"], id="numbers, the oldest first"),
        pytest.param(("--task", "t1"), ["1", "3"], id="a task"),
        pytest.param(("1", "--times", "3"), ["1", "1", "1"], id="several times"),
    ],
)
def test_what_is_chosen_goes_out_in_order(
    kling: Kling, app: Recorder, which: tuple[str, ...], marks: list[str]
) -> None:
    result = kling.run("replay", *which, "--to", app.url, "-q")

    assert [seen.headers["kling-replay"] for seen in app.seen] == marks
    assert result.stdout == "200\n" * len(marks)


def test_what_failed_goes_where_it_failed_and_then_counts_as_taken(
    kling: Kling, app: Recorder, journal: Journal
) -> None:
    gone = "http://127.0.0.1:9/gone"
    journal.add_forwards(
        [
            a_forward(1, f"{app.url}/a", 200),
            a_forward(1, f"{app.url}/b", 500),
            a_forward(2, f"{app.url}/b", None),
            a_forward(3, gone, 500),
            a_forward(3, gone, 200),
        ]
    )

    result = kling.run("replay", "--failed", "--json")
    again = kling.run("replay", "--failed")

    assert [(seen.path, seen.headers["kling-replay"]) for seen in app.seen] == [
        ("/b", "1"),
        ("/b", "2"),
    ]
    deliveries = result.json()["deliveries"]
    assert [each["event_id"] for each in deliveries] == [1, 2]
    assert result.json()["ok"] is True
    assert again.exit_code == 2
    assert "no kept callback is one that your app did not take" in again.stderr
    assert [each.is_replay for each in journal.forwards_of(2)] == [False, True]


@pytest.mark.usefixtures("journal")
def test_without_a_place_one_has_to_be_named(kling: Kling) -> None:
    result = kling.run("replay", "1")

    assert result.exit_code == 2
    assert "kling replay 1 --to" in result.stderr


@pytest.mark.usefixtures("journal")
def test_an_answer_other_than_success_is_a_failure_with_its_first_lines(
    kling: Kling, app: Recorder
) -> None:
    app.statuses = [200, 500]
    app.answer = b"Traceback\nKeyError: 'task_result'\x1b[31m\nc\nd"

    result = kling.run("replay", "1", "2", "3", "--to", app.url)

    assert result.exit_code == 6
    assert len(app.seen) == 3
    assert r"  KeyError: 'task_result'\x1b[31m" in result.stderr.splitlines()
    assert "  d" not in result.stderr.splitlines()
    assert "error: 2 of 3 deliveries failed" in result.stderr
    assert "hint: the handler failed" in result.stderr


@pytest.mark.usefixtures("journal")
def test_a_handler_that_does_not_answer_is_reported_at_once(kling: Kling) -> None:
    result = kling.run("replay", "1", "--to", "http://127.0.0.1:9/", "--json")

    document = result.json()
    assert result.exit_code == 6
    assert document["ok"] is False
    assert document["deliveries"][0]["error"] == "connection refused"
    assert document["error"]["type"] == "network"
    assert "nothing listens there" in document["error"]["hint"]


@pytest.mark.usefixtures("journal")
def test_fields_can_be_changed(kling: Kling, app: Recorder) -> None:
    changes = ["status=failed", "n.a.1=7", "n.b.c=x"]
    options = [word for change in changes for word in ("--set", change)]

    kling.run("replay", "1", "--to", app.url, *options)

    assert json.loads(app.seen[0].body) == {
        "id": "t1",
        "status": "failed",
        "n": {"a": [1, 7], "b": {"c": "x"}},
    }


@pytest.mark.parametrize("selection", ["option", "environment", "account"])
def test_a_signature_is_made_anew(
    kling: Kling, app: Recorder, journal: Journal, selection: str
) -> None:
    old = (("webhook-id", "m"), ("webhook-timestamp", "1"), ("webhook-signature", "v"))
    journal.add_callback(a_callback(trust="signed", headers=old))
    options = ["--sign-forwards", SECRET] if selection == "option" else []
    env = {
        "option": {},
        "environment": {"KLING_SIGN_FORWARDS": SECRET},
        "account": {"KLING_WEBHOOK_SECRET": SECRET},
    }[selection]

    kling.run("replay", "4", "--to", app.url, *options, env=env)

    (seen,) = app.seen
    assert verify(seen.body, seen.headers, [Secret(SECRET)], datetime.now(UTC))


@pytest.mark.usefixtures("journal")
def test_headers_of_the_users_own_are_sent(kling: Kling, app: Recorder) -> None:
    kling.run("replay", "1", "--to", app.url, "--header", "X-Test: yes")

    assert app.seen[0].headers["x-test"] == "yes"


@pytest.mark.usefixtures("journal")
@pytest.mark.parametrize(
    ("args", "words"),
    [
        pytest.param((), "say which callbacks", id="nothing"),
        pytest.param(("1", "--failed"), "say which callbacks", id="two ways"),
        pytest.param(("--task", "t9"), "no such callback", id="no such task"),
        pytest.param(("1", "--to", "x y"), "no place to send", id="no place"),
        pytest.param(("1", "--to", "3000", "--set", "x"), "KEY=VALUE", id="no pair"),
        pytest.param(
            ("1", "--to", "3000", "--set", "n.a.7=1"), "no such place", id="no item"
        ),
        pytest.param(("1", "--to", "3000", "--header", "x"), "NAME:VALUE", id="header"),
        pytest.param(
            ("1", "--to", "3000", "--sign-forwards", "!"), "webhook secret", id="secret"
        ),
    ],
)
def test_what_makes_no_sense_is_refused(
    kling: Kling, args: tuple[str, ...], words: str
) -> None:
    result = kling.run("replay", *args)

    assert result.exit_code == 2
    assert words in result.stderr
