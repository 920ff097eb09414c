from __future__ import annotations

import json
import os
import signal
import subprocess
from base64 import b64decode
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kling_cli.jobs.journal import KeptCallback
from kling_cli.jobs.journal_callbacks import CallbackJournal, KeptForward
from tests.support.echo import echo_server
from tests.support.kling import Kling

NOON = datetime(2026, 10, 4, 12, 0, tzinfo=UTC)
BODY = b'{"id": "t1", "status": "succeeded"}'
HERE = "http://localhost:3000/callback"


def a_callback(**columns: object) -> KeptCallback:
    chosen = {
        "id": 0,
        "received_at": NOON,
        "product": "text2video",
        "nonce": None,
        "task_id": "t1",
        "external_id": None,
        "status": "succeeded",
        "trust": "token",
        "headers": (("content-type", "application/json"), ("kling-mock", "s3cret")),
        "raw": BODY,
        **columns,
    }
    return KeptCallback(**chosen)  # type: ignore[arg-type]  # as named above


@pytest.fixture
def journal(kling: Kling) -> Iterator[CallbackJournal]:
    """Keep three callbacks, the second of which an app did not take."""
    with CallbackJournal.open(kling.state_dir) as opened:
        opened.keep_callbacks(
            [
                a_callback(),
                a_callback(task_id="t2", status="failed", trust="mock"),
                a_callback(task_id=None, status=None, product=None, raw=b"\xff\x1b[2J"),
            ]
        )
        opened.keep_forwards(
            [
                KeptForward(
                    callback_id=2, sent_at=NOON, url=HERE, status=500, duration_s=0.25
                )
            ]
        )
        yield opened


@pytest.mark.usefixtures("journal")
@pytest.mark.parametrize("words", [(), ("list",)], ids=["alone", "list"])
def test_kept_callbacks_are_listed(kling: Kling, words: tuple[str, ...]) -> None:
    result = kling.run("events", *words)

    time = "2026-10-04T12:00:00.000Z"
    assert result.exit_code == 0
    assert result.lines == [
        f"#1  {time}  succeeded  t1  text2video  secret-url  -",
        f"#2  {time}  failed     t2  text2video  mock        500",
        f"#3  {time}  malformed  -   -           secret-url  -",
    ]


@pytest.mark.usefixtures("journal")
@pytest.mark.parametrize(
    ("options", "numbers"),
    [
        pytest.param(("--task", "t1"), "1", id="task"),
        pytest.param(("--status", "failed"), "2", id="status"),
        pytest.param(("--trust", "mock"), "2", id="trust"),
        pytest.param(("--trust", "secret-url"), "1 3", id="trust as shown"),
        pytest.param(("--failed",), "2", id="failed"),
        pytest.param(("--limit", "1"), "3", id="limit"),
        pytest.param(("--since", "2999-01-01"), "", id="since"),
        pytest.param(("--product", "text2video"), "1 2", id="product"),
    ],
)
def test_options_choose(kling: Kling, options: tuple[str, ...], numbers: str) -> None:
    result = kling.run("events", "-q", *options)

    assert result.stdout.split() == numbers.split()


def test_nothing_kept_is_an_empty_list(kling: Kling) -> None:
    empty, narrow = kling.run("events"), kling.run("events", "--status", "failed")

    assert empty.stdout == narrow.stdout == ""
    assert "no callback has been kept yet\nhint: kling listen" in empty.stderr
    assert "no kept callback matches\nhint: kling events" in narrow.stderr
    assert kling.run("events", "--json").json()["events"] == []


@pytest.mark.usefixtures("journal")
def test_json_has_every_callback_with_what_became_of_it(kling: Kling) -> None:
    document = kling.run("events", "--json").json()

    second = document["events"][1]
    assert (document["ok"], document["command"]) == (True, "events list")
    assert (second["event_id"], second["task_id"], second["trust"]) == (2, "t2", "mock")
    assert b64decode(second["body_b64"]) == BODY
    assert second["headers"]["kling-mock"] == "****"
    assert [each["status"] for each in second["forwards"]] == [500]


@pytest.mark.usefixtures("journal")
def test_one_is_shown_with_all_there_is_to_say(kling: Kling) -> None:
    result = kling.run("events", "show", "2")

    assert result.lines[0] == "#2  failed"
    assert "  task      t2" in result.lines
    assert "  proof     mock" in result.lines
    assert '    "id": "t1",' in result.lines
    assert f"  2026-10-04T12:00:00.000Z 500 {HERE}, after 250ms" in result.lines
    assert "s3cret" not in result.stdout


@pytest.mark.usefixtures("journal")
def test_a_strangers_bytes_cannot_act_on_the_terminal(kling: Kling) -> None:
    result = kling.run("events", "show", "last")

    assert "\x1b" not in result.stdout
    assert r"\x1b[2J" in result.stdout


@pytest.mark.usefixtures("journal")
def test_quiet_gives_the_body_byte_for_byte(kling: Kling) -> None:
    assert kling.run("events", "show", "1", "-q").stdout.encode() == BODY


