"""`kling lip-sync`: faces are found, one is chosen, the rest is a job like any."""

from __future__ import annotations

import json
import re
import shlex
import signal
from collections.abc import Iterator

import pytest

from kling_cli.catalogue.definition import loader
from kling_cli.sandbox.media.audio import Sound
from tests.scenarios.assertions import KEYS, document, listed, one_task, saved
from tests.support.kling import Kling
from tests.support.program import Program
from tests.support.sandbox_server import SandboxServer
from tests.support.terminal import Terminal

TALK, TWO, NONE = (
    f"https://vid.example.com/{name}.mp4" for name in ("talk", "two", "noface")
)
SOUND = ("--audio", "speech.mp3")
TERM = {"TERM": "xterm-256color"}
IDENTIFY, SPEAK = "/v1/videos/identify-face", "/v1/videos/advanced-lip-sync"


@pytest.fixture(autouse=True)
def _speech(kling: Kling) -> None:
    raw = Sound(seconds=3.5, label="speech", kind="mp3").render()
    (kling.here / "speech.mp3").write_bytes(raw)


def creates(sandbox: SandboxServer) -> list[str]:
    """Return the paths of the calls that may cost something, in their order."""
    return [one["path"] for one in sandbox.requests("create")]


def session_in(stderr: str) -> str:
    found = re.search(r"session (\d+)", stderr)
    assert found, stderr
    return found[1]


def test_the_only_face_is_found_and_speaks(
    kling: Kling, sandbox: SandboxServer
) -> None:
    result = kling.run("lip-sync", TALK, *SOUND)

    saved(kling, result)
    assert "1 face found (0.05 units)" in result.stderr
    assert "lip-sync, at most 6 units" in result.stderr
    assert creates(sandbox) == [IDENTIFY, SPEAK]
    assert one_task(sandbox)["external_id"].startswith("kling-")
    assert [one["product"] for one in listed(kling)] == ["lip-sync", "identify-face"]


def test_a_generated_video_is_named_by_its_task(
    kling: Kling, sandbox: SandboxServer
) -> None:
    made = kling.run("text2video", "a man", "-d", "8", "-q", "--no-download", "--json")
    video = document(made)

    named = ("lip-sync", video["task_id"])
    result = kling.run(*named, *SOUND, "--at", "2", "--json").json()

    assert result["outputs"][0]["duration_s"] == 8.041
    assert result["units"] == 1.0
    assert result["session_id"]


def test_a_script_is_told_which_faces_there_are(
    kling: Kling, sandbox: SandboxServer
) -> None:
    result = kling.run("lip-sync", TWO, *SOUND)
    session = session_in(result.stderr)

    assert (result.exit_code, result.stdout) == (2, "")
    assert "0 (0 to 5.041 s), 1 (0 to 5.041 s)" in result.stderr
    assert f"--session {session} --face 0" in result.stderr
    assert creates(sandbox) == [IDENTIFY]

    again = kling.run("lip-sync", TWO, *SOUND, "--session", session, "--face", "1")

    saved(kling, again)
    assert creates(sandbox) == [IDENTIFY, SPEAK]


def test_json_lists_the_faces_that_were_found(kling: Kling) -> None:
    result = kling.run("lip-sync", TWO, *SOUND, "--json")

    found = result.json()
    assert set(found) == KEYS | {"session_id"}
    assert (result.exit_code, found["error"]["type"]) == (2, "usage")
    assert (found["task_id"], found["status"], found["units"]) == (
        None,
        "unknown",
        0.05,
    )
    assert [(one["type"], one["id"]) for one in found["outputs"]] == [
        ("face", "0"),
        ("face", "1"),
    ]
    assert found["outputs"][1]["start_s"] == 0


def test_faces_can_be_looked_for_alone(kling: Kling, sandbox: SandboxServer) -> None:
    result = kling.run("lip-sync", TWO, "--faces")

    assert result.exit_code == 0
    assert [line.split("  ")[:2] for line in result.lines] == [
        ["0", "0 to 5.041 s"],
        ["1", "0 to 5.041 s"],
    ]
    assert all("http" in line for line in result.lines)
    assert creates(sandbox) == [IDENTIFY]


def test_without_a_face_nothing_more_is_spent(
    kling: Kling, sandbox: SandboxServer
) -> None:
    result = kling.run("lip-sync", NONE, *SOUND, "--json")

    found = document(result)
    assert (result.exit_code, found["status"]) == (8, "failed")
    assert found["error"]["message"] == "no face was found in the video"
    assert creates(sandbox) == [IDENTIFY]


