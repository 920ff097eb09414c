"""Every command's help has an example, and every example runs as it stands.

They run in this process against a sandbox that is served, in a home with one finished
job (`boat-1`) and a few kept callbacks, in a folder with the files that they name. A
command that is new is found by itself; without an example it fails here.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from io import TextIOWrapper
from itertools import pairwise
from pathlib import Path, PurePath
from typing import Any

import pytest
import typer

from kling_cli.cli.app import app
from kling_cli.main import main
from kling_cli.products import catalogue
from tests.products.test_audio import mp3, wav
from tests.support.box import API_KEY, Box, serve_box
from tests.support.images import jpeg, png
from tests.support.kling import Kling
from tests.support.recorder import recorder

Names = tuple[str, ...]

JOB = "boat-1"
TASK_S = 0.05
# Those that serve until Ctrl-C, and what they say when they are ready.
ENDLESS = {"sandbox": r"is at http://127\.0\.0\.1:"}
FILES = {
    "key.txt": API_KEY.encode(),
    "request.json": json.dumps(
        {"product": "text2video", "fields": {"prompt": "A paper boat"}}
    ).encode(),
}
KINDS = {
    ".png": png(),
    ".jpg": jpeg(),
    ".mp3": mp3(3 * 16_000),
    ".wav": wav(3),
    ".txt": b"A paper boat\n",
}


def commands() -> Iterator[tuple[Names, str]]:
    """Yield every command that is no group, as it is typed, and its help."""
    yield from _below(typer.main.get_command(app), (), None)


def _below(command: Any, names: Names, parent: Any) -> Iterator[tuple[Names, str]]:
    context = command.make_context(
        (names or ("kling",))[-1], [], parent=parent, resilient_parsing=True
    )
    members = getattr(context.command, "commands", None)
    if members is None:
        yield names, context.command.help or ""
        return
    for name, member in members.items():
        if (*names, name) != ("login",):  # another name of `auth login`
            yield from _below(member, (*names, name), context)


def examples_in(text: str) -> list[str]:
    """Return the lines of a help text that can be typed."""
    lines = text.splitlines()
    return [line.strip() for line in lines if line.strip().startswith("kling ")]


HELP = dict(commands())
EXAMPLES = [(names, line) for names in HELP for line in examples_in(HELP[names])]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A sandbox, and a state folder in which something has happened already."""

    box: Box
    state_dir: Path


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Prepare what examples take for granted, once; `kling replay` needs an app too."""
    with ExitStack() as stack:
        home = tmp_path_factory.mktemp("stage")
        box = stack.enter_context(serve_box(task_seconds=TASK_S, has_past=True))
        there = stack.enter_context(recorder())
        kling = Kling(home, {**box.env, **on_path()})
        listening = ("listen", "--no-token", "--forward-to", f"{there.url}/callback")
        for command in (
            ("text2video", "A paper boat", "--external-id", JOB),
            (*listening, "--", "kling", "trigger", "lifecycle"),
        ):
            result = kling.run(*command)
            assert result.exit_code == 0, result
        yield Stage(box=box, state_dir=kling.state_dir)


@pytest.fixture
def here(stage: Stage, own_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Be in an empty folder, as the person to whom all of `stage` has happened."""
    shutil.copytree(stage.state_dir, own_home / "state")
    (own_home / "here").mkdir()
    monkeypatch.chdir(own_home / "here")
    for name, value in environment(stage, own_home).items():
        monkeypatch.setenv(name, value)
    return own_home / "here"


def environment(stage: Stage, home: Path) -> dict[str, str]:
    return {
        **stage.box.env,
        **on_path(),
        "KLING_STATE_DIR": str(home / "state"),
        "KLING_CONFIG_DIR": str(home / "config"),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
    }


def on_path() -> dict[str, str]:
    """Let `kling` be the one beside this interpreter, for examples that start it."""
    return {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}


def make_files(folder: Path, words: list[str]) -> None:
    """Make every file that an example names, by its name or by its kind."""
    for word in words:
        path = PurePath(word)
        content = FILES.get(path.name, KINDS.get(path.suffix))
        if content is not None and "://" not in word:
            (folder / path.name).write_bytes(content)


@pytest.mark.parametrize("names", HELP, ids=" ".join)
def test_the_help_of_every_command_has_an_example_of_it(names: Names) -> None:
    typed = ["kling", names[0]]

    lines = map(shlex.split, examples_in(HELP[names]))
    assert any(typed in map(list, pairwise(words)) for words in lines)


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
@pytest.mark.usefixtures("collected")
@pytest.mark.parametrize(
    "line",
    [
        pytest.param(line, id=line)
        for line in dict.fromkeys(line for _, line in EXAMPLES)
        if line.split()[1] not in ENDLESS
    ],
)
def test_an_example_runs_as_it_stands(
    line: str,
    here: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    exit_code = run(line, here, monkeypatch)

    assert exit_code == 0, capfd.readouterr()


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(line, id=line)
        for names, line in EXAMPLES
        if names[-1] in catalogue.names()
    ],
)
def test_the_request_of_an_example_makes_the_same_body(
    line: str,
    here: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    run(f"{line} --dry-run --json", here, monkeypatch)
    wanted = json.loads(capfd.readouterr().out)["dry_run"]
    (here / "said.json").write_text(json.dumps(wanted["request"]))

    run("kling run said.json --dry-run --json", here, monkeypatch)

    assert json.loads(capfd.readouterr().out)["dry_run"] == wanted


def run(line: str, here: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """Run a line as a shell would, in this process, and return its exit code."""
    words = shlex.split(line)
    make_files(here, words)
    source = os.devnull
    if "<" in words:
        *words, _, source = words
    with Path(source).open("rb") as file:
        monkeypatch.setattr(sys, "stdin", TextIOWrapper(file))
        monkeypatch.setattr(sys, "argv", words)
        return main()


@pytest.mark.parametrize(
    ("line", "ready"),
    [
        pytest.param(line, ENDLESS[names[0]], id=line)
        for names, line in EXAMPLES
        if names[0] in ENDLESS
    ],
)
def test_an_example_that_serves_does_so_until_ctrl_c(
    line: str, ready: str, own_home: Path
) -> None:
    kling = Kling(own_home)

    with kling.start(*shlex.split(line)[1:]) as program:
        program.wait_for(ready)
        program.send(signal.SIGINT)
        result = program.finish()

    assert result.exit_code == 130
