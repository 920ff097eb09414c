"""`kling run`: a request from a file, as the options would have made it."""

from __future__ import annotations

import json

import pytest

from tests.support.images import png
from tests.support.kling import Kling
from tests.support.sandbox_server import run_sandbox_server

PAIR = {"KLING_ACCESS_KEY": "ak-of-a-test-run", "KLING_SECRET_KEY": "sk-of-a-test"}
COMMANDS = [
    pytest.param(
        (
            "image2video", "cat.png", "it purrs", "-m", "kling-3.0",
            "--last-frame", "cat.png",
        ),
        {},
        id="files",
    ),
    pytest.param(
        ("text2video", "a boat", "--mode", "pro", "--sound", "--external-id", "mine"),
        PAIR,
        id="older body",
    ),
    pytest.param(
        (
            "omni-image", "posters like @style", "--image", "style=cat.png",
            "--set", "a.b=[1]", "--set", "a.c=words",
        ),
        {},
        id="handles and set",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("command", "env"), COMMANDS)
def test_the_request_of_a_dry_run_makes_the_same_body(
    command: tuple[str, ...], env: dict[str, str | None], kling: Kling
) -> None:
    (kling.here / "cat.png").write_bytes(png())
    first = kling.run(*command, "--dry-run", "--json", env=env).json()["dry_run"]

    printed = json.dumps(first["request"]).encode()
    again = kling.run("run", "-", "--dry-run", "--json", stdin=printed, env=env).json()

    assert again["ok"]
    assert again["command"] == "run"
    assert again["dry_run"] == first


def test_a_request_is_run_with_the_options_all_commands_share(kling: Kling) -> None:
    request = {"product": "text2video", "fields": {"prompt": "a boat"}}
    (kling.here / "request.json").write_text(json.dumps(request))

    with run_sandbox_server() as sandbox:
        result = kling.run("run", "request.json", "-o", "boat.mp4", env={**sandbox.env})
        listed = kling.run("list", "--json").json()["tasks"]

    assert (result.exit_code, result.stdout) == (0, "boat.mp4\n")
    assert [path.name for path in kling.files("*.mp4")] == ["boat.mp4"]
    assert [task["product"] for task in listed] == ["text2video"]


def test_a_wrong_request_is_explained_and_nothing_is_sent(kling: Kling) -> None:
    request = b'{"product": "text2video", "fields": {"promt": "a boat"}}'

    result = kling.run("run", "-", "--json", stdin=request)

    error = result.json()["error"]
    assert result.exit_code == 2
    assert error["message"] == "text2video has no field promt"
    assert "prompt" in error["hint"]
