"""Scenario C1: one JSON object on stdout in every outcome, and nothing else."""

from __future__ import annotations

import shutil
import signal
import subprocess
from dataclasses import dataclass, field

import pytest

from tests.scenarios.assertions import PROMPT, document
from tests.support.kling import Kling
from tests.support.program import Result
from tests.support.sandbox_server import SandboxServer

NO_KEY: dict[str, str | None] = {"KLING_API_KEY": None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """An outcome of a command: how it is caused, and its exit code."""

    exit_code: int
    type: str | None
    args: tuple[str, ...] = PROMPT
    faults: tuple[str, ...] = ()
    env: dict[str, str | None] = field(default_factory=dict)


NO_NGROK: dict[str, str | None] = {"PYNGROK_NGROK_PATH": "/no/such/ngrok"}
OUTCOMES = {
    "saved": Outcome(exit_code=0, type=None),
    "not waited for": Outcome(exit_code=0, type=None, args=(*PROMPT, "--no-wait")),
    "not downloaded": Outcome(exit_code=0, type=None, args=(*PROMPT, "--no-download")),
    "unknown option": Outcome(exit_code=2, type="usage", args=(*PROMPT, "--colour")),
    "unknown command": Outcome(exit_code=2, type="usage", args=("text3video", "x")),
    "no prompt": Outcome(exit_code=2, type="usage", args=("text2video",)),
    "broken setting": Outcome(exit_code=2, type="usage", env={"KLING_TIMEOUT": "soon"}),
    "unknown task": Outcome(exit_code=2, type="usage", args=("status", "999")),
    "refused by the API": Outcome(exit_code=2, type="usage", faults=("create:1201",)),
    "no credentials": Outcome(exit_code=3, type="auth", env=NO_KEY),
    "no right": Outcome(exit_code=3, type="auth", faults=("create:1103",)),
    "arrears": Outcome(exit_code=4, type="account", faults=("create:1101",)),
    "too dear": Outcome(
        exit_code=4, type="account", args=(*PROMPT, "--max-units", "0.5")
    ),
    "not in time": Outcome(
        exit_code=5,
        type="timeout",
        args=(*PROMPT, "--timeout", "2"),
        faults=("task:stuck",),
    ),
    "nobody there": Outcome(
        exit_code=6,
        type="network",
        args=(*PROMPT, "--timeout", "2"),
        env={"KLING_API_BASE": "http://127.0.0.1:9"},
    ),
    "no slot": Outcome(
        exit_code=7,
        type="concurrency",
        args=(*PROMPT, "--timeout", "2"),
        faults=("create:1303x0",),
    ),
    "failed": Outcome(exit_code=8, type="task_failed", faults=("task:failed",)),
    "not saved": Outcome(
        exit_code=9,
        type="download",
        args=(*PROMPT, "--timeout", "20"),
        faults=("download:htmlx0",),
    ),
    "content refused": Outcome(exit_code=10, type="policy", faults=("create:1301",)),
    "unsettled": Outcome(
        exit_code=11,
        type="submission_unknown",
        args=(*PROMPT, "--timeout", "2"),
        faults=("create:accept-503", "query:500x0"),
    ),
    "no tunnel": Outcome(
        exit_code=12,
        type="tunnel",
        args=(*PROMPT, "--tunnel", "ngrok", "--callback", "require"),
        env=NO_NGROK,
    ),
}


def accepted_by_jq(result: Result) -> bool:
    """Return whether `jq -e .` parses all of stdout as one value."""
    jq = shutil.which("jq")
    if jq is None:
        return result.stdout.count("\n") == 1
    printed = subprocess.run(
        [jq, "-e", "-s", "length == 1"],
        input=result.stdout,
        text=True,
        capture_output=True,
        check=False,
    )
    return printed.returncode == 0


@pytest.mark.parametrize("name", OUTCOMES)
def test_c01_every_outcome_is_one_object(
    name: str, kling: Kling, sandbox: SandboxServer
) -> None:
    wanted = OUTCOMES[name]
    sandbox.faults(*wanted.faults)

    result = kling.run_process(*wanted.args, "--json", env=wanted.env)

    found = document(result)
    assert result.exit_code == wanted.exit_code
    assert (found["error"] or {}).get("type") == wanted.type
    assert accepted_by_jq(result)


def test_c01_an_interruption_is_one_object_too(
    kling: Kling, sandbox: SandboxServer
) -> None:
    sandbox.faults("task:stuck")

    with kling.start(*PROMPT, "--json") as program:
        program.wait_for("submitted")
        program.send(signal.SIGTERM)
        result = program.finish()

    assert result.exit_code == 143
    assert document(result)["error"]["type"] == "interrupted"


@pytest.mark.parametrize(
    "command",
    [("status",), ("wait",), ("download",), ("list",)],
    ids=lambda command: command[0],
)
def test_c01_commands_about_several_tasks_print_one_object(
    command: tuple[str, ...], kling: Kling, sandbox: SandboxServer
) -> None:
    ids = [kling.run(*PROMPT, "--no-wait").stdout.strip() for _ in range(2)]
    kling.run("wait")

    result = kling.run_process(
        *command, *(() if command == ("list",) else ids), "--json"
    )

    found = result.json()
    assert result.exit_code == 0
    assert found["ok"]
    assert {task["task_id"] for task in found["tasks"]} == set(ids)
    assert accepted_by_jq(result)


def test_c01_a_dry_run_is_one_object(kling: Kling, sandbox: SandboxServer) -> None:
    result = kling.run_process(*PROMPT, "--dry-run", "--json")

    assert result.exit_code == 0
    assert result.json()["ok"]
    assert sandbox.state()["requests"] == []
