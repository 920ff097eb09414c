"""Our end of the leash an agent runs on: started with its pid known, ended for certain.

pyngrok starts the program it is given and tells nobody its pid. The program we give it
is `launcher.py`, which says its pid and waits for its order in two named pipes.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from kling_cli.tunnels import launcher
from kling_cli.tunnels import orphans as reaper
from kling_cli.tunnels.process_identity import Identity, identify

_JOIN_S = 2.0


class Leash:
    """One agent's leash; `program` is what to start, once.

    `environ` is added to the agent's environment and to nothing else's; it never
    touches the disk. `on_end` is called in another thread as soon as the agent has
    ended, however it did.
    """

    def __init__(
        self,
        state_dir: Path,
        *,
        agent: Path,
        environ: Mapping[str, str],
        on_end: Callable[[], None],
    ) -> None:
        self.folder = _new_folder(reaper.folder_for_agents(state_dir))
        self.program = _write_program(self.folder)
        self.identity: Identity | None = None
        self._state_dir = state_dir
        self._order = {"agent": str(agent), "environ": dict(environ)}
        self._on_end = on_end
        self._lock = threading.Lock()
        self._is_cut = False
        self._pipes = _open_pipes(self.folder)
        self._guard = threading.Thread(
            target=self._watch, name="kling-leash", daemon=True
        )
        self._guard.start()

    def cut(self) -> None:
        """End the agent now, or keep it from ever starting; returns at once."""
        with self._lock:
            self._is_cut = True
            self._shut("order")
            if "hold" in self._pipes:
                os.write(self._pipes["hold"], b"\n")  # wakes the guard
            if self.identity is not None and self.identity.is_alive:
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(self.identity.pid, signal.SIGKILL)

    def close(self) -> None:
        """End the agent and remove what was written for it; pyngrok is done with it."""
        self.cut()
        self._guard.join(_JOIN_S)
        if self.identity is not None:
            reaper.forget(self._state_dir, self.identity.pid)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _watch(self) -> None:
        """Hear the launcher, answer it, then wait for the end of its pipe."""
        with os.fdopen(self._pipes.pop("hello"), "rb", buffering=0) as hello:
            line = hello.readline().strip()
            if not line or not self._tie(int(line)):
                self._let_go()
                return
            hello.read()
        self._on_end()

    def _tie(self, pid: int) -> bool:
        """Write the agent down, then let it begin; False when it shall not."""
        found, us = identify(pid), identify(os.getpid())
        with self._lock:
            if self._is_cut or found is None or us is None:
                return False
            self.identity = found
            try:
                reaper.remember(self._state_dir, found, us, self.folder)
                os.write(self._pipes["order"], json.dumps(self._order).encode() + b"\n")
            except OSError:  # cannot be written down, or has ended already
                return False
            self._shut("order")  # a second start finds no order and ends at once
            self._shut("hold")
            return True

    def _let_go(self) -> None:
        with self._lock:
            self._shut("order")
            self._shut("hold")

    def _shut(self, name: str) -> None:
        if name in self._pipes:
            os.close(self._pipes.pop(name))


def _new_folder(parent: Path) -> Path:
    """Return a new folder, 0700, whose name says whose it is."""
    return Path(tempfile.mkdtemp(prefix=f"run-{os.getpid()}-", dir=parent))


def _write_program(folder: Path) -> Path:
    """Return a script that pyngrok can start: it takes a path and no arguments."""
    command = [sys.executable, "-I", "-S", launcher.__file__, str(folder)]
    program = folder / "ngrok"
    program.write_text(f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n')
    program.chmod(0o700)
    return program


def _open_pipes(folder: Path) -> dict[str, int]:
    """Open both pipes without waiting for the other side.

    `hold` keeps `hello` from ending before the launcher has opened it.
    """
    for name in ("hello", "order"):
        os.mkfifo(folder / name, 0o600)
    hello = os.open(folder / "hello", os.O_RDONLY | os.O_NONBLOCK)
    hold = os.open(folder / "hello", os.O_WRONLY)
    reader = os.open(folder / "order", os.O_RDONLY | os.O_NONBLOCK)
    order = os.open(folder / "order", os.O_WRONLY)
    os.close(reader)
    os.set_blocking(hello, True)
    return {"hello": hello, "hold": hold, "order": order}
