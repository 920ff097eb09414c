"""Synchronous calls: the response is the result, without polls or callbacks."""

from __future__ import annotations

import json

import pytest

from tests.support import images
from tests.support.kling import Kling
from tests.support.sandbox_server import SandboxServer


@pytest.mark.parametrize(
    ("args", "kinds", "units"),
    [
        (("tts", "Good morning"), ["audio"], 0.05),
        (("image-recognize", "person.png"), ["image"] * 3, 0.1),
    ],
    ids=["tts", "image-recognize"],
)
def test_a_direct_call_is_saved_and_remembered(
    kling: Kling, args: tuple[str, ...], kinds: list[str], units: float
) -> None:
    (kling.here / "person.png").write_bytes(images.png(300, 300))

    made = json.loads(kling.run(*args, "--json").stdout)
    again = json.loads(kling.run("status", made["task_id"], "--json").stdout)

    assert made["requests"] == {"create": 1, "query": 0}
    assert made["callbacks"] == 0
    assert made["units"] == units
    assert [each["type"] for each in made["outputs"]] == kinds
    assert all((kling.here / each["path"]).read_bytes() for each in made["outputs"])
    assert again["status"] == "succeeded"


def test_a_call_whose_process_was_killed_is_unknown_and_told_of_once(
    kling: Kling, sandbox: SandboxServer
) -> None:
    sandbox.faults("create:hang")
    with kling.start("tts", "Good morning") as program:
        sandbox.wait_until(lambda state: state["counts"]["create"] == 1)
        program.process.kill()

    first, again = kling.run("wait", "--json"), kling.run("wait", "--json")

    found = json.loads(first.stdout)
    assert (first.exit_code, found["error"]["type"]) == (11, "submission_unknown")
    assert "run the command again" in found["error"]["hint"]
    assert "never reached" not in first.stderr
    assert (again.exit_code, json.loads(again.stdout)["tasks"]) == (0, [])
    assert " unknown " in kling.run("list").stdout