def test_a_face_that_is_not_there_is_refused(
    kling: Kling, sandbox: SandboxServer
) -> None:
    result = kling.run("lip-sync", TWO, *SOUND, "--face", "7")

    assert result.exit_code == 2
    assert "there is no face 7: 0 (" in result.stderr
    assert "--face 0" in result.stderr
    assert creates(sandbox) == [IDENTIFY]


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        pytest.param((TALK,), 2, "exactly one sound is needed", id="no sound"),
        pytest.param((TALK, *SOUND, "--audio-id", "8"), 2, "exactly one", id="two"),
        pytest.param(
            (TALK, "--audio", "https://snd.example.com/a.mp3"),
            2,
            "--audio: how long that sound lasts cannot be seen",
            id="a sound of unknown length",
        ),
        pytest.param(
            (TALK, "--audio-id", "88"), 2, "--audio-id: how long that", id="an id"
        ),
        pytest.param((TALK, *SOUND, "--to", "1.5s"), 2, "shorter than 2 s", id="cut"),
        pytest.param((TALK, *SOUND, "--to", "9"), 2, "lasts only 3.504 s", id="beyond"),
        pytest.param((TALK, *SOUND, "--to", "soon"), 2, "not a number", id="no time"),
        pytest.param(SOUND, 2, "a video is needed", id="no video"),
        pytest.param(("talk.mp4", *SOUND), 2, "neither a URL nor an id", id="a file"),
        pytest.param(
            (TALK, *SOUND, "--max-units", "6"), 4, "may come to 6.05", id="price"
        ),
        pytest.param(
            (TALK, *SOUND, "-o", "{colour}"), 2, "no field {colour}", id="template"
        ),
        pytest.param(
            ("--session", "12", *SOUND), 2, "does not know the faces", id="strange"
        ),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_sent(
    args: tuple[str, ...], code: int, words: str, kling: Kling, sandbox: SandboxServer
) -> None:
    result = kling.run("lip-sync", *args)

    assert result.exit_code == code, result
    assert words in result.stderr
    assert creates(sandbox) == []


def test_a_session_of_another_machine_is_taken_at_its_word(kling: Kling) -> None:
    reference_session = (
        "880000000000000401"  # which the sandbox knows from the reference
    )
    result = kling.run(
        "lip-sync", "--session", reference_session, "--face", "3", *SOUND
    )
    gone = kling.run("lip-sync", "--session", "12", "--face", "3", *SOUND)

    saved(kling, result)
    assert gone.exit_code == 2
    assert "Session not found or expired: 12 (code 1201)" in gone.stderr


def test_a_sound_that_misses_the_face_costs_no_job(
    kling: Kling, sandbox: SandboxServer
) -> None:
    result = kling.run("lip-sync", TALK, *SOUND, "--at", "4")

    assert result.exit_code == 2
    assert "2 s of it must be common" in result.stderr
    assert f"--session {session_in(result.stderr)} --face 0" in result.stderr
    assert creates(sandbox) == [IDENTIFY]


def test_a_dry_run_shows_both_requests_and_sends_none(
    kling: Kling, sandbox: SandboxServer
) -> None:
    shown = kling.run("lip-sync", TALK, *SOUND, "--dry-run")
    plan = kling.run("lip-sync", TALK, *SOUND, "--dry-run", "--json").json()
    alone = kling.run("lip-sync", TALK, "--faces", "--dry-run")

    assert shown.exit_code == 0
    urls = re.findall(r"^POST (\S+)$", shown.stdout, re.MULTILINE)
    assert [url.removeprefix(sandbox.base_url) for url in urls] == [IDENTIFY, SPEAK]
    assert "0.05 units" in shown.stdout
    assert plan["dry_run"]["before"]["body"] == {"video_url": TALK}
    (face,) = plan["dry_run"]["body"]["face_choose"]
    assert (face["face_id"], face["sound_end_time"]) == ("<face>", 3504)
    assert alone.stdout.count("POST ") == 1
    assert creates(sandbox) == []


def test_a_lost_answer_about_faces_is_not_asked_for_again(
    kling: Kling, sandbox: SandboxServer
) -> None:
    sandbox.faults("create:accept-503")

    result = kling.run("lip-sync", TALK, *SOUND, "--json")

    found = document(result)
    assert (result.exit_code, found["resume"]) == (11, None)
    assert "may have been charged" in found["error"]["hint"]
    assert creates(sandbox) == [IDENTIFY]


