"""Prompts before a tunnel is opened; a script is never asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from kling_cli.cli.options.tunnel_prompt import is_tunnel_wanted
from kling_cli.jobs.job import RunOptions
from kling_cli.settings.settings import Settings, read_settings
from tests.support.box import Box, serve_box
from tests.support.kling import Kling
from tests.support.terminal import Terminal


@pytest.fixture
def box() -> Iterator[Box]:
    with serve_box() as served:
        yield served


PROMPT = ("text2video", "A paper boat", "--tunnel", "ngrok")


def settings(**changes: Any) -> Settings:
    return replace(read_settings({}), **changes)


OPTIONS = RunOptions(command="text2video")


@pytest.mark.parametrize(
    ("known", "options", "expected"),
    [
        pytest.param(settings(), OPTIONS, True, id="auto"),
        pytest.param(
            settings(api_base="http://127.0.0.1:1"),
            OPTIONS,
            False,
            id="a sandbox on this machine",
        ),
        pytest.param(
            settings(is_sandbox=True),
            OPTIONS,
            False,
            id="a sandbox of its own",
        ),
        pytest.param(
            settings(), replace(OPTIONS, tunnel="ngrok"), True, id="--tunnel ngrok"
        ),
        pytest.param(settings(), replace(OPTIONS, tunnel="none"), False, id="none"),
        pytest.param(
            settings(),
            replace(OPTIONS, tunnel="ngrok", callback="off"),
            False,
            id="callbacks off",
        ),
        pytest.param(
            settings(),
            replace(OPTIONS, callback_url="https://hooks.example.com"),
            False,
            id="a way of one's own",
        ),
        pytest.param(
            settings(),
            replace(OPTIONS, is_waiting=False),
            False,
            id="nobody waits",
        ),
    ],
)
def test_a_tunnel_is_wanted_unless_the_options_or_the_account_need_none(
    known: Settings, options: RunOptions, *, expected: bool
) -> None:
    assert is_tunnel_wanted(known, options) is expected


def test_declining_the_offer_falls_back_to_polling(kling: Kling, box: Box) -> None:
    terminal = Terminal(streams=("stdin", "stderr"))

    with kling.start(*PROMPT, env=box.env, terminal=terminal) as program:
        program.wait_for("Download it")
        terminal.type("n\n")
        result = program.finish()

    assert result.exit_code == 0
    assert result.stdout.endswith(".mp4\n")


def test_a_script_is_never_asked(kling: Kling, box: Box) -> None:
    result = kling.run(*PROMPT, env=box.env)

    assert result.exit_code == 0
    assert "Download it" not in result.stderr
    assert "ngrok" in result.stderr
