"""Becomes the ngrok agent, tied to the life of whoever started it.

Run as a program of its own, with nothing but the standard library: `launcher.py FOLDER
ARGUMENT…`. Before it becomes the agent it says who it is and waits for its order, both
through named pipes in FOLDER (see `leash.py`). So the agent is written down before it
exists, its token is on no command line and on no disk, and an owner that is gone, or
has thought better of it, is noticed by the pipe's end.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any, NoReturn

_PR_SET_PDEATHSIG = 1  # Source: prctl(2)
_OWN_SETTINGS = "KLING_"  # the agent has no use for our keys


def main() -> NoReturn:  # pragma: no cover -- runs without site-packages
    folder, *arguments = sys.argv[1:]
    _end_with_parent()
    order = _ask(folder)
    if not order:
        sys.exit(1)
    _be_quiet()
    environ = {k: v for k, v in os.environ.items() if not k.startswith(_OWN_SETTINGS)}
    environ.update(order["environ"])
    _become(order["agent"], arguments, environ)


def _become(  # pragma: no cover -- the same
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


def _ask(folder: str) -> dict[str, Any] | None:  # pragma: no cover -- the same
    """Say our pid and return the order; None when there is no owner any more.

    The pipe we spoke through stays open in the agent: its end is the news of our end.
    """
    try:
        source = os.open(os.path.join(folder, "order"), os.O_RDONLY | os.O_NONBLOCK)  # noqa: PTH118 -- pathlib would cost a third of our time
        hello = os.open(os.path.join(folder, "hello"), os.O_WRONLY | os.O_NONBLOCK)  # noqa: PTH118 -- the same
        os.write(hello, b"%d\n" % os.getpid())
    except OSError:
        return None
    os.set_inheritable(hello, True)
    os.set_blocking(source, True)
    with os.fdopen(source) as pipe:
        line = pipe.readline()
    order: dict[str, Any] | None = json.loads(line) if line else None
    return order


def _be_quiet() -> None:  # pragma: no cover -- the same
    """Take away the terminal: no keys come in, no usage text goes out."""
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 2)
    os.close(null)


if __name__ == "__main__":  # pragma: no cover -- the same
    main()
