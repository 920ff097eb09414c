"""Finds child processes and threads that a test left running."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

_GRACE_S = 3.0
_PAUSE_S = 0.01


@dataclass(frozen=True, slots=True)
class Running:
    """The processes and threads running at a moment."""

    processes: frozenset[psutil.Process]
    threads: frozenset[threading.Thread]

    @classmethod
    def now(cls) -> Running:
        return cls(frozenset(_descendants()), frozenset(threading.enumerate()))


def left_behind(before: Running, *, grace_s: float = _GRACE_S) -> list[str]:
    """Return what runs now and did not before, after a moment to end by itself.

    Processes found are killed, so that one careless test does not blame the next.
    """
    deadline = time.monotonic() + grace_s
    while True:
        processes, threads = _strays(before)
        if not processes and not threads:
            return []
        if time.monotonic() > deadline:
            break
        time.sleep(_PAUSE_S)
    found = [f"process {_name(process)}" for process in processes]
    for process in processes:
        process.kill()
    return [*found, *(f"thread {thread.name}" for thread in threads)]


def _descendants() -> list[psutil.Process]:
    """Return all descendants; when there are none, without a walk through /proc."""
    lists = list(Path("/proc/self/task").glob("*/children"))
    if lists and not any(_read(path) for path in lists):
        return []
    return psutil.Process().children(recursive=True)


def _read(path: Path) -> str:
    try:
        return path.read_text("ascii")
    except OSError:
        return ""  # the thread has ended


def _strays(before: Running) -> tuple[list[psutil.Process], list[threading.Thread]]:
    now = Running.now()
    processes = [p for p in now.processes - before.processes if _is_alive(p)]
    threads = [
        thread
        for thread in now.threads - before.threads
        if thread.is_alive()
        and not thread.daemon
        and not _is_pooled_by_another(thread, before)
    ]
    return processes, threads


def _is_pooled_by_another(thread: threading.Thread, before: Running) -> bool:
    """Return whether a thread is an idle worker of an event loop older than the test.

    anyio keeps such workers for later calls, and ends them with their event loop.
    """
    loop = getattr(thread, "loop", None)
    loop_thread_id = getattr(loop, "_thread_id", None)
    return loop_thread_id in {each.ident for each in before.threads}


def _is_alive(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _name(process: psutil.Process) -> str:
    try:
        return f"{process.pid} {' '.join(process.cmdline())}"
    except psutil.Error:
        return str(process.pid)
