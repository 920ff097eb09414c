"""Every shell block of the documents runs against the sandbox, as it stands.

A block that is an example of a command's help is run by
`tests/cli/test_help_examples.py`; all others are run here, in bash, in the home of
somebody who has used `kling` before. `tests/support/examples.py` fills in placeholders,
`SITUATIONS` says what else a block takes for granted, `NOT_RUN` why one cannot be run.
A new block is found by itself.
"""

from __future__ import annotations

import json
import shutil
import socket
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from kling_cli.store.journal import Journal
from tests.support import examples, shell_blocks
from tests.support.agent import StandIn, stand_in
from tests.support.examples import Surroundings
from tests.support.kling import Kling
from tests.support.sandbox_server import API_KEY, run_sandbox_server
from tests.support.shell_blocks import CTRL_C, Block, Shell, Situation

__all__ = ["stand_in"]

ROOT = Path(__file__).parents[1]
PAGES = [
    *ROOT.glob("*.md"),
    *(page for part in ("docs", "kling_cli") for page in (ROOT / part).rglob("*.md")),
]
BLOCKS = [block for page in sorted(PAGES) for block in shell_blocks.blocks(page, ROOT)]
SHELL = [block for block in BLOCKS if block.language in shell_blocks.LANGUAGES]
OTHERS = {"json", "toml", "python", "text"}

PROGRAMS = ("curl", "jq", "shuf", "xargs")  # what documents use, and need not be there
APP, LISTENER, SANDBOX = "3000", "8000", "8787"  # the ports of the documents

# Page and beginning of a block
Key = tuple[str, str]

INSTALLS = "installs from the package index, as .ci/run does"
NOT_RUN: dict[Key, str] = {
    ("README.md", "python3 -m venv .venv && .venv/bin/pip install -q . "): INSTALLS,
    ("README.md", "python3 -m venv .venv && .venv/bin/pip install -q -e "): INSTALLS,
    ("README.md", "pip install kling-cli"): INSTALLS,
    ("CONTRIBUTING.md", "python3 -m venv"): INSTALLS,
}
SITUATIONS: dict[Key, Situation] = {
    ("README.md", "$ kling text2video"): Situation(
        env={"KLING_TUNNEL": "ngrok"}, task_s=1.5
    ),
    ("README.md", "kling auth login"): Situation(
        prompt="(it is not shown): ", answer=API_KEY
    ),
    ("README.md", "# one file into"): Situation(
        env={"prompt": "A paper boat"},
        leaves=("films/*.mp4", "results.jsonl"),
        sends=tuple(examples.FILES["prompts.txt"].decode().splitlines()),
    ),
    ("README.md", "$ kling listen"): Situation(
        meanwhile="kling text2video x -q", task_s=1.5
    ),
    ("README.md", "kling trigger"): Situation(
        meanwhile="kling text2video x -q --no-download", leaves=("*.mp4",)
    ),
    ("docs/listen.md", "$ kling listen"): Situation(
        meanwhile="""curl -sS http://localhost:8000/callback \
            -d '{"task_id":"test", "status":"succeed"}'"""
    ),
    ("docs/listen.md", "curl"): Situation(beside="kling listen --port 8000 --no-token"),
    ("docs/listen.md", "kling listen --json"): Situation(
        meanwhile="kling text2video x -q --no-download", leaves=("films/*.mp4",)
    ),
}


def key_of(block: Block, table: dict[Key, object]) -> Key | None:
    """Return the key of a table that is meant for the block."""
    for page, start in table:
        if block.page == page and block.text.startswith(start):
            return page, start
    return None


HELPED = {line for _, line in examples.EXAMPLES}
RUN = [
    block
    for block in SHELL
    if key_of(block, {**NOT_RUN}) is None and block.text.strip() not in HELPED
]


def test_every_block_says_what_it_is() -> None:
    unknown = {block.id for block in BLOCKS if block not in SHELL}

    assert unknown == {block.id for block in BLOCKS if block.language in OTHERS}


@pytest.mark.parametrize("table", [NOT_RUN, SITUATIONS], ids=["not run", "situations"])
def test_a_table_has_no_row_without_a_block(table: dict[Key, object]) -> None:
    used = {key_of(block, table) for block in SHELL} - {None}

    assert used == set(table)


@pytest.mark.parametrize("block", RUN, ids=lambda block: block.id)
def test_a_block_runs_as_it_stands(
    block: Block, surroundings: Surroundings, own_home: Path, stand_in: StandIn
) -> None:
    for program in PROGRAMS:
        if program in block.script and shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    shutil.copytree(surroundings.state_dir, own_home / "state")
    kling = Kling(own_home, examples.environment(surroundings, own_home))
    key = key_of(block, {**SITUATIONS})
    texts = examples.TEXTS | free_ports() | {APP: str(surroundings.app.port)}
    block = replace(block, text=filled(block.text, texts))
    situation = SITUATIONS[key] if key else Situation()
    situation = replace(
        situation,
        beside=filled(situation.beside, texts),
        meanwhile=filled(situation.meanwhile, texts),
    )
    examples.make_files(kling.here, block.script)
    shell = Shell(folder=kling.here, env={**kling.env, **stand_in.env})
    left: list[str] = []

    with ExitStack() as stack:
        stack.callback(lambda: left.extend(kling.strays()))
        if situation.task_s is not None:
            sandbox = stack.enter_context(
                run_sandbox_server(task_seconds=situation.task_s)
            )
            shell = replace(shell, env={**shell.env, **sandbox.env})
        result = shell.run(block, situation)

    is_stopped = block.serves and result.exit_code == CTRL_C
    assert result.exit_code == 0 or is_stopped, result
    assert shell_blocks.missing(block.shown, result) == [], result
    assert [each for each in situation.leaves if not kling.files(each)] == []
    assert set(situation.sends) <= set(prompts(kling.state_dir))
    assert left == []


def filled(text: str, texts: Mapping[str, str]) -> str:
    """Return the text with a value for whatever stands for one."""
    for placeholder, value in texts.items():
        text = text.replace(placeholder, value)
    return text


def prompts(state_dir: Path) -> list[str]:
    """Return the prompts of all jobs that were submitted here."""
    with Journal.open(state_dir) as journal:
        requests = [json.loads(entry.request) for entry in journal.newest_jobs(100)]
    return [request.get("prompt", "") for request in requests]


def free_ports() -> dict[str, str]:
    """Return a free port for each of those that the documents name."""
    with ExitStack() as stack:
        sockets = {
            name: stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            for name in (LISTENER, SANDBOX)
        }
        return {name: str(one.getsockname()[1]) for name, one in sockets.items()}
