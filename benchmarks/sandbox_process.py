"""A sandbox in a process of its own, for one benchmark."""

from __future__ import annotations

import json
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from figures import environment, kling


@dataclass(frozen=True, slots=True)
class SandboxProcess:
    """A running sandbox and what a client needs to talk to it."""

    base_url: str
    api_key: str
    env: dict[str, str]
    cwd: Path

    def finished_task(self) -> str:
        """Return the id of a task that has succeeded."""
        command = kling("text2video", "a boat", "--json", "--no-download")
        done = subprocess.run(
            command, env=self.env, cwd=self.cwd, check=True, capture_output=True
        )
        return str(json.loads(done.stdout)["task_id"])

    def state(self) -> dict[str, Any]:
        with urllib.request.urlopen(f"{self.base_url}/_sandbox/state") as answer:  # noqa: S310 -- loopback
            state: dict[str, Any] = json.load(answer)
        return state


@contextmanager
def running_sandbox(folder: Path, *options: str) -> Iterator[SandboxProcess]:
    """Serve a sandbox on a free port until left."""
    command = kling("sandbox", "--json", "--port", "0", *options)
    env = environment(folder)
    with subprocess.Popen(
        command, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        assert server.stdout is not None
        ready = json.loads(server.stdout.readline())
        drain = subprocess.Popen(
            ["cat"], stdin=server.stdout, stdout=subprocess.DEVNULL
        )
        try:
            base_url, api_key = ready["base_url"], ready["api_key"]
            known = {"KLING_API_BASE": base_url, "KLING_API_KEY": api_key}
            yield SandboxProcess(base_url, api_key, {**env, **known}, folder)
        finally:
            server.terminate()
            drain.wait(10)
