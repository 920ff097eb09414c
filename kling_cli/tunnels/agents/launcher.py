"""Starts an agent program that ends when whoever started it ends.

Run as a program of its own, with nothing but the standard library: `launcher.py FOLDER
ARGUMENT…`. Before it execs the agent it sends its pid and waits for its command, both
through named pipes in FOLDER (see `process.py`). So the agent is recorded
before it runs, its secrets are on no command line and on no disk, and the end of its
owner is noticed by the pipe's end.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any, NoReturn

_PR_SET_PDEATHSIG = 1  # Source: prctl(2)
_OWN_VARIABLES = "KLING_"  # our keys are not for the agent


def main() -> NoReturn:  # pragma: no cover -- runs without site-packages
    folder, *arguments = sys.argv[1:]
    _end_with_parent()
    command = _receive_command(folder)
    if not command:
        sys.exit(1)
    _detach_terminal(is_stderr_read=command["is_stderr_read"])
    environ = {k: v for k, v in os.environ.items() if not k.startswith(_OWN_VARIABLES)}
    for name in command["without"]:
        environ.pop(name, None)
    environ.update(command["environ"])
    _exec(command["agent"], arguments, environ)


def _exec(  # pragma: no cover -- the same
    agent: str, arguments: list[str], environ: dict[str, str]
) -> NoReturn:
    os.execve(agent, [agent, *arguments], environ)  # noqa: S606 -- the agent itself


def _end_with_parent() -> None:  # pragma: no cover -- the same
    """Have Linux end us when the thread that started us ends, however it does.

    A request to stop, not a kill, so that the agent takes its leave of the cloud.
    """
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _receive_command(  # pragma: no cover -- the same
    folder: str,
) -> dict[str, Any] | None:
    """Send our pid and return the command; None when the owner is gone.

    The pipe we wrote to stays open in the agent: its end reports the agent's end.
    """
    try:
        source = os.open(os.path.join(folder, "command"), os.O_RDONLY | os.O_NONBLOCK)  # noqa: PTH118 -- pathlib would cost a third of our time
        hello = os.open(os.path.join(folder, "hello"), os.O_WRONLY | os.O_NONBLOCK)  # noqa: PTH118 -- the same
        os.write(hello, b"%d\n" % os.getpid())
    except OSError:
        return None
    os.set_inheritable(hello, True)
    os.set_blocking(source, True)
    with os.fdopen(source) as pipe:
        line = pipe.readline()
    command: dict[str, Any] | None = json.loads(line) if line else None
    return command


def _detach_terminal(*, is_stderr_read: bool) -> None:  # pragma: no cover -- the same
    """Connect stdin to the null device, and stderr to that or to stdout."""
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(1 if is_stderr_read else null, 2)
    os.close(null)


if __name__ == "__main__":  # pragma: no cover -- the same
    main()
