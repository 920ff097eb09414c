"""Scenario A18: `kill -9` at any moment. `tests/kill_runs.py` does it more often."""

from __future__ import annotations

import subprocess

import pytest

from tests.scenarios.assertions import is_journal_sound, is_whole_video, listed
from tests.support.killed_runs import Damage, kill_runs
from tests.support.kling import Kling
from tests.support.sandbox_server import SandboxServer
from tests.support.tunnels import AgentStandIn, TunnelStandIn


@pytest.mark.sandbox(task_seconds=0.5, slots=100)
@pytest.mark.parametrize(
    ("tunnel", "seed", "kills"),
    [("ngrok", 1, 10), ("cloudflared", 3, 5), ("ssh", 4, 5)],
    indirect=["tunnel"],
)
def test_a18_no_kill_loses_or_doubles_a_job(
    tunnel: TunnelStandIn, seed: int, kills: int, kling: Kling, sandbox: SandboxServer
) -> None:
    damage = kill_runs(kling, sandbox, tunnel, kills=kills, seed=seed)

    assert damage == Damage(n_killed=kills, n_created=damage.n_created)
    assert tunnel.is_gone()
    # The first run's own, and some of the killed; five of them may all die too early.
    assert damage.n_created > 1 or kills < 10
    assert is_journal_sound(kling)
    assert all(is_whole_video(path) for path in kling.files("*.mp4"))
    assert len(listed(kling)) >= damage.n_created


@pytest.mark.sandbox(task_seconds=60)
@pytest.mark.parametrize("tunnel", ["ngrok", "cloudflared"], indirect=True)
def test_a18_the_next_run_ends_the_orphan_and_nothing_else(
    tunnel: AgentStandIn, kling: Kling, sandbox: SandboxServer
) -> None:
    bystander = {
        "ngrok": ("start", "--none", "--log", "stdout"),
        "cloudflared": ("tunnel", "--url", "http://127.0.0.1:9"),
    }[tunnel.stand_in.name]
    with subprocess.Popen(
        [str(tunnel.stand_in.path), *bystander],
        env=kling.env | tunnel.env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as other:
        tunnel.wait_started()
        command = ("text2video", "x", *tunnel.args)
        with kling.start(*command, env=tunnel.env) as killed:
            tunnel.wait_started()
            killed.wait_for("submitted")
            killed.process.kill()
        sandbox.advance(60)

        finished = kling.run_process("wait", env=tunnel.env)

        assert finished.exit_code == 0, finished
        assert tunnel.is_gone()
        assert other.poll() is None
        other.terminate()


@pytest.mark.sandbox(task_seconds=60)
@pytest.mark.parametrize("tunnel", ["ssh"], indirect=True)
def test_a18_nothing_of_an_ssh_tunnel_outlives_its_owner(
    tunnel: TunnelStandIn, kling: Kling
) -> None:
    with kling.start("text2video", "x", *tunnel.args) as killed:
        killed.wait_for("submitted")
        killed.process.kill()

    assert tunnel.is_gone()