@pytest.mark.usefixtures("journal")
@pytest.mark.parametrize(
    ("args", "words"),
    [
        pytest.param(("show", "9"), "callback 9 is not kept", id="no such number"),
        pytest.param(("show", "x"), "no number of a callback", id="no number"),
        pytest.param(("--status", "done"), "no such word", id="no status"),
        pytest.param(("list", "--since", "soon"), "not a time", id="no time"),
        pytest.param(("clear", "--before", "soon"), "--before soon", id="no time"),
        pytest.param(("export",), "--har, --jsonl or --curl", id="no form"),
        pytest.param(("nonsense",), "No such command", id="no command"),
    ],
)
def test_what_makes_no_sense_is_refused(
    kling: Kling, args: tuple[str, ...], words: str
) -> None:
    result = kling.run("events", *args)

    assert result.exit_code == 2
    assert words in result.stderr


def test_new_ones_are_followed_as_they_come(
    kling: Kling, journal: CallbackJournal
) -> None:
    with kling.start("events", "tail", "--last", "1", "--json") as program:
        program.wait_for(r'"event_id": 3', stream="stdout")
        journal.keep_callback(a_callback(task_id="t4"))
        program.wait_for(r'"event_id": 4', stream="stdout")
        program.send(signal.SIGINT)
        result = program.finish()

    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.exit_code == 130
    assert [(each["seq"], each["type"]) for each in lines] == [
        (1, "callback"),
        (2, "callback"),
    ]
    assert lines[1]["task_id"] == "t4"


@pytest.mark.usefixtures("journal")
def test_following_ends_after_as_many_as_were_asked_for(kling: Kling) -> None:
    result = kling.run("events", "tail", "--max-events", "2")

    assert result.exit_code == 0
    assert [line.split()[1] for line in result.lines] == ["#1", "#2"]


def test_following_ends_when_nobody_reads(
    kling: Kling, journal: CallbackJournal
) -> None:
    with subprocess.Popen(
        kling.command("events", "tail"),
        env=kling.env,
        cwd=kling.here,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as program:
        assert program.stdout is not None
        program.stdout.readline()
        program.stdout.close()
        journal.keep_callback(a_callback())
        assert program.wait(20) == 0
        assert program.stderr is not None
        assert program.stderr.read() == b""


@pytest.mark.usefixtures("journal")
def test_an_archive_has_every_delivery(kling: Kling) -> None:
    entries = kling.run("events", "export", "--har").json()["log"]["entries"]

    first, _, forward, last = entries
    assert first["request"]["postData"]["text"] == BODY.decode()
    assert (forward["request"]["url"], forward["response"]["status"]) == (HERE, 500)
    assert forward["time"] == 250.0
    assert last["request"]["postData"]["encoding"] == "base64"
    assert last["response"]["status"] == 400


@pytest.mark.usefixtures("journal")
def test_exported_lines_are_objects_each(kling: Kling) -> None:
    result = kling.run("events", "export", "--jsonl", "3", "1")

    assert [json.loads(line)["event_id"] for line in result.lines] == [3, 1]


def test_an_exported_command_sends_the_same_bytes(
    kling: Kling, journal: CallbackJournal
) -> None:
    tricky = b'{"id": "it\'s", "x": "$HOME `id` \\n"}\n'
    binary = b"\xff\x00\r\n@file"
    journal.keep_callbacks([a_callback(raw=tricky), a_callback(raw=binary)])

    with echo_server() as app:
        to = f"{app.url}/hook"
        result = kling.run("events", "export", "--curl", "4", "5", "--to", to)
        for line in result.lines:
            subprocess.run(["sh", "-c", line], check=True, capture_output=True)

    assert app.bodies == [tricky, binary]
    assert app.paths == ["/hook", "/hook"]


@pytest.mark.usefixtures("journal")
def test_an_export_goes_into_a_file_that_is_not_there_yet(kling: Kling) -> None:
    path: Path = kling.here / "events.har"
    mine = kling.here / "events.har.part"
    mine.write_text("precious")

    assert kling.run("events", "export", "--har", "-o", str(path)).stdout == ""
    before = path.read_text()
    again = kling.run("events", "export", "--har", "-o", str(path))
    forced = kling.run("events", "export", "--har", "--force", "-o", str(path))
    nowhere = kling.run("events", "export", "--har", "-o", "/no/such/folder/x")
    os.mkfifo(kling.home / "pipe")
    pipe = str(kling.home / "pipe")
    special = kling.run("events", "export", "--har", "--force", "-o", pipe)

    assert json.loads(before)["log"]["version"] == "1.2"
    assert (again.exit_code, forced.exit_code, nowhere.exit_code) == (2, 0, 9)
    assert special.exit_code == 2
    assert Path(pipe).is_fifo()
    assert kling.files() == [path, mine]
    assert mine.read_text() == "precious"


@pytest.mark.usefixtures("journal")
def test_clearing_deletes_what_is_chosen_and_else_all(kling: Kling) -> None:
    assert (
        kling.run("events", "clear", "--before", "2020-01-01", "--json").json()[
            "cleared"
        ]
        == 0
    )
    assert kling.run("events", "clear", "--task", "t1").stdout == "1 callback deleted\n"
    assert kling.run("events", "clear", "-q").stdout == ""
    assert kling.run("events").stdout == ""
