"""Managed resources: voices, elements, models, packs, tasks of the account."""

from __future__ import annotations

import re
import shlex
import signal

import pytest

from kling_cli.cli.output.json_document import LISTING_KEYS
from tests.scenarios.assertions import CONTROL, PROMPT
from tests.support import images
from tests.support.kling import Kling
from tests.support.sandbox_server import SandboxServer
from tests.support.terminal import Terminal

ANN = ("voices", "create", "Ann", "--from", "https://snd.example.com/ann.mp3")
HERO = (
    *("elements", "create", "Hero", "red coat", "--tag", "character"),
    *("--frontal", "front.png", "--refer", "side.png"),
)
OFF = ("--callback", "off")
TERM = {"TERM": "xterm-256color"}


@pytest.fixture(autouse=True)
def pictures(kling: Kling) -> None:
    for name in ("front.png", "side.png"):
        (kling.here / name).write_bytes(images.png(300, 300))


@pytest.mark.parametrize(
    ("command", "noun"), [(ANN, "voice"), (HERO, "element")], ids=["voice", "element"]
)
def test_what_is_made_is_listed_shown_used_and_deleted_once(
    command: tuple[str, ...], noun: str, kling: Kling, sandbox: SandboxServer
) -> None:
    made = kling.run(*command)
    thing_id = made.stdout.strip()
    listed = kling.run(f"{noun}s", "--own", "-q")
    shown = kling.run(f"{noun}s", "show", thing_id, "--json").json()
    used = kling.run(
        *("image2video", "front.png", "hello", "-m", "kling-3.0", "--sound"),
        *(f"--{noun}", f"it={thing_id}", "--dry-run"),
    )
    gone, again = (kling.run(f"{noun}s", "delete", thing_id, "--yes") for _ in "12")

    assert (made.exit_code, thing_id.isdecimal()) == (0, True)
    assert listed.stdout == f"{thing_id}\n"
    assert shown[f"{noun}s"][0]["id"] == thing_id
    assert used.exit_code == 0, used
    assert thing_id in used.stdout
    assert (gone.exit_code, gone.stdout) == (0, f"deleted {thing_id}\n")
    assert (again.exit_code, again.stdout) == (2, "")
    assert f"{noun} {thing_id} has been deleted before" in again.stderr
    assert kling.run(f"{noun}s", "--own").stdout == ""
    assert sandbox.counts["create"] == 1


def test_what_was_not_waited_for_is_finished_with_its_id(kling: Kling) -> None:
    task_id = kling.run(*ANN, "--no-wait", "-q", *OFF).stdout.strip()

    finished = kling.run("wait")
    shown = kling.run("voices", "show", task_id)

    voice_id = finished.stdout.strip()
    assert (finished.exit_code, voice_id.isdecimal()) == (0, True)
    assert voice_id != task_id
    assert shown.lines[0].split() == [voice_id, "Ann"]
    assert kling.files("*.mp3") == []


def test_a_sample_is_saved_on_request_and_by_download(kling: Kling) -> None:
    made = kling.run(*ANN, "-o", "ann.mp3", "--json", *OFF).json()

    again = kling.run("download", made["task_id"], "-o", "again.mp3")

    assert made["command"] == "voices create"
    assert made["outputs"][0]["path"] == "ann.mp3"
    assert again.stdout == "again.mp3\n"
    first, second = (path.read_bytes() for path in kling.files("*.mp3"))
    assert first == second


def test_presets_are_cut_at_the_limit_and_that_is_said(kling: Kling) -> None:
    result = kling.run("voices", "--preset", "--limit", "2")
    document = kling.run("voices", "--preset", "--limit", "0", "--json").json()

    assert len(result.lines) == 2
    assert "--limit 0" in result.stderr
    assert (len(document["voices"]), document["has_more"]) == (3, False)
    assert {one["owner"] for one in document["voices"]} == {"preset"}


def test_without_a_terminal_nothing_is_deleted_unasked(
    kling: Kling, sandbox: SandboxServer
) -> None:
    result = kling.run("voices", "delete", "83")

    assert result.exit_code == 2
    assert "kling voices delete 83 --yes" in result.stderr
    assert sandbox.counts.get("query", 0) == 0


@pytest.mark.parametrize(("answer", "is_gone"), [("y", True), ("n", False)])
def test_on_a_terminal_deletion_asks_by_name(
    answer: str, is_gone: bool, kling: Kling
) -> None:
    voice_id = kling.run(*ANN, "-q", *OFF).stdout.strip()
    terminal = Terminal()

    with kling.start(
        "voices", "delete", voice_id, env=TERM, terminal=terminal
    ) as program:
        program.wait_for(rf"Delete the voice Ann \({voice_id}\)")
        terminal.type(f"{answer}\r")
        result = program.finish()

    left = kling.run("voices", "--own", "-q").stdout
    assert result.exit_code == 0
    assert (left == "") == is_gone
    assert result.stdout == (f"deleted {voice_id}\n" if is_gone else "")
    assert ("nothing was deleted" in result.stderr) != is_gone


def test_ctrl_c_at_the_question_deletes_nothing(
    kling: Kling, sandbox: SandboxServer
) -> None:
    voice_id = kling.run(*ANN, "-q", *OFF).stdout.strip()
    command = ("voices", "delete", voice_id)

    with kling.start(*command, env=TERM, terminal=Terminal()) as program:
        program.wait_for("Delete the voice Ann")
        program.send(signal.SIGINT)
        result = program.finish()

    assert (result.exit_code, result.stdout) == (130, "")
    assert kling.run("voices", "--own", "-q").lines == [voice_id]


