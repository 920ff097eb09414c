"""The screen of a terminal during a run and after it."""

from __future__ import annotations

import re
import signal

import pytest

from tests.support.kling import Kling
from tests.support.terminal import Terminal

TERM = {"TERM": "xterm-256color"}
COMMAND = ("text2video", "a paper boat", "--sandbox")
HIDE, SHOW = "\x1b[?25l", "\x1b[?25h"
CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def words_of(shown: str) -> str:
    return CODES.sub("", shown)


@pytest.mark.parametrize("columns", [40, 80])
def test_the_display_shows_the_job_and_stdout_has_the_path_alone(
    columns: int, kling: Kling
) -> None:
    terminal = Terminal(columns=columns)

    with kling.start(*COMMAND, env=TERM, terminal=terminal) as program:
        result = program.finish()

    [path] = kling.files("*.mp4")
    assert result.exit_code == 0
    assert result.stdout == f"{path.name}\n"
    shown = words_of(result.stderr)
    assert max(map(len, re.split(r"[\r\n]+", shown))) <= columns
    assert "kling-3.0-turbo" in shown
    assert "callbacks" in shown
    assert "done: " in shown
    assert result.stderr.rindex(SHOW) > result.stderr.rindex(HIDE)


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)],
)
def test_a_signal_leaves_the_terminal_in_order_and_says_what_there_was(
    number: signal.Signals, code: int, kling: Kling
) -> None:
    with kling.start(*COMMAND, env=TERM, terminal=Terminal()) as program:
        task_id = program.wait_for(r"submitted (\d+)")[1]
        program.send(number)
        result = program.finish()

    after = words_of(result.stderr[result.stderr.rindex(SHOW) :])
    assert result.exit_code == code
    assert result.stdout == ""
    assert task_id in after
    assert "kling sandbox" in after  # this one has ended; there is nothing to wait for


def test_quiet_leaves_the_terminal_untouched(kling: Kling) -> None:
    with kling.start(*COMMAND, "-q", env=TERM, terminal=Terminal()) as program:
        result = program.finish()

    assert result.exit_code == 0
    assert result.stderr == ""
    assert len(result.lines) == 1


@pytest.mark.parametrize(
    "env", [{**TERM, "NO_COLOR": "1"}, TERM], ids=["NO_COLOR", "colours"]
)
def test_colours_obey(env: dict[str, str], kling: Kling) -> None:
    with kling.start(*COMMAND, env=env, terminal=Terminal()) as program:
        result = program.finish()

    has_colours = bool(re.search(r"\x1b\[[0-9;]*3[0-7]m", result.stderr))
    assert has_colours is ("NO_COLOR" not in env)


def test_forced_colours_in_a_pipe_are_colours_and_nothing_else(kling: Kling) -> None:
    result = kling.run(*COMMAND, env={**TERM, "FORCE_COLOR": "1"})

    codes = set(CODES.findall(result.stderr))
    assert codes
    assert all(code.endswith("m") for code in codes)
    assert not CODES.search(result.stdout)
