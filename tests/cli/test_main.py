"""The whole program as a shell sees it: codes, streams, JSON, readers that leave."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from kling_cli import __version__
from kling_cli.cli.contents import entries
from tests.cli.report.test_document import GOLDEN
from tests.support.kling import Kling
from tests.support.terminal import Terminal

CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
LISTED = ["schema", "ok", "command", "tasks", "error"]
WRONG_LINES = [
    pytest.param(["frobnicate"], "No such command 'frobnicate'", id="no such command"),
    pytest.param(["txt2video"], "Did you mean 'text2video'", id="nearly a command"),
    pytest.param(
        ["text2video", "x", "--duratoin", "5"], "--duration", id="nearly an option"
    ),
    pytest.param(
        ["text2video", "x", "-d", "many"], "not a valid int", id="not a number"
    ),
    pytest.param(
        ["text2video", "x", "--callback", "maybe"], "'maybe' is not one of", id="choice"
    ),
    pytest.param(["text2video", "x", "-d"], "requires an argument", id="no value"),
    pytest.param(["text2video", "x", "y"], "unexpected extra argument", id="too much"),
    pytest.param(["text2video"], "there is no prompt", id="no prompt"),
    pytest.param(["image2video"], "IMAGE", id="no image"),
    pytest.param(["text2video", " "], "the prompt is empty", id="blank prompt"),
    pytest.param(["text2video", "-"], "the prompt is empty", id="empty stdin"),
    pytest.param(["text2video", "x", "--timeout", "soon"], "--timeout", id="timeout"),
    pytest.param(["text2video", "x", "--max-units", "-1"], "--max-units", id="units"),
    pytest.param(["status"], "Missing argument 'TASK_ID...'", id="no ids"),
    pytest.param(["status", ""], "a task id is empty", id="empty id"),
    pytest.param(["download", "1", ""], "a task id is empty", id="empty id of two"),
    pytest.param(["list", "--status", "done"], "no such state", id="status"),
]


@pytest.mark.parametrize(("arguments", "complaint"), WRONG_LINES)
def test_a_wrong_line_is_explained_on_stderr_and_is_one_object_under_json(
    arguments: list[str], complaint: str, kling: Kling
) -> None:
    result = kling.run(arguments[0], "--json", *arguments[1:], stdin=b"")

    document = result.json()
    assert result.exit_code == 2
    assert list(document) == (LISTED if arguments[0] == "list" else list(GOLDEN))
    assert result.stdout.count("\n") == 1
    assert document["command"] == arguments[0]
    assert document["error"]["type"] == "usage"
    assert complaint in document["error"]["message"]
    assert result.stderr.startswith("error: ")
    assert complaint in result.stderr


@pytest.mark.parametrize("arguments", [["frobnicate"], ["text2video"], ["list", "-z"]])
def test_a_wrong_line_leaves_stdout_alone(arguments: list[str], kling: Kling) -> None:
    result = kling.run(*arguments)

    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")


@pytest.mark.parametrize(
    "arguments", [["text2video", "x"], ["status", "1"], ["wait"], ["download", "1"]]
)
def test_missing_credentials_are_exit_code_3_with_a_hint(
    arguments: list[str], kling: Kling
) -> None:
    result = kling.run(*arguments, "--json")

    error = result.json()["error"]
    assert result.exit_code == 3
    assert error["type"] == "auth"
    assert "kling auth login" in error["hint"]


@pytest.mark.parametrize("option", ["--version", "-V"])
def test_the_version_is_one_line(option: str, kling: Kling) -> None:
    result = kling.run(option)

    assert (result.exit_code, result.stdout) == (0, f"kling {__version__}\n")


def test_the_version_is_said_before_a_command_too(kling: Kling) -> None:
    result = kling.run("--version", "list")

    assert (result.exit_code, result.stdout) == (0, f"kling {__version__}\n")


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"]])
def test_help_begins_with_what_a_newcomer_needs(
    arguments: list[str], kling: Kling
) -> None:
    result = kling.run(*arguments)

    assert result.exit_code == 0
    assert "--sandbox" in result.stdout[: result.stdout.index("text2video, ")]
    places = [result.stdout.index(f" {name} ") for name in ("wait", "list", "doctor")]
    assert result.stdout.index("text2video, ") < min(places)
    assert result.stderr == ""


def test_the_first_screen_of_a_products_help_has_the_options_most_people_need(
    kling: Kling,
) -> None:
    lines = kling.run("text2video", "-h", env={"COLUMNS": "80"}).lines

    first = "\n".join(lines[:24])
    rest = [line for line in lines[24:] if line[:1] not in ("", " ")]
    expected = (
        *("PROMPT", "--model", "--duration", "--resolution", "--aspect-ratio"),
        *("--output", "--json", "--no-wait", "--sandbox", "--dry-run", "--help"),
    )
    assert [word for word in expected if word not in first] == []
    assert lines[0] == "Usage: kling text2video [OPTIONS] [PROMPT]"
    assert "Only with kling-3.0" in lines
    assert rest[-6:] == [
        *("Request", "Output", "Waiting", "Callbacks", "Cost & safety"),
        "More about every option: kling help text2video",
    ]


def test_the_list_of_commands_has_one_line_for_each_at_80_columns(kling: Kling) -> None:
    lines = kling.run("--help", env={"COLUMNS": "80"}).lines

    for entry in entries():
        [row] = [
            line
            for line in lines
            if line.startswith(f"  {', '.join((entry.name, *entry.aliases))} ")
        ]
        assert row.endswith(entry.summary)
    assert max(map(len, lines)) < 80


def test_the_help_of_a_product_fits_a_narrow_terminal(kling: Kling) -> None:
    terminal = Terminal(streams=("stdout",), columns=40)

    with kling.start("text2video", "-h", terminal=terminal) as program:
        result = program.finish()

    assert result.exit_code == 0
    lines = [CODES.sub("", line) for line in result.lines]
    assert max(map(len, lines)) <= 40


def test_a_reader_that_leaves_ends_it_quietly(kling: Kling) -> None:
    reading, writing = os.pipe()
    os.close(reading)

    for arguments in (["--help"], ["--version"], ["list", "--json"], ["x", "--json"]):
        said = subprocess.run(
            kling.command(*arguments),
            stdout=writing,
            stderr=subprocess.PIPE,
            env=kling.env,
            check=False,
        )
        assert b"Traceback" not in said.stderr
        assert b"Exception ignored" not in said.stderr
        assert b"bug" not in said.stderr
        assert said.returncode in (0, 2)
    os.close(writing)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        pytest.param(["listen", "--no-token", "--timeout", "0.1s"], 0, id="listen"),
        pytest.param(
            ["listen", "--no-token", "--json", "--", "echo", "hi"], 0, id="beside"
        ),
        pytest.param(["auth", "login", "--with-key"], 2, id="a key from stdin"),
        pytest.param(["trigger", "--body", "-", "--to", "9"], 2, id="a body"),
    ],
)
def test_without_any_stream_nobody_is_there_and_that_is_no_bug(
    arguments: list[str], code: int, kling: Kling
) -> None:
    said = subprocess.run(
        ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *kling.command(*arguments)],
        env=kling.env,
        cwd=kling.here,
        check=False,
    )

    assert said.returncode == code
    assert not list(kling.state_dir.glob("crash-*"))


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a full device")  # noqa: PTH110 -- at collection
def test_a_full_disk_behind_stdout_is_said(kling: Kling) -> None:
    with open("/dev/full", "wb") as full:  # noqa: PTH123 -- a device
        said = subprocess.run(
            kling.command("text2video", "x", "--dry-run"),
            stdout=full,
            stderr=subprocess.PIPE,
            env=kling.env,
            check=False,
        )

    assert said.returncode == 9
    assert b"could not write to stdout" in said.stderr


INTERRUPTED = """
import sys
class Terminal:
    def read(self, limit): raise KeyboardInterrupt
