"""Commands on tasks that exist: status, wait, download, against the sandbox."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.kling import Kling
from tests.support.sandbox_server import SandboxServer, run_sandbox_server
from tests.support.terminal import Terminal

SLOW_S = 600.0  # a task stands still until a test ends it


@pytest.fixture
def sandbox() -> Iterator[SandboxServer]:
    with run_sandbox_server(task_seconds=SLOW_S) as served:
        yield served


@pytest.fixture
def kling(sandbox: SandboxServer, own_home: Path) -> Iterator[Kling]:
    program = Kling(own_home, {**sandbox.env, "KLING_TUNNEL": "none"})
    yield program
    assert program.strays() == []
    assert program.check() == []


def submit(kling: Kling, *options: str) -> str:
    """Return the id of a new task that no process waits for."""
    result = kling.run("text2video", "a boat", "--no-wait", *options)

    assert result.exit_code == 0
    assert re.fullmatch(r"\d+\n", result.stdout)
    return result.stdout.strip()


def test_status_looks_once_and_leaves_a_running_task_alone(
    kling: Kling, sandbox: SandboxServer
) -> None:
    task_id = submit(kling)
    n_queries = sandbox.counts["query"]

    result = kling.run("status", task_id)

    assert result.exit_code == 0
    assert re.match(rf"{task_id}  (submitted|processing)\n", result.stdout)
    assert f"kling wait {task_id}" in result.stdout
    assert sandbox.counts["query"] == n_queries + 1
    assert kling.run("status", "-q", task_id).stdout in ("submitted\n", "processing\n")


def test_status_of_a_finished_task_has_cost_and_links(
    kling: Kling, sandbox: SandboxServer
) -> None:
    task_id = submit(kling)
    sandbox.end(task_id)

    result = kling.run("status", task_id)

    assert "  units    4\n" in result.stdout
    assert "  video    http://127.0.0.1:" in result.stdout
    assert result.stderr == ""


def test_status_of_several_is_one_object_and_the_first_failure_counts(
    kling: Kling, sandbox: SandboxServer
) -> None:
    well, badly = submit(kling), submit(kling)
    sandbox.end(well)
    sandbox.end(badly, "failed", "the boat sank")

    result = kling.run("status", "--json", well, badly, "no-such-task")

    document = result.json()
    assert result.exit_code == 8
    assert [task["ok"] for task in document["tasks"]] == [True, False, False]
    assert document["error"]["type"] == "task_failed"
    assert "the boat sank" in result.stderr


def test_an_id_nobody_knows_is_wrong_usage(kling: Kling) -> None:
    result = kling.run("status", "123456789", "--json")

    assert result.exit_code == 2
    assert result.json()["error"]["type"] == "usage"


def test_wait_finishes_what_no_wait_began(kling: Kling, sandbox: SandboxServer) -> None:
    task_id = submit(kling, "-o", "boat.mp4")
    sandbox.end(task_id)

    result = kling.run("wait", task_id)

    assert (result.exit_code, result.stdout) == (0, "boat.mp4\n")
    assert [path.name for path in kling.files()] == ["boat.mp4"]


def test_wait_without_an_id_takes_all_and_is_always_a_list(
    kling: Kling, sandbox: SandboxServer
) -> None:
    ids = {submit(kling), submit(kling)}
    for task_id in ids:
        sandbox.end(task_id)

    first = kling.run("wait", "--json").json()
    second = kling.run("wait", "--json").json()

    assert {task["task_id"] for task in first["tasks"]} == ids
    assert first["ok"] is True
    assert second["tasks"] == []


def test_wait_gives_up_with_the_id_and_the_way_back(kling: Kling) -> None:
    task_id = submit(kling)

    result = kling.run("wait", task_id, "--timeout", "1")

    assert result.exit_code == 5
    assert result.stdout == ""
    assert f"kling wait {task_id}" in result.stderr


def test_several_tasks_are_rows_of_the_display(
    kling: Kling, sandbox: SandboxServer
) -> None:
    ids = [submit(kling), submit(kling)]
    terminal = Terminal(columns=60)

    with kling.start(
        "wait", *ids, env={"TERM": "xterm-256color"}, terminal=terminal
    ) as program:
        for task_id in ids:
            program.wait_for(rf"[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏] (\x1b\[[0-9;]*m)*{task_id}")
        for task_id in ids:
            sandbox.end(task_id)
        result = program.finish()

    assert result.exit_code == 0
    assert len(result.lines) == 2
    assert result.stderr.count("done: ") == 2


def test_download_saves_again_beside_what_is_there(
    kling: Kling, sandbox: SandboxServer
) -> None:
    task_id = submit(kling)
    sandbox.end(task_id)

    first = kling.run("download", task_id)
    second = kling.run("download", task_id)
    third = kling.run("download", "--force", "-o", first.lines[0], task_id)

    assert first.exit_code == second.exit_code == third.exit_code == 0
    assert first.stdout != second.stdout
    assert third.stdout == first.stdout
    assert len(kling.files("*.mp4")) == 2


def test_download_of_a_running_task_says_how_to_wait(kling: Kling) -> None:
    task_id = submit(kling)

    result = kling.run("download", task_id)

    assert result.exit_code == 9
    assert f"kling wait {task_id}" in result.stderr


def test_links_instead_of_files(kling: Kling, sandbox: SandboxServer) -> None:
    task_id = submit(kling)
    sandbox.end(task_id)

    result = kling.run("wait", "--no-download", task_id)

    assert result.exit_code == 0
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/\S+\n", result.stdout)
    assert kling.files() == []
