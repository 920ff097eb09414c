"""Scenario A17: signals at every stage of a job."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable
from typing import Any

import pytest

from tests.scenarios.assertions import PROMPT, is_journal_sound, saved
from tests.support.kling import Kling
from tests.support.program import Program, Result
from tests.support.sandbox_server import SandboxServer
from tests.support.tunnels import NAMES, TunnelStandIn

CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}


class Scene:
    """A run that is interrupted at a stage, and its journal."""

    def __init__(
        self, kling: Kling, sandbox: SandboxServer, tunnel: TunnelStandIn
    ) -> None:
        self.kling = kling
        self.sandbox = sandbox
        self.tunnel = tunnel

    def interrupt(
        self, stage: str, stop: Callable[[Program], None], *options: str
    ) -> Result:
        prepare, reach = STAGES[stage]
        prepare(self)
        command = (*PROMPT, *self.tunnel.args, *options)
        with self.kling.start(*command, env=self.tunnel.env) as program:
            self.tunnel.wait_started()
            reach(self, program)
            stop(program)
            result = program.finish(20)
        assert self.tunnel.is_gone()
        return result

    def recover(self) -> None:
        """Remove all faults; jobs that were stuck succeed."""
        self.sandbox.faults()
        for task in self.sandbox.tasks:
            if task["status"] not in ("succeeded", "failed"):
                self.sandbox.end(task["id"])


def faults(*specs: str) -> Callable[[Scene], None]:
    return lambda scene: scene.sandbox.faults(*specs)


def counted(kind: str) -> Callable[[Scene, Program], Any]:
    return lambda scene, _: scene.sandbox.wait_until(
        lambda now: now["counts"][kind] >= 1
    )


# How a stage is prepared, and how to know that it is reached.
STAGES: dict[str, tuple[Callable[[Scene], None], Callable[[Scene, Program], Any]]] = {
    "tunnel start": (
        lambda scene: scene.tunnel.break_start("silent"),
        lambda _, __: None,  # the agent has started: that is the stage
    ),
    "submit": (faults("create:accept-hang"), counted("create")),
    "wait": (
        faults("task:stuck"),
        lambda _, program: program.wait_for("submitted"),
    ),
    "download": (faults("download:hang"), counted("download")),
}


def resume_of(result: Result) -> tuple[str, str]:
    """Return the command and the id of the hint that resumes."""
    found = re.search(
        r"^hint: kling (wait|download) (\S+)$", result.stderr, re.MULTILINE
    )
    assert found, result
    return found[1], found[2]


@pytest.fixture
def scene(kling: Kling, sandbox: SandboxServer, tunnel: TunnelStandIn) -> Scene:
    return Scene(kling, sandbox, tunnel)


# Each provider at each stage with one signal at least; all of them with ngrok.
SIGNALS = [
    pytest.param(name, stage, sent, id=f"{name}, {stage}, {sent.name}")
    for name in NAMES
    for number, stage in enumerate(STAGES)
    for sent in (CODES if name == "ngrok" else [list(CODES)[number % len(CODES)]])
]


@pytest.mark.parametrize(("tunnel", "stage", "sent"), SIGNALS, indirect=["tunnel"])
def test_a17_a_signal_ends_the_command_and_not_the_job(
    sent: signal.Signals, stage: str, scene: Scene
) -> None:
    result = scene.interrupt(stage, lambda program: program.send(sent))

    assert result.exit_code == CODES[sent]
    assert result.stdout == ""
    assert scene.kling.processes() == []
    if stage == "tunnel start":
        assert scene.sandbox.tasks == []
        assert "nothing was submitted\nhint: nothing was created" in result.stderr
        return
    (task,) = scene.sandbox.tasks
    command, name = resume_of(result)
    assert name == (task["external_id"] if stage == "submit" else task["id"])
    assert is_journal_sound(scene.kling)
    scene.recover()
    saved(scene.kling, scene.kling.run(command, name))
    assert scene.sandbox.counts["create"] == 1


@pytest.mark.parametrize("tunnel", ["ngrok"], indirect=True)
@pytest.mark.parametrize("stage", STAGES)
def test_a17_a_second_ctrl_c_changes_nothing(stage: str, scene: Scene) -> None:
    def press_twice(program: Program) -> None:
        program.press_ctrl_c()
        program.press_ctrl_c()

    result = scene.interrupt(stage, press_twice)

    assert result.exit_code == 130
    assert scene.kling.processes() == []
    if stage in ("wait", "download"):
        (task,) = scene.sandbox.tasks
        assert resume_of(result)[1] == task["id"]


@pytest.mark.parametrize("tunnel", ["ngrok"], indirect=True)
def test_a17_json_tells_the_id_of_an_interrupted_job(scene: Scene) -> None:
    result = scene.interrupt("wait", Program.press_ctrl_c, "--json")

    found = result.json()
    (task,) = scene.sandbox.tasks
    assert found["task_id"] == task["id"]
    assert found["error"]["type"] == "interrupted"
    assert found["resume"] == f"kling wait {task['id']}"
