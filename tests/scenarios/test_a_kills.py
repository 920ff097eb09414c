"""Scenario A18: `kill -9` at any moment. `tests/kill_runs.py` does it more often."""

from __future__ import annotations

import subprocess

import pytest

from tests.scenarios.assertions import is_journal_sound, is_whole_video, listed
from tests.support.agent import StandIn
from tests.support.box import Box
from tests.support.killed_runs import Damage, kill_runs
from tests.support.kling import Kling

KILLS = 10  # for each seed


@pytest.mark.sandbox(task_seconds=0.5, slots=100)
@pytest.mark.parametrize("seed", [1, 2])
def test_a18_no_kill_loses_or_doubles_a_job(
    seed: int, kling: Kling, box: Box, stand_in: StandIn
) -> None:
    damage = kill_runs(kling, box, stand_in, kills=KILLS, seed=seed)

    assert damage == Damage(n_killed=KILLS, n_created=damage.n_created)
    assert damage.n_created > 1  # the first run's own, and some of the killed
    assert is_journal_sound(kling)
    assert all(is_whole_video(path) for path in kling.files("*.mp4"))
    assert len(listed(kling)) >= damage.n_created


@pytest.mark.sandbox(task_seconds=60)
def test_a18_the_next_run_reaps_the_orphan_and_nothing_else(
    kling: Kling, box: Box, stand_in: StandIn
) -> None:
    bystander = [str(stand_in.path), "start", "--none", "--log", "stdout"]
    with subprocess.Popen(
        bystander, env=kling.env | stand_in.env, stdout=subprocess.DEVNULL
    ) as other:
        stand_in.next_agent()
        command = ("text2video", "x", "--tunnel", "ngrok")
        with kling.start(*command, env=stand_in.env) as killed:
            agent = stand_in.next_agent()
            killed.wait_for("submitted")
            killed.process.kill()
        box.advance(60)

        finished = kling.run("wait", env=stand_in.env)

        assert finished.exit_code == 0, finished
        assert agent.wait_gone()
        assert other.poll() is None
        other.terminate()
