"""Output of long results through the user's pager."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from shutil import get_terminal_size, which
from typing import TYPE_CHECKING

from kling_cli.cli.output.terminal.capabilities import is_dumb, is_terminal
from kling_cli.cli.output.terminal.streams import write_result

if TYPE_CHECKING:
    from subprocess import Popen

_DEFAULT = "less"
_LESS = "FRX"  # leave at once if it fits, keep colours, leave the text on the screen


def print_lines(lines: Iterable[str]) -> None:
    """Write result lines to stdout; through a pager if they exceed the screen.

    PAGER names it (default: less); with `cat` or an empty value there is none.
    """
    shown = list(lines)
    command = _pager_command(os.environ) if _needs_pager(len(shown)) else []
    if not command or not _run_pager(command, "\n".join(shown) + "\n"):
        for line in shown:
            write_result(line)


def _needs_pager(n_lines: int) -> bool:
    """Return whether stdout is a terminal with fewer lines than the result."""
    return (
        is_terminal(sys.stdin)
        and is_terminal(sys.stdout)
        and not is_dumb(os.environ)
        and n_lines >= get_terminal_size().lines
    )


def _pager_command(environ: Mapping[str, str]) -> list[str]:
    """Return the pager's command; empty where there is none."""
    import shlex

    try:
        command = shlex.split(environ.get("PAGER", _DEFAULT))
    except ValueError:
        return []
    is_there = bool(command) and which(command[0]) is not None
    return command if is_there and command != ["cat"] else []


def _run_pager(command: list[str], text: str) -> bool:
    """Return whether the pager has shown `text`, or as much as was read."""
    import subprocess

    environ = {"LESS": _LESS, "LV": "-c", **os.environ}
    try:
        pager = subprocess.Popen(  # noqa: S603 -- the user's own choice
            command, stdin=subprocess.PIPE, env=environ
        )
    except OSError:
        return False
    with suppress(BrokenPipeError, ConnectionResetError):
        _write_to_pager(pager, text)
    return True


def _write_to_pager(pager: Popen[bytes], text: str) -> None:
    """Write the text to the pager and wait; the pager handles Ctrl-C."""
    assert pager.stdin is not None  # noqa: S101 -- it is a pipe
    raw: bytes | None = text.encode("utf-8", "surrogateescape")
    while True:
        try:
            pager.communicate(raw)
        except KeyboardInterrupt:
            raw = None
        else:
            return
