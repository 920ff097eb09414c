"""A running program: waits for output, sends signals, awaits the end."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import psutil

from tests.support.terminal import Terminal

PATIENCE_S = 45.0  # never reached unless something hangs; the machine may be busy


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The exit code and output of a program. A signal's exit code is negative."""

    args: tuple[str, ...]
    exit_code: int
    stdout: str
    stderr: str
    elapsed_s: float

    def json(self) -> dict[str, Any]:
        """Return the one JSON object that stdout holds, and nothing beside it."""
        document = json.loads(self.stdout)
        assert isinstance(document, dict), self
        return document

    @property
    def lines(self) -> list[str]:
        return self.stdout.splitlines()

    @property
    def output(self) -> bytes:
        return (self.stdout + self.stderr).encode("utf-8", "surrogateescape")


class Program:
    """A started program; a context manager that ends it and its children."""

    def __init__(
        self,
        args: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: Path,
        stdin: bytes | None = None,
        terminal: Terminal | None = None,
    ) -> None:
        self.args = tuple(args)
        self._terminal = terminal
        self._changed = threading.Condition()
        self._output = {"stdout": bytearray(), "stderr": bytearray()}
        self._started_at = time.monotonic()
        on_terminal = terminal.slaves() if terminal else {}
        self.process = subprocess.Popen(
            self.args,
            env=dict(env),
            cwd=cwd,
            stdin=on_terminal.get("stdin", _input_for(stdin)),
            stdout=on_terminal.get("stdout", subprocess.PIPE),
            stderr=on_terminal.get("stderr", subprocess.PIPE),
            start_new_session=True,  # signals to its group reach nobody else
        )
        self._threads = self._listen()
        if stdin is not None and self.process.stdin is not None:
            self._feed(self.process.stdin, stdin)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self._close()

    @property
    def pid(self) -> int:
        return self.process.pid

    def output(self, stream: str) -> str:
        """Return the output on `stdout` or `stderr` so far."""
        with self._changed:
            return self._output[stream].decode("utf-8", "surrogateescape")

    def wait_for(
        self, pattern: str, *, stream: str = "stderr", timeout_s: float = PATIENCE_S
    ) -> re.Match[str]:
        """Return as soon as `pattern` is found in `stream`."""
        deadline = time.monotonic() + timeout_s
        with self._changed:
            while True:
                is_over = self.process.poll() is not None and not self._is_talking()
                text = self._output[stream].decode("utf-8", "surrogateescape")
                if found := re.search(pattern, text):
                    return found
                assert not is_over, f"ended without {pattern!r}: {self._everything()}"
                assert time.monotonic() < deadline, f"no {pattern!r}: {text}"
                self._changed.wait(0.1)

    def send(self, what: signal.Signals) -> None:
        """Send a signal to this process alone."""
        self.process.send_signal(what)

    def press_ctrl_c(self) -> None:
        """Send SIGINT to the whole group, as a terminal does."""
        os.killpg(self.process.pid, signal.SIGINT)

    def descendants(self) -> list[psutil.Process]:
        """Return the processes it has started that are still there."""
        try:
            return psutil.Process(self.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []

    def finish(self, timeout_s: float = PATIENCE_S) -> Result:
        """Return how it ended; kill it and fail when it does not end in time."""
        try:
            exit_code = self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self._close()
            message = f"{self.args} did not end in {timeout_s} s: {self._everything()}"
            raise AssertionError(message) from None
        elapsed_s = time.monotonic() - self._started_at
        self._close()
        return Result(
            args=self.args,
            exit_code=exit_code,
            stdout=self.output("stdout"),
            stderr=self.output("stderr"),
            elapsed_s=elapsed_s,
        )

    def _listen(self) -> list[threading.Thread]:
        sources: dict[str, int] = {}
        if self.process.stdout is not None:
            sources["stdout"] = self.process.stdout.fileno()
        if self.process.stderr is not None:
            sources["stderr"] = self.process.stderr.fileno()
        if self._terminal is not None:
            self._terminal.close_slave()
            sources[self._terminal.stream] = self._terminal.master
        threads = [
            threading.Thread(target=self._read, args=(stream, source), daemon=True)
            for stream, source in sources.items()
        ]
        for thread in threads:
            thread.start()
        return threads

    def _read(self, stream: str, source: int) -> None:
        while chunk := _read_some(source):
            with self._changed:
                self._output[stream] += chunk
                self._changed.notify_all()

    def _feed(self, pipe: IO[bytes], data: bytes) -> None:
        try:
            pipe.write(data)
            pipe.close()
        except BrokenPipeError:
            pass  # it did not want to hear more

    def _is_talking(self) -> bool:
        return any(thread.is_alive() for thread in self._threads)

    def _everything(self) -> str:
        return f"stdout: {self.output('stdout')}\nstderr: {self.output('stderr')}"

    def _close(self) -> None:
        self.process.wait()
        for thread in self._threads:
            # what it started may hold the pipe open: nobody waits for that here
            thread.join(timeout=2.0)
        for pipe in (self.process.stdout, self.process.stderr, self.process.stdin):
            if pipe is not None and not self._is_talking():
                pipe.close()
        if self._terminal is not None:
            self._terminal.close()


def _input_for(stdin: bytes | None) -> int:
    return subprocess.DEVNULL if stdin is None else subprocess.PIPE


def _read_some(source: int) -> bytes:
    try:
        return os.read(source, 65536)
    except OSError:
        return b""  # a terminal whose other side is closed says EIO
