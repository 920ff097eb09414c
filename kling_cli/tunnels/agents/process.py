"""Supervises an agent process: its pid is known before it runs, its end is certain.

pyngrok starts the program it is given and tells nobody its pid. The program we give it
is `launcher.py`, which sends its pid and waits for its command on two named pipes.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from kling_cli.errors import TunnelError
from kling_cli.tunnels.agents import launcher, orphans
from kling_cli.tunnels.agents.identity import Identity, identify

_JOIN_S = 2.0
_VERSION_S = 3.0  # a healthy agent answers `--version` in a twentieth of it


class SupervisedProcess:
    """Supervises one agent process; `program` is what to start, once.

    `environ` is added to the agent's environment and to nothing else's; it never
    touches the disk. The variables `without` are taken away. With `is_stderr_read` what
    it writes to stderr goes to stdout, otherwise nowhere. `on_end` is called in another
    thread as soon as the agent has ended, however it did.
    """

    def __init__(  # noqa: PLR0913 -- what a process is started with, by name
        self,
        state_dir: Path,
        *,
        agent: Path,
        environ: Mapping[str, str],
        without: Sequence[str] = (),
        is_stderr_read: bool = False,
        on_end: Callable[[], None] = lambda: None,
    ) -> None:
        self.folder = _new_folder(orphans.folder_for_agents(state_dir))
        self.program = _write_program(self.folder)
        self.identity: Identity | None = None
        self._state_dir = state_dir
        self._command = {
            "agent": str(agent),
            "environ": dict(environ),
            "without": list(without),
            "is_stderr_read": is_stderr_read,
        }
        self._on_end = on_end
        self._lock = threading.Lock()
        self._is_killed = False
        self._pipes = _open_pipes(self.folder)
        self._watcher = threading.Thread(
            target=self._watch, name="kling-agent-watcher", daemon=True
        )
        self._watcher.start()

    def kill(self) -> None:
        """End the agent now, or keep it from ever starting; returns at once."""
        with self._lock:
            self._is_killed = True
            self._close_pipe("command")
            if "keep_open" in self._pipes:
                os.write(self._pipes["keep_open"], b"\n")  # wakes the watcher
            if self.identity is not None and self.identity.is_alive:
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(self.identity.pid, signal.SIGKILL)

    def close(self) -> None:
        """End the agent and remove what was written for it."""
        self.kill()
        self._watcher.join(_JOIN_S)
        if self.identity is not None:
            orphans.remove_record(self._state_dir, self.identity.pid)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _watch(self) -> None:
        """Read the launcher's pid, answer it, then wait for the end of its pipe."""
        with os.fdopen(self._pipes.pop("hello"), "rb", buffering=0) as hello:
            line = hello.readline().strip()
            if not line or not self._start(int(line)):
                self._close_pipes()
                return
            hello.read()
        self._on_end()

    def _start(self, pid: int) -> bool:
        """Record the agent, then let it run; False when it may not."""
        found, us = identify(pid), identify(os.getpid())
        with self._lock:
            if self._is_killed or found is None or us is None:
                return False
            self.identity = found
            try:
                orphans.write_record(self._state_dir, found, us, self.folder)
                os.write(
                    self._pipes["command"], json.dumps(self._command).encode() + b"\n"
                )
            except OSError:  # cannot be recorded, or has ended already
                return False
            self._close_pipe(
                "command"
            )  # a second start finds no command and ends at once
            self._close_pipe("keep_open")
            return True

    def _close_pipes(self) -> None:
        with self._lock:
            self._close_pipe("command")
            self._close_pipe("keep_open")

    def _close_pipe(self, name: str) -> None:
        if name in self._pipes:
            os.close(self._pipes.pop(name))


def _new_folder(parent: Path) -> Path:
    """Return a new folder, 0700, whose name says whose it is."""
    return Path(tempfile.mkdtemp(prefix=f"run-{os.getpid()}-", dir=parent))


def _write_program(folder: Path) -> Path:
    """Return a script that runs the launcher: pyngrok takes a path, no arguments."""
    command = [sys.executable, "-I", "-S", launcher.__file__, str(folder)]
    program = folder / "agent"
    program.write_text(f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n')
    program.chmod(0o700)
    return program


def _open_pipes(folder: Path) -> dict[str, int]:
    """Open both pipes without waiting for the other side.

    `keep_open` keeps `hello` from ending before the launcher has opened it.
    """
    for name in ("hello", "command"):
        os.mkfifo(folder / name, 0o600)
    hello = os.open(folder / "hello", os.O_RDONLY | os.O_NONBLOCK)
    keep_open = os.open(folder / "hello", os.O_WRONLY)
    reader = os.open(folder / "command", os.O_RDONLY | os.O_NONBLOCK)
    command = os.open(folder / "command", os.O_WRONLY)
    os.close(reader)
    os.set_blocking(hello, True)
    return {"hello": hello, "keep_open": keep_open, "command": command}


def is_program(path: Path) -> bool:
    """Return whether `path` is a file that may be run."""
    return os.access(path, os.X_OK) and path.is_file()  # in a folder we may look into


def read_version(
    agent: Path, name: str, *, hint: str, timeout_s: float = _VERSION_S
) -> tuple[int, ...]:
    """Return what `agent` says behind `NAME version`; it has `timeout_s` to do so.

    Raises: `TunnelError` with `hint` when it cannot be run, does not answer, or is
    another program.
    """
    try:
        said = subprocess.run(  # noqa: S603 -- the program the person chose
            [agent, "--version"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=timeout_s,
            start_new_session=True,
            check=False,
        ).stdout
    except subprocess.TimeoutExpired:
        raise TunnelError(
            f"{agent} did not tell its version in {timeout_s:g} s", hint=hint
        ) from None
    except OSError as exc:
        raise TunnelError(f"{agent} cannot be run: {exc.strerror}", hint=hint) from exc
    found = re.search(rb"%b version (\d+(?:\.\d+)*)" % name.encode(), said)
    if found is None:
        raise TunnelError(f"{agent} is not {_with_article(name)} agent", hint=hint)
    return tuple(int(part) for part in found[1].split(b"."))


def _with_article(name: str) -> str:
    return f"an {name}" if name == "ngrok" else f"a {name}"