def test_a_preset_cannot_be_deleted_and_the_others_are(kling: Kling) -> None:
    voice_id = kling.run(*ANN, "-q", *OFF).stdout.strip()
    preset = kling.run("voices", "--preset", "-q").lines[0]

    result = kling.run("voices", "delete", preset, voice_id, "--yes", "--json")

    document = result.json()
    assert result.exit_code == 2
    assert (document["ok"], document["deleted"]) == (False, [voice_id])
    assert preset in document["error"]["message"]


PAIR = pytest.mark.parametrize("is_pair", [False, True], ids=["API key", "key pair"])


@PAIR
def test_a_stranger_is_listed_and_looked_at(
    is_pair: bool, kling: Kling, sandbox: SandboxServer
) -> None:
    order = (*PROMPT, "-m", "kling-v1-6", "--no-wait", "-q", *OFF)
    task_id = kling.run(*order).stdout.strip()
    elsewhere: dict[str, str | None] = {"KLING_STATE_DIR": str(kling.home / "other")}
    env = {**elsewhere, **(sandbox.pair_env if is_pair else {})}

    listed = kling.run("list", "--remote", env=env)
    looked = kling.run("status", task_id, "--json", env=env).json()

    words = listed.lines[0].split()
    assert (listed.exit_code, words[2]) == (0, task_id)
    assert words[3] == ("text2video" if is_pair else "-")
    assert looked["task_id"] == task_id
    assert looked["product"] == ("text2video" if is_pair else None)
    assert looked["requests"] == {"create": 0, "query": 1}


def test_what_this_machine_knows_is_named_in_the_accounts_list(kling: Kling) -> None:
    task_id = kling.run(*PROMPT, "-q").stdout
    document = kling.run("list", "--remote", "--json").json()

    (task,) = document["tasks"]
    assert task["product"] == "text2video"
    assert task["status"] == "succeeded"
    assert task["outputs"][0]["path"] == task_id.strip()


def test_packs_are_shown_with_a_bar_on_a_terminal_alone(kling: Kling) -> None:
    terminal = Terminal(streams=("stdout", "stderr"), columns=120)

    with kling.start("account", env=TERM, terminal=terminal) as program:
        drawn = program.finish()
    piped = kling.run("account")

    assert "[################]  1000 of 1000" in drawn.stdout
    assert "12 hours" in drawn.stdout
    assert re.search(r"\d{4}-\d\d-\d\d, in 9[12] days", drawn.stdout)
    assert piped.stderr == ""
    assert "#" not in piped.stdout
    assert piped.lines[0].split()[1:4] == ["online", "1000", "1000"]


def test_a_bill_is_filtered_cut_and_summed(kling: Kling) -> None:
    kling.run("tts", "Good morning")
    kling.run("tts", "Good night")

    rows = kling.run("account", "billing", "--limit", "1")
    sums = kling.run("account", "billing", "--by", "day").lines
    none = kling.run("account", "billing", "--product-type", "image", "--json").json()
    cash = kling.run("account", "balance", "--since", "2h", "--json").json()

    assert len(rows.lines) == 1
    assert "--limit 0" in rows.stderr
    assert sums[-1].split()[1:] == ["0.1", "units"]
    assert (none["deductions"], none["totals"]) == ([], [])
    assert cash["ok"]


@pytest.mark.parametrize(
    ("command", "fault", "code"),
    [
        (("voices",), "query:1103x0", 3),
        (("elements", "list"), "query:502htmlx0", 6),
        (("voices", "show", "83"), None, 2),
        (("voices", "delete", "83", "--yes"), None, 2),
        (("account",), "account:1302x0", 6),  # asked three times in three seconds
        (("account", "billing"), "account:1101x0", 4),
        (("account", "balance", "--since", "soon"), None, 2),
        (("list", "--remote"), "query:1002x0", 3),
        (("list", "--status", "done"), None, 2),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_a_failure_is_one_object_with_the_keys_of_a_success(
    command: tuple[str, ...],
    fault: str | None,
    code: int,
    kling: Kling,
    sandbox: SandboxServer,
) -> None:
    sandbox.faults(*([fault] if fault else []))

    result = kling.run(*command, "--json")

    document = result.json()
    empty = LISTING_KEYS[document["command"]]
    assert result.exit_code == code
    assert {key: document[key] for key in empty} == empty
    assert set(document) == {"schema", "ok", "command", "error", *empty}
    assert not CONTROL.search(result.stdout + result.stderr)


def test_usage_is_told_under_the_sub_command_that_was_meant(kling: Kling) -> None:
    documents = [
        kling.run(*line, "--json").json()
        for line in (("voices", "--limit", "x"), ("elements", "create", "--what"))
    ]

    assert [each["command"] for each in documents] == ["voices list", "elements create"]
    assert [each["ok"] for each in documents] == [False, False]
    assert "voices" in documents[0]
    assert "task_id" in documents[1]


@pytest.mark.parametrize(
    ("line", "printed"),
    [
        ("voices delete 830000000000000301 --yes", "deleted 830000000000000301"),
        ("elements delete 320000000000301 --yes", "deleted 320000000000301"),
        ("account billing --since 7d --by model", "kling-3.0-turbo  4  units"),
        ("list --remote --since 3d -q", "930000000000000001"),
    ],
)
def test_a_visitor_finds_an_account_that_has_been_used(
    line: str, printed: str, kling: Kling
) -> None:
    result = kling.run(*shlex.split(line), "--sandbox", env={"KLING_API_KEY": None})

    assert (result.exit_code, result.stdout) == (0, f"{printed}\n")
