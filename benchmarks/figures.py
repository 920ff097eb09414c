"""Measured figures with budgets, and timing of commands."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured number and its budget."""

    name: str
    value: float
    budget: float
    unit: str
    detail: str = ""

    @property
    def is_within_budget(self) -> bool:
        return self.value <= self.budget

    @property
    def line(self) -> str:
        verdict = "kept  " if self.is_within_budget else "MISSED"
        return (
            f"{verdict}  {self.value:7.2f} of {self.budget:g} {self.unit:<8}"
            f"  {self.name}{'  (' + self.detail + ')' if self.detail else ''}"
        )


def environment(folder: Path, **more: str) -> dict[str, str]:
    """Return an environment with a home of its own and no terminal."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    return {
        **kept,
        "HOME": str(folder),
        "KLING_STATE_DIR": str(folder / "state"),
        "KLING_CONFIG_DIR": str(folder / "config"),
        "NO_PROXY": "127.0.0.1",
        **more,
    }


def timed(command: Sequence[str], env: dict[str, str], cwd: Path) -> float:
    """Return the seconds that `command` took, as a whole process."""
    began = time.perf_counter()
    subprocess.run(
        command,
        env=env,
        cwd=cwd,
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return time.perf_counter() - began


def compared(
    name: str, ours: Sequence[str], theirs: Sequence[str], budget: float, **how: object
) -> Figure:
    """Return the median of `ours` / `theirs` over paired runs, after one warm-up."""
    env, cwd, runs = how["env"], how["cwd"], how["runs"]
    assert isinstance(env, dict)
    assert isinstance(cwd, Path)
    assert isinstance(runs, int)
    pairs = [(timed(ours, env, cwd), timed(theirs, env, cwd)) for _ in range(runs + 1)][
        1:
    ]
    return Figure(
        name=name,
        value=statistics.median(a / b for a, b in pairs),
        budget=budget,
        unit="x",
        detail=f"{_ms(a for a, _ in pairs)} beside {_ms(b for _, b in pairs)}",
    )


def kling(*words: str) -> list[str]:
    """Return the command line of the installed program."""
    return [str(Path(sys.executable).with_name("kling")), *words]


def _ms(seconds: object) -> str:
    return f"{statistics.median(seconds) * 1000:.0f} ms"  # type: ignore[call-overload]
