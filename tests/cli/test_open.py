"""`kling open`, `--open`, `--preview` and `--notify`, on a terminal and off it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kling_cli.cli.options import Showing, Talk
from kling_cli.cli.presentation import Presentation, notice
from kling_cli.cli.report.terminal import link
from kling_cli.errors import ExitCode, StoppedError
from kling_cli.jobs.entry import Stage
from kling_cli.jobs.events import JobResult
from kling_cli.jobs.journal import Journal
from kling_cli.settings import load
from tests.cli.examples import PROMPT, a_result
from tests.cli.test_list import an_entry
from tests.support.kling import Kling
from tests.support.opener import put_opener
from tests.support.terminal import Terminal

ITERM = {"TERM": "xterm-256color", "TERM_PROGRAM": "iTerm.app"}


@pytest.fixture
def opened(kling: Kling) -> Path:
    """Put a program that opens files into the way, and return what it notes them in."""
    programs = kling.home / "bin"
    kling.env["PATH"] = f"{programs}:{kling.env['PATH']}"
    return put_opener(programs)


def test_a_terminal_shows_links_opens_and_notifies_its_person(
    kling: Kling, opened: Path
) -> None:
    terminal = Terminal(streams=("stdin", "stdout", "stderr"))
    command = ("image", "two cats", "--sandbox", "--open", "--notify")

    with kling.start(*command, env=ITERM, terminal=terminal) as program:
        result = program.finish()

    assert result.exit_code == 0
    said = result.stdout
    [saved] = kling.files()
    assert opened.read_text() == f"{saved}\n"
    assert link(saved.name, saved.as_uri()) in said
    assert "\x1b]1337;File=inline=1;" in said
    assert "\x1b]9;image succeeded: two cats\x1b\\" in said

    again = kling.run("open", "last", "--sandbox", env=ITERM)

    assert (again.stdout, again.stderr) == (f"{saved}\n", "")
    assert opened.read_text() == f"{saved}\n" * 2

    # The sandbox has ended with its command: nothing can be gone on with.
    terminal = Terminal(streams=("stdin", "stdout"), columns=200)
    status = ("status", "last", "--sandbox")
    with kling.start(*status, env=ITERM, terminal=terminal) as program:
        gone = program.finish()

    assert f"file     {link(saved.name, saved.as_uri())}" in gone.stdout
    assert "go on" not in gone.stdout + gone.stderr


@pytest.mark.usefixtures("opened")
def test_a_task_without_a_file_is_told_with_what_to_do(kling: Kling) -> None:
    with Journal.open(kling.state_dir) as journal:
        journal.write_down(an_entry("1", stage=Stage.PROCESSING))
        journal.write_down(an_entry("2"))
        journal.write_down(an_entry("3", stage=Stage.REFUSED))

    for name, hint in (
        ("1", "kling wait 1 --open"),
        ("2", "kling download 2 --open"),
        ("kling-3", "kling list --search kling-3"),
        ("4", "kling download 4 --open"),
    ):
        result = kling.run("open", name)

        assert result.exit_code == 2
        assert f"hint: {hint}" in result.stderr


def test_without_a_program_that_opens_files_it_is_said(
    kling: Kling, tmp_path: Path
) -> None:
    film = tmp_path / "film.mp4"
    film.write_bytes(b"film")
    with Journal.open(kling.state_dir) as journal:
        journal.write_down(an_entry("1", paths=(str(film),)))

    result = kling.run("open", "1", env={"PATH": str(tmp_path)})

    assert result.exit_code == 9
    assert "xdg-open" in result.stderr or "open" in result.stderr


def test_nothing_is_drawn_or_rung_in_a_pipe(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in ITERM.items():
        monkeypatch.setenv(name, value)
    wanted = Presentation(is_previewing=True, is_notifying=True)

    wanted.show([a_result()], Talk())
    wanted.end([a_result()], Talk())

    assert capsys.readouterr() == ("", "")


STOPPED = StoppedError("stopped", exit_code=ExitCode.INTERRUPTED)


@pytest.mark.parametrize(
    ("wanted", "result", "is_told"),
    [
        (None, a_result(elapsed_s=59.0), False),
        (None, a_result(elapsed_s=60.0), True),
        (None, a_result(elapsed_s=None), False),
        (True, a_result(elapsed_s=1.0), True),
        (False, a_result(elapsed_s=99.0), False),
        (True, a_result(elapsed_s=99.0, error=STOPPED), False),
    ],
)
def test_only_the_end_of_a_long_job_is_told_unless_it_is_asked_for(
    wanted: bool | None, result: JobResult, is_told: bool
) -> None:
    assert Presentation(is_notifying=wanted).is_news([result]) is is_told


def test_an_option_wins_over_the_setting() -> None:
    settings = load({"KLING_PREVIEW": "1", "KLING_NOTIFY": "0"})

    assert Presentation.of(Showing(), settings) == Presentation(
        is_previewing=True, is_notifying=False
    )
    typed = Showing(is_previewing=False, is_notifying=True, is_opening=True)
    assert Presentation.of(typed, settings) == Presentation(
        is_previewing=False, is_notifying=True, is_opening=True
    )


def test_a_notice_names_what_ended_and_how() -> None:
    assert notice([a_result()]) == f"text2video succeeded: {PROMPT}"
    assert re.match("together: 2 tasks, 2 succeeded", notice([a_result()] * 2))
