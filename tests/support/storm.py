"""Runs of `kling` killed at random moments, and what must hold afterwards (A18)."""

from __future__ import annotations

import random
import subprocess
from dataclasses import dataclass, field

from tests.support.box import Box
from tests.support.kling import Kling
from tests.support.tunnels import TunnelStandIn

COMMAND = ("text2video", "storm", "-o", "{task_id}.mp4")


@dataclass(slots=True)
class Damage:
    """What a storm has done; the last three must be empty.

    `lost` are tasks that were created and that `kling wait` did not finish, `doubled`
    commands that made more than one task, `strays` processes that nobody reaped.
    """

    n_killed: int = 0
    n_created: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[int] = field(default_factory=list)
    strays: list[str] = field(default_factory=list)


def storm(
    kling: Kling, box: Box, tunnel: TunnelStandIn, *, kills: int, seed: int
) -> Damage:
    """Kill `kills` runs, each at a random moment of its life, then finish everything.

    A job that was written down but never sent is no task, and `kling wait` may say so
    with its exit code; what counts is that every task of the account has been saved.
    """
    chance = random.Random(seed)  # noqa: S311 -- the same storm every time
    damage = Damage()
    kling.be_quick()
    longest_s = 1.5 * kling.run(*COMMAND, *tunnel.args, env=tunnel.env).elapsed_s
    while damage.n_killed < kills:
        before = len(box.tasks)
        damage.n_killed += _kill_one(kling, tunnel, chance.uniform(0, longest_s))
        if len(box.tasks) > before + 1:
            damage.doubled.append(damage.n_killed)
    damage.n_created = len(box.tasks)
    kling.run("wait", "--timeout", "60", env=tunnel.env, timeout_s=120)
    _look_over(kling, box, damage)
    return damage


def _kill_one(kling: Kling, tunnel: TunnelStandIn, after_s: float) -> bool:
    """Return whether the run still lived when its time had come."""
    with kling.start(*COMMAND, *tunnel.args, env=tunnel.env) as program:
        try:
            program.process.wait(after_s)
        except subprocess.TimeoutExpired:
            program.process.kill()
            return True
    return False


def _look_over(kling: Kling, box: Box, damage: Damage) -> None:
    ids = [task["id"] for task in box.tasks]
    if len(ids) > damage.n_created:
        damage.doubled.append(-1)  # waiting has made one
    names = {path.stem for path in kling.files("*.mp4")}
    damage.lost = [each for each in ids if each not in names]
    damage.strays = kling.strays()
