"""Start-up times of short commands, compared with minimal programs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from figures import Figure, compared, environment, kling
from sandbox_process import running_sandbox

HELLO = """
import typer
app = typer.Typer()
@app.command()
def main(name: str = "world", shout: bool = False) -> None:
    "Say hello."
    print(f"Hello {name}")
app()
"""

BARE_GET = """
import sys, typer, httpx
with httpx.Client() as client:
    answer = client.get(
        f"{sys.argv[1]}/tasks?task_ids={sys.argv[3]}",
        headers={"Authorization": f"Bearer {sys.argv[2]}"},
    )
print(answer.json()["data"][0]["status"])
"""


def measure_starts(folder: Path, runs: int) -> Iterator[Figure]:
    """Compare `--version` and `--help` with a typer hello-world."""
    hello = folder / "hello.py"
    hello.write_text(HELLO)
    how = {"env": environment(folder), "cwd": folder, "runs": runs}
    yield compared(
        "kling --version / typer hello world",
        kling("--version"),
        [sys.executable, str(hello)],
        1.15,
        **how,
    )
    yield compared(
        "kling --help / typer hello world --help",
        kling("--help"),
        [sys.executable, str(hello), "--help"],
        1.3,
        **how,
    )


def measure_status(folder: Path, runs: int) -> Iterator[Figure]:
    """Compare `kling status ID` with a script that makes the same GET."""
    script = folder / "get.py"
    script.write_text(BARE_GET)
    with running_sandbox(folder, "--task-seconds", "0.2") as sandbox:
        task_id = sandbox.finished_task()
        yield compared(
            "kling status ID / typer + httpx + one GET",
            kling("status", task_id),
            [sys.executable, str(script), sandbox.base_url, sandbox.api_key, task_id],
            1.15,
            env=sandbox.env,
            cwd=folder,
            runs=runs,
        )
