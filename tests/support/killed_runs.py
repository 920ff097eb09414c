"""Runs of `kling` killed at random moments, and the invariants afterwards (A18)."""

from __future__ import annotations

import random
import subprocess
from dataclasses import dataclass, field

from tests.support.kling import Kling
from tests.support.sandbox_server import SandboxServer
from tests.support.tunnels import TunnelStandIn

COMMAND = ("text2video", "storm", "-o", "{task_id}.mp4")


@dataclass(slots=True)
class Damage:
    """The result of killed runs; the last three must be empty.

    `unfinished` are created tasks that `kling wait` did not finish, `doubled` commands
    that created more than one task, `strays` processes that were not cleaned up.
    """

    n_killed: int = 0
    n_created: int = 0
    unfinished: list[str] = field(default_factory=list)
    doubled: list[int] = field(default_factory=list)
    strays: list[str] = field(default_factory=list)


def kill_runs(
    kling: Kling,
    sandbox: SandboxServer,
    tunnel: TunnelStandIn,
    *,
    kills: int,
    seed: int,
) -> Damage:
    """Kill `kills` runs, each at a random moment, then run `kling wait`.

    A job that was stored but never submitted is no task, and the exit code of `kling
    wait` may say so; every task of the account must have been saved.
    """
    rng = random.Random(seed)  # noqa: S311 -- repeatable, not secret
    damage = Damage()
    longest_s = (
        1.5 * kling.run_process(*COMMAND, *tunnel.args, env=tunnel.env).elapsed_s
    )
    while damage.n_killed < kills:
        before = len(sandbox.tasks)
        damage.n_killed += _kill_one(kling, tunnel, rng.uniform(0, longest_s))
        if len(sandbox.tasks) > before + 1:
            damage.doubled.append(damage.n_killed)
    damage.n_created = len(sandbox.tasks)
    kling.run("wait", "--timeout", "60", env=tunnel.env)
    _inspect(kling, sandbox, damage)
    return damage


def _kill_one(kling: Kling, tunnel: TunnelStandIn, after_s: float) -> bool:
    """Return whether the run was still alive after `after_s`."""
    with kling.start(*COMMAND, *tunnel.args, env=tunnel.env) as program:
        try:
            program.process.wait(after_s)
        except subprocess.TimeoutExpired:
            program.process.kill()
            return True
    return False


def _inspect(kling: Kling, sandbox: SandboxServer, damage: Damage) -> None:
    ids = [task["id"] for task in sandbox.tasks]
    if len(ids) > damage.n_created:
        damage.doubled.append(-1)  # `kling wait` created one
    names = {path.stem for path in kling.files("*.mp4")}
    damage.unfinished = [each for each in ids if each not in names]
    damage.strays = kling.strays()
