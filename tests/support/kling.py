"""Runs the program under test in its own home, and checks what it leaves behind."""

from __future__ import annotations

import re
import sys
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil

from tests.support import home as homes
from tests.support.in_process import run_in_process
from tests.support.program import PATIENCE_S, Program, Result
from tests.support.secrets import Secrets
from tests.support.terminal import Terminal

_RUN_VARIABLE = "TEST_RUN_ID"
_SHOWN = 2000  # characters of a traceback
_UNSEEMLY = re.compile(
    r"Traceback \(most recent call last\)|Exception ignored in|\b\w+Warning: "
)


class Kling:
    """`kling` with a home, a current folder and an environment.

    `check` finds what no run may leave: secrets where they do not belong, tracebacks,
    processes. The fixture calls it after each test.
    """

    def __init__(self, home: Path, env: Mapping[str, str] | None = None) -> None:
        self.home = home
        self.here = home / "here"
        self.state_dir = home / "state"
        self.config_dir = home / "config"
        self.secrets = Secrets({})
        self.env = {
            **homes.environment(home),
            "KLING_STATE_DIR": str(self.state_dir),
            "KLING_CONFIG_DIR": str(self.config_dir),
            _RUN_VARIABLE: uuid.uuid4().hex,
            **(env or {}),
        }
        self.results: list[Result] = []
        self.here.mkdir(parents=True, exist_ok=True)

    def run(
        self,
        *args: str,
        stdin: bytes | None = None,
        env: Mapping[str, str | None] | None = None,
    ) -> Result:
        """Run `kling ARGS` to its end in this process; None takes a variable away."""
        changed = {**self.env, **(env or {})}
        result = run_in_process(
            args,
            env={name: value for name, value in changed.items() if value is not None},
            cwd=self.here,
            stdin=stdin,
        )
        self.results.append(result)
        return result

    def run_process(
        self,
        *args: str,
        stdin: bytes | None = None,
        env: Mapping[str, str | None] | None = None,
        timeout_s: float = PATIENCE_S,
    ) -> Result:
        """Run `kling ARGS` to its end in a process of its own."""
        with self.start(*args, stdin=stdin, env=env) as program:
            program.finish(timeout_s)
        return self.results[-1]

    @contextmanager
    def start(
        self,
        *args: str,
        stdin: bytes | None = None,
        env: Mapping[str, str | None] | None = None,
        terminal: Terminal | None = None,
    ) -> Iterator[Program]:
        """Start `kling ARGS`; None in `env` takes a variable away.

        With a terminal its coverage is measured: no test process can take that path.
        """
        measuring = homes.measuring() if terminal else {}
        changed = {**self.env, **measuring, **(env or {})}
        with Program(
            self.command(*args),
            env={name: value for name, value in changed.items() if value is not None},
            cwd=self.here,
            stdin=stdin,
            terminal=terminal,
        ) as program:
            yield program
        self.results.append(program.finish())

    def command(self, *args: str) -> tuple[str, ...]:
        return (sys.executable, "-m", "kling_cli", *args)

    def files(self, pattern: str = "*") -> list[Path]:
        """Return the files in the current folder, by name."""
        return sorted(path for path in self.here.glob(pattern) if path.is_file())

    def processes(self) -> list[psutil.Process]:
        """Return what any run has started, orphans included, that is still alive."""
        return [process for process in psutil.process_iter() if self._is_ours(process)]

    def strays(self, grace_s: float = 3.0) -> list[str]:
        """Return the processes that do not end within `grace_s`, and end them."""
        deadline = time.monotonic() + grace_s
        while (left := self.processes()) and time.monotonic() < deadline:
            time.sleep(0.02)
        found = [f"{process.pid} {process.cmdline()}" for process in left]
        for process in left:
            process.kill()
        return found

    def check(self) -> list[str]:
        """Return secrets, tracebacks and other leaks of the runs."""
        found = [f"{leak} below home" for leak in self.secrets.found_below(self.home)]
        for result in self.results:
            said_by = " ".join(result.args)
            found += [f"{leak} said by {said_by}" for leak in _leaks(self, result)]
        return found

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            is_over = process.status() == psutil.STATUS_ZOMBIE
            mine = process.environ().get(_RUN_VARIABLE) == self.env[_RUN_VARIABLE]
        except psutil.Error:
            return False
        return mine and not is_over


def _leaks(kling: Kling, result: Result) -> list[str]:
    found = kling.secrets.found_in(result.output)
    text = result.stdout + result.stderr
    if unseemly := _UNSEEMLY.search(text):
        found.append(text[unseemly.start() :][:_SHOWN])
    return found