class Stdin:
    buffer = Terminal()
sys.stdin = Stdin()
sys.argv = ["kling", "text2video", "-", "--json"]
from kling_cli.main import main
sys.exit(main())
"""


def test_an_interrupt_before_there_is_a_job_is_130(kling: Kling) -> None:
    said = subprocess.run(
        [sys.executable, "-c", INTERRUPTED],
        capture_output=True,
        text=True,
        env=kling.env,
        check=False,
    )

    assert said.returncode == 130
    assert '"type": "interrupted"' in said.stdout
    assert said.stderr == "error: interrupted\n"


BUG = """
import sys
from kling_cli.cli import app
def broken(entry):
    key = "".join(["local", "-", "secret"])
    raise ZeroDivisionError("Bearer " + key)
app.load = broken
sys.argv = ["kling", "list", "--json"]
from kling_cli.main import main
sys.exit(main())
"""


@pytest.mark.parametrize("debug", ["", "1"])
def test_a_bug_is_admitted_without_secrets(debug: str, kling: Kling) -> None:
    said = subprocess.run(
        [sys.executable, "-c", BUG],
        capture_output=True,
        text=True,
        env={**kling.env, "KLING_DEBUG": debug},
        check=False,
    )

    assert said.returncode == 1
    assert '"type": "internal"' in said.stdout
    assert "kling has a bug, sorry: ZeroDivisionError" in said.stderr
    assert "local-secret" not in said.stdout + said.stderr
    assert ("Traceback" in said.stderr) is (debug == "1")
    reports = list(kling.state_dir.glob("crash-*.txt"))
    assert len(reports) == (0 if debug else 1)
    assert all("Traceback" in path.read_text("utf-8") for path in reports)
    for path in reports:
        path.unlink()
