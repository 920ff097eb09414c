from __future__ import annotations

import os
import re
import subprocess
from argparse import Namespace
from pathlib import Path

import pytest

from tests.support import whole_suite

ROOT = Path(__file__).parents[2]
NOTHING_CHOSEN: dict[str, object] = {
    "file_or_dir": [],
    "keyword": "",
    "markexpr": "",
    "deselect": None,
    "lf": False,
    "failedfirst": False,
    "collectonly": False,
    "usepdb": False,
    "no_cov": False,
    "cov_source": [],
}


def test_plain_pytest_is_the_whole_suite() -> None:
    assert whole_suite.is_whole(Namespace(**NOTHING_CHOSEN))


@pytest.mark.parametrize(
    "chosen",
    [
        pytest.param({"file_or_dir": ["tests/jobs"]}, id="a folder"),
        pytest.param({"keyword": "deadline"}, id="a word"),
        pytest.param({"lf": True}, id="what failed last"),
        pytest.param({"collectonly": True}, id="a look at what there is"),
    ],
)
def test_a_selection_is_not(chosen: dict[str, object]) -> None:
    assert not whole_suite.is_whole(Namespace(**NOTHING_CHOSEN | chosen))


def test_every_worker_begins_with_its_share_of_the_long_tests() -> None:
    shares = whole_suite.in_shares("ABCDE", "abcdefg", 3)

    assert "".join(shares) == "ADab" + "BEcd" + "Cefg"


def test_ci_finds_the_one_test_command_of_the_readme() -> None:
    found = re.findall(r"(?m)^.*/bin/pytest$", (ROOT / "README.md").read_text("utf-8"))

    (command,) = found
    steps = ("python3 -m venv .venv", ".venv/bin/pip install -q -e '.[dev]'")
    assert command.split(" && ") == [*steps, ".venv/bin/pytest"]


def test_ci_runs_the_command_in_a_fresh_copy(tmp_path: Path) -> None:
    """The README of the copy names the command, so here it only lists files."""
    repository = tmp_path / "repository"
    (repository / ".ci").mkdir(parents=True)
    script = repository / ".ci" / "run"
    script.write_bytes((ROOT / ".ci" / "run").read_bytes())
    script.chmod(0o755)
    (repository / "with space.txt").write_text("kept")
    (repository / "README.md").write_text(
        "Test:\n\npython3 --version && ls && pwd && true ./bin/pytest\n"
    )
    git = ["git", "-c", "init.defaultBranch=main", "init", "--quiet", str(repository)]
    subprocess.run(git, check=True)

    ended = subprocess.run(
        [str(script)], env=dict(os.environ), capture_output=True, text=True, check=True
    )

    printed = ended.stdout.splitlines()
    assert printed[1].startswith("Python 3.11.")
    assert printed[2:4] == ["README.md", "with space.txt"]
    assert not Path(printed[4]).exists()  # it cleans up
    assert Path(printed[4]) != repository
