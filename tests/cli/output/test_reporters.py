from __future__ import annotations

import io

import pytest

from kling_cli.cli.output.reporters import (
    LineReporter,
    ProgressStyle,
    SilentReporter,
    make_reporter,
    progress_style,
)
from kling_cli.cli.output.terminal.capabilities import has_color, is_terminal
from kling_cli.jobs import events
from tests.cli.output.examples import TASK_ID, one_of_each, submitted

CLEVER = {"TERM": "xterm-256color"}


@pytest.mark.parametrize(
    ("is_quiet", "on_terminal", "environ", "expected"),
    [
        pytest.param(False, True, CLEVER, ProgressStyle.LIVE, id="terminal"),
        pytest.param(False, False, CLEVER, ProgressStyle.PLAIN, id="pipe"),
        pytest.param(False, True, {"TERM": "dumb"}, ProgressStyle.PLAIN, id="dumb"),
        pytest.param(False, True, {}, ProgressStyle.PLAIN, id="nameless"),
        pytest.param(True, True, CLEVER, ProgressStyle.SILENT, id="quiet"),
    ],
)
def test_the_terminal_decides_the_style_of_progress(
    is_quiet: bool, on_terminal: bool, environ: dict[str, str], expected: ProgressStyle
) -> None:
    assert (
        progress_style(is_quiet=is_quiet, is_terminal=on_terminal, environ=environ)
        is expected
    )


@pytest.mark.parametrize(
    ("is_colorless", "on_terminal", "environ", "expected"),
    [
        pytest.param(False, True, CLEVER, True, id="terminal"),
        pytest.param(False, False, CLEVER, False, id="pipe"),
        pytest.param(False, True, {"TERM": "dumb"}, False, id="dumb"),
        pytest.param(False, False, {"FORCE_COLOR": "1"}, True, id="forced"),
        pytest.param(False, True, {**CLEVER, "NO_COLOR": "1"}, False, id="NO_COLOR"),
        pytest.param(
            False, True, {**CLEVER, "NO_COLOR": ""}, True, id="NO_COLOR empty"
        ),
        pytest.param(True, True, CLEVER, False, id="--no-color"),
        pytest.param(
            False, True, {"NO_COLOR": "1", "FORCE_COLOR": "1"}, False, id="both"
        ),
    ],
)
def test_colours_are_for_those_who_can_see_them(
    is_colorless: bool, on_terminal: bool, environ: dict[str, str], expected: bool
) -> None:
    colored = has_color(
        is_colorless=is_colorless, is_terminal=on_terminal, environ=environ
    )

    assert colored is expected


def test_a_closed_or_missing_stream_is_no_terminal() -> None:
    closed = io.StringIO()
    closed.close()

    assert not is_terminal(closed)
    assert not is_terminal(None)


def test_the_silent_reporter_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    with make_reporter(is_quiet=True, is_colorless=False) as silent:
        for event in one_of_each():
            silent.handle(event)

    assert isinstance(silent, SilentReporter)
    assert capfd.readouterr() == ("", "")


def test_without_a_terminal_lines_go_to_stderr_alone(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with make_reporter(is_quiet=False, is_colorless=False) as plain:
        plain.handle(submitted())
        plain.handle(events.Querying(task_ids=(TASK_ID,), in_s=1.0))

    printed = capfd.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(f"submitted {TASK_ID}")
    assert printed.err.count("\n") == 1


def test_forced_colours_reach_a_pipe(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")

    with make_reporter(is_quiet=False, is_colorless=False) as plain:
        plain.handle(events.Notice(message="careful"))

    assert capfd.readouterr().err == "\033[33mwarning:\033[0m careful\n"


def test_a_brief_reporter_only_warns(capfd: pytest.CaptureFixture[str]) -> None:
    with LineReporter(is_brief=True) as brief:
        for event in one_of_each():
            brief.handle(event)

    first, second = capfd.readouterr().err.splitlines()
    assert first.startswith("could not ask")
    assert second.startswith("warning:")
