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
from itertools import pairwise
from pathlib import Path

import pytest

from kling_cli.catalogue.definition import loader
from tests.support.examples import (
    EXAMPLES,
    HELP,
    Names,
    Surroundings,
    environment,
    examples_in,
    make_files,
)
from tests.support.in_process import run_in_process
from tests.support.kling import Kling
from tests.support.program import Result

# Those that serve until Ctrl-C, and what they say when they are ready.
ENDLESS = {"sandbox": r"is at http://127\.0\.0\.1:"}


@pytest.fixture
def here(
    surroundings: Surroundings, own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """Change to an empty folder, with an account and a history."""
    shutil.copytree(surroundings.state_dir, own_home / "state")
    (own_home / "here").mkdir()
    monkeypatch.chdir(own_home / "here")
    for name, value in environment(surroundings, own_home).items():
        monkeypatch.setenv(name, value)
    return own_home / "here"


@pytest.mark.parametrize("names", HELP, ids=" ".join)
def test_the_help_of_every_command_has_an_example_of_it(names: Names) -> None:
    typed = ["kling", names[0]]

    lines = map(shlex.split, examples_in(HELP[names]))
    assert any(typed in map(list, pairwise(words)) for words in lines)


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(line, id=line)
        for line in dict.fromkeys(line for _, line in EXAMPLES)
        if line.split()[1] not in ENDLESS
    ],
)
def test_an_example_runs_as_it_stands(line: str, here: Path) -> None:
    result = run(line, here)

    assert result.exit_code == 0, result


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(line, id=line)
        for names, line in EXAMPLES
        if names[-1] in loader.product_names()
    ],
)
def test_the_request_of_an_example_makes_the_same_body(line: str, here: Path) -> None:
    wanted = run(f"{line} --dry-run --json", here).json()["dry_run"]
    (here / "said.json").write_text(json.dumps(wanted["request"]))

    result = run("kling run said.json --dry-run --json", here)

    assert result.json()["dry_run"] == wanted


def run(line: str, here: Path) -> Result:
    """Run a line as a shell would, in this process."""
    words = shlex.split(line)[1:]
    make_files(here, line)
    source = os.devnull
    if "<" in words:
        *words, _, source = words
    return run_in_process(words, stdin=Path(source).read_bytes())


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
