"""Overhead of a job beyond the task's own time, and memory while waiting."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from figures import Figure, kling
from sandbox_process import SandboxProcess, running_sandbox

TASK_S = 1.5
ROOT = Path(__file__).parents[1]
AGENT = ROOT / "tests" / "support" / "ngrok_agent.py"


def measure_jobs(folder: Path, runs: int) -> Iterator[Figure]:
    """Time whole jobs: saving a file without and with a tunnel, and saving nothing."""
    with running_sandbox(folder, "--task-seconds", str(TASK_S)) as sandbox:
        plain = [_job(sandbox, "--output", f"a{run}.mp4")[0] for run in range(runs)]
        yield _overhead(
            "a job without a tunnel, beyond the task's own time", plain, 0.5
        )
        tunnelled = [
            _job(sandbox, "--tunnel", "ngrok", "-o", f"b{run}.mp4", **_agent(folder))[0]
            for run in range(runs)
        ]
        yield _overhead("the same with the stand-in agent", tunnelled, 0.8)
        with _ssh_server(folder) as address:
            by_ssh = [
                _job(sandbox, "--tunnel", address, "-o", f"c{run}.mp4")[0]
                for run in range(runs)
            ]
        yield _overhead("the same through an ssh server on loopback", by_ssh, 0.9)
        tails = [_job(sandbox, "--no-download")[1] for _ in range(runs)]
        yield Figure(
            name="from the final callback to the exit, nothing to download",
            value=statistics.median(tails),
            budget=0.10,
            unit="s",
        )


def measure_memory(folder: Path, _runs: int) -> Iterator[Figure]:
    """Measure the peak memory of a waiting job."""
    with running_sandbox(folder, "--task-seconds", "3") as sandbox:
        child = subprocess.Popen(
            kling("text2video", "a boat", "--no-download"),
            env=sandbox.env,
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        _, _, usage = os.wait4(child.pid, 0)
        child.returncode = 0

    kilobytes = usage.ru_maxrss / (1024 if sys.platform == "darwin" else 1)
    yield Figure(
        name="peak memory of a kling that waits",
        value=kilobytes / 1024,
        budget=64,
        unit="MB",
    )


def _job(sandbox: SandboxProcess, *options: str, **env: str) -> tuple[float, float]:
    """Return the seconds of a whole job, and those after the task's end."""
    began = time.time()
    done = subprocess.run(
        kling("text2video", "a boat", "--json", *options),
        env={**sandbox.env, **env},
        cwd=sandbox.cwd,
        check=True,
        capture_output=True,
    )
    ended = time.time()
    answer = json.loads(done.stdout)
    assert answer["completed_by"] == "callback", answer
    final = datetime.fromisoformat(answer["updated_at"]).timestamp()
    return ended - began, ended - final


def _overhead(name: str, times: list[float], budget: float) -> Figure:
    value = statistics.median(times) - TASK_S
    return Figure(name=name, value=value, budget=budget, unit="s")


@contextmanager
def _ssh_server(home: Path) -> Iterator[str]:
    """Serve ssh in a process of its own; yield the value of `--tunnel` for it."""
    command = [sys.executable, "-m", "tests.support.ssh_server", str(home)]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        yield server.stdout.readline().strip()
        server.communicate("")


def _agent(folder: Path) -> dict[str, str]:
    """Return the environment of a job that uses the stand-in for the ngrok agent."""
    home = folder / "agent"
    home.mkdir(exist_ok=True)
    (home / "control.json").write_text("{}")
    program = home / "ngrok"
    program.write_text(
        f'#!/bin/sh\nexport STAND_IN_NGROK="{home}"\n'
        f'exec "{sys.executable}" -I -S "{AGENT}" "$@"\n'
    )
    program.chmod(0o700)
    return {"PYNGROK_NGROK_PATH": str(program), "NGROK_AUTHTOKEN": "t" * 40}