def test_interrupted_identification_says_what_is_not_known(
    kling: Kling, sandbox: SandboxServer
) -> None:
    sandbox.faults("create:hang")
    with kling.start("lip-sync", TALK, *SOUND) as program:
        sandbox.wait_until(lambda now: now["counts"]["create"] >= 1)
        program.press_ctrl_c()
        stopped = program.finish()

    waited = kling.run("wait")

    assert stopped.exit_code == 130
    assert "whether identify-face was charged is not known" in stopped.stderr
    assert "kling wait" not in stopped.stderr  # nobody could be asked
    assert waited.exit_code == 11
    assert "(identify-face) was done: the call was cut off" in waited.stderr
    assert kling.run("wait").exit_code == 0  # told once
    assert creates(sandbox) == [IDENTIFY]


def test_a_refused_job_leaves_the_faces_found(
    kling: Kling, sandbox: SandboxServer
) -> None:
    session = session_in(kling.run("lip-sync", TALK, "--faces").stderr)
    sandbox.faults("create:1201")

    result = kling.run("lip-sync", *SOUND, "--session", session)

    assert result.exit_code == 2
    assert f"--session {session} --face 0" in result.stderr


@pytest.mark.sandbox(task_seconds=600)
def test_no_tunnel_no_faces_where_callbacks_are_required(
    kling: Kling, sandbox: SandboxServer
) -> None:
    args = ("--callback", "require", "--tunnel", "none")

    result = kling.run("lip-sync", TALK, *SOUND, *args)

    assert result.exit_code == 12
    assert creates(sandbox) == []


def test_the_example_of_the_help_runs_in_the_sandbox(kling: Kling) -> None:
    example = loader.load_product("lip-sync").example

    result = kling.run(*shlex.split(example)[1:], "--sandbox")

    assert example in kling.run("lip-sync", "--help").stdout
    saved(kling, result)


# ---- On a terminal.


@pytest.fixture
def prompting_run(kling: Kling) -> Iterator[tuple[Program, Terminal]]:
    """Give a run that asks which of two faces is meant."""
    terminal = Terminal(columns=200)
    with kling.start("lip-sync", TWO, *SOUND, env=TERM, terminal=terminal) as program:
        program.wait_for(r"Which face \(0, 1\)")
        yield program, terminal


def test_the_face_is_prompted_for(
    prompting_run: tuple[Program, Terminal], kling: Kling, sandbox: SandboxServer
) -> None:
    program, terminal = prompting_run

    terminal.type("5\n")
    program.wait_for("there is no face 5")
    terminal.type("1\n")
    result = program.finish()

    saved(kling, result)
    assert "0  0 to 5.041 s  http" in result.stderr
    assert creates(sandbox) == [IDENTIFY, SPEAK]


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)],
)
def test_leaving_the_question_loses_nothing(
    number: signal.Signals,
    code: int,
    prompting_run: tuple[Program, Terminal],
    sandbox: SandboxServer,
) -> None:
    program, _ = prompting_run

    program.send(number)
    result = program.finish()

    assert result.exit_code == code
    assert f"--session {session_in(result.stderr)} --face 0" in result.stderr
    assert creates(sandbox) == [IDENTIFY]


def test_the_end_of_input_is_no_choice(
    prompting_run: tuple[Program, Terminal], sandbox: SandboxServer
) -> None:
    program, terminal = prompting_run

    terminal.type("\x04")
    result = program.finish()

    assert result.exit_code == 130
    assert "no face was chosen" in result.stderr
    assert creates(sandbox) == [IDENTIFY]


@pytest.mark.parametrize("option", ["--json", "-q"])
def test_there_is_no_prompt_without_a_terminal(option: str, kling: Kling) -> None:
    with kling.start(
        "lip-sync", TWO, *SOUND, option, env=TERM, terminal=Terminal()
    ) as program:
        result = program.finish()

    assert result.exit_code == 2
    assert "Which face" not in result.stderr


def test_without_a_login_nobody_claims_to_look(kling: Kling) -> None:
    env = {"KLING_API_KEY": "", "KLING_ACCESS_KEY": "", "KLING_SECRET_KEY": ""}

    result = kling.run("lip-sync", TALK, *SOUND, env=env)

    assert result.exit_code == 3
    assert "looking for" not in result.stderr


def test_a_request_of_both_calls_comes_from_a_file(
    kling: Kling, sandbox: SandboxServer
) -> None:
    plan = kling.run("lip-sync", TALK, *SOUND, "--to", "3", "--dry-run", "--json")
    request = plan.json()["dry_run"]["request"]

    result = kling.run("run", "-", stdin=json.dumps(request).encode())

    saved(kling, result)
    assert request["fields"]["video"] == TALK
    assert creates(sandbox) == [IDENTIFY, SPEAK]


def test_the_schema_of_a_request_has_the_fields_of_both_calls(kling: Kling) -> None:
    fields = kling.run("run", "--schema", "lip-sync").json()["properties"]["fields"]

    assert {"video", "sound_file", "session"} <= fields["properties"].keys()
