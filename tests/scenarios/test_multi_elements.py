"""`kling multi-elements`: a video is opened, marked, previewed and edited."""

from __future__ import annotations

from typing import Any

import pytest

from tests.scenarios.assertions import document, one_task, saved
from tests.support import images
from tests.support.kling import Kling
from tests.support.program import Result
from tests.support.sandbox_server import SandboxServer

CAT = "https://vid.example.com/cat.mp4"
STRANGE = "880000000000000501"
KEYS = {"schema", "ok", "command", "session_id", "expires_at", "outputs", "units"}
KEYS |= {"request_id", "error"}
POINT = ("--frame", "0", "--point", "0.4,0.5")
SWAP = ("Replace the cat in @video_1 with the dog of @image_1", "--edit", "swap")


def step(kling: Kling, *args: str) -> Result:
    return kling.run("multi-elements", *args)


def told(kling: Kling, *args: str) -> dict[str, Any]:
    result = step(kling, *args, "--json")
    found = result.json()
    assert set(found) == KEYS
    assert found["command"] == f"multi-elements {args[0]}"
    assert found["ok"] == (result.exit_code == 0)
    return found


def test_a_video_is_selected_marked_looked_at_and_edited(
    kling: Kling, sandbox: SandboxServer
) -> None:
    (kling.here / "dog.png").write_bytes(images.png(300, 300))

    opened = step(kling, "select", CAT)
    (session,) = opened.lines
    marked = step(kling, "add", session, *POINT, "--point", "0.6,0.5")
    less = step(kling, "remove", session, "--frame", "0", "--point", "0.6,0.5")
    shown = step(kling, "preview", session, "-o", "preview/")
    edited = step(kling, "edit", session, *SWAP, "--image", "dog.png", "-q")

    assert "5.041 s, 121 frames, 24 a second, 1280x720 px, open until" in opened.stderr
    assert f"kling multi-elements add {session}" in opened.stderr
    assert f"kling multi-elements edit {session} PROMPT" in opened.stderr
    assert (marked.stdout, marked.stderr) == ("", "1 object marked\n")
    assert less.exit_code == 0
    files = [kling.here / line for line in shown.lines]
    assert [file.suffix for file in files] == [".mp4", ".png", ".json"]
    assert all(file.read_bytes() for file in files)
    saved(kling, edited)
    assert one_task(sandbox)["product"] == "multi-elements"
    assert one_task(sandbox)["units"] == 3


def test_json_is_one_object_with_the_same_keys_for_every_step(kling: Kling) -> None:
    opened = told(kling, "select", CAT)
    session = opened["session_id"]
    added = told(kling, "add", session, *POINT)
    shown = told(kling, "preview", session, "--no-download")
    cleared = told(kling, "clear", session)
    empty = told(kling, "preview", session)

    assert opened["outputs"][0]["frames"] == 121
    assert added["outputs"][0]["type"] == "mask"
    assert added["expires_at"] == opened["expires_at"]
    assert [one["type"] for one in shown["outputs"]] == ["video", "image", "tracking"]
    assert cleared["outputs"] == []
    assert empty["error"]["type"] == "task_failed"
    assert f"kling multi-elements add {session}" in empty["error"]["hint"]


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (("select", "cat.mp4"), 2, "neither a URL nor an id"),
        (("add", STRANGE, "--frame", "0", "--point", "4,5"), 2, "--point.x 4.0"),
        (("add", STRANGE, "--frame", "0", "--point", "middle"), 2, "--point middle"),
        (("add", STRANGE, "--frame", "-1", "--point", "0,0"), 2, "--frame -1"),
        (("add", STRANGE, "--frame", "0"), 2, "--point is missing"),
        (("clear",), 2, "SESSION is missing"),
        (("edit", STRANGE, "a", "--edit", "swap"), 2, "exactly one image"),
        (("edit", STRANGE, "a"), 2, "--edit is missing"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_sent(
    args: tuple[str, ...], code: int, words: str, kling: Kling, sandbox: SandboxServer
) -> None:
    result = step(kling, *args)

    assert result.exit_code == code, result
    assert words in result.stderr
    assert sandbox.requests("create") == []


def test_points_that_are_not_there_cannot_be_taken_back(kling: Kling) -> None:
    result = step(kling, "remove", STRANGE, "--frame", "3", "--point", "0,0")

    assert result.exit_code == 8
    assert "nothing was recognised (status 1)" in result.stderr
    assert "exactly as they were added" in result.stderr


def test_an_answer_that_was_lost_is_asked_for_again(
    kling: Kling, sandbox: SandboxServer
) -> None:
    sandbox.faults("create:accept-503")

    result = step(kling, "add", STRANGE, *POINT)

    assert result.exit_code == 0
    assert sandbox.counts["create"] == 2


def test_an_answer_that_never_comes_is_given_up(
    kling: Kling, sandbox: SandboxServer
) -> None:
    sandbox.faults("create:resetx0")

    result = step(kling, "clear", STRANGE)

    assert result.exit_code == 6
    assert "it costs nothing" in result.stderr


def test_a_session_that_has_ended_is_opened_anew(
    kling: Kling, sandbox: SandboxServer
) -> None:
    (session,) = step(kling, "select", CAT).lines
    sandbox.advance(24 * 3600)

    result = step(kling, "add", session, *POINT)

    assert result.exit_code == 2
    assert "kling multi-elements select VIDEO" in result.stderr


def test_the_length_of_the_selected_video_is_remembered(
    kling: Kling, sandbox: SandboxServer
) -> None:
    video = document(kling.run("text2video", "a cat", "-d", "10", "--json"))
    (session,) = step(kling, "select", video["task_id"], "-q").lines
    removal = ("edit", session, "Remove the cat from @video_1", "--edit", "removal")

    refused = step(kling, *removal, "-d", "5")
    shown = step(kling, *removal, "--dry-run", "--json").json()

    assert refused.exit_code == 2
    assert "--duration 10 goes with it" in refused.stderr
    assert shown["dry_run"]["body"]["duration"] == "10"
    assert shown["dry_run"]["body"]["prompt"] == "Remove the cat from <<<video_1>>>"
