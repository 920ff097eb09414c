"""What a job costs beyond the task's own time, and what waiting costs in memory."""

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

from box import Box, running_sandbox
from figures import Figure, kling

TASK_S = 1.5
ROOT = Path(__file__).parents[1]
AGENT = ROOT / "tests" / "support" / "ngrok_agent.py"


def measure_jobs(folder: Path, runs: int) -> Iterator[Figure]:
    """Time whole jobs: saving a file without and with a tunnel, and saving nothing."""
    with running_sandbox(folder, "--task-seconds", str(TASK_S)) as box:
        plain = [_job(box, "--output", f"a{run}.mp4")[0] for run in range(runs)]
        yield _overhead(
            "a job without a tunnel, beyond the task's own time", plain, 0.6
        )
        tunnelled = [
            _job(box, "--tunnel", "ngrok", "-o", f"b{run}.mp4", **_agent(folder))[0]
            for run in range(runs)
        ]
        yield _overhead("the same with the stand-in agent", tunnelled, 0.9)
        with _ssh_server(folder) as address:
            by_ssh = [
                _job(box, "--tunnel", address, "-o", f"c{run}.mp4")[0]
                for run in range(runs)
            ]
        yield _overhead("the same through an ssh server on loopback", by_ssh, 0.9)
        tails = [_job(box, "--no-download")[1] for _ in range(runs)]
        yield Figure(
            name="from the final callback to the exit, nothing to download",
            value=statistics.median(tails),
            budget=0.15,
            unit="s",
        )


def measure_memory(folder: Path, _runs: int) -> Iterator[Figure]:
    """Take the peak memory of a job that waits."""
    with running_sandbox(folder, "--task-seconds", "3") as box:
        child = subprocess.Popen(
            kling("text2video", "a boat", "--no-download"),
            env=box.env,
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


def _job(box: Box, *options: str, **env: str) -> tuple[float, float]:
    """Return the seconds of a whole job, and those after the task's end."""
    began = time.time()
    done = subprocess.run(
        kling("text2video", "a boat", "--json", *options),
        env={**box.env, **env},
        cwd=box.cwd,
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
    """Return what makes a job use the stand-in for the ngrok agent."""
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
