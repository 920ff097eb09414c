"""Long results on a terminal, a screen at a time, in the person's own pager."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from shutil import get_terminal_size, which
from typing import TYPE_CHECKING

from kling_cli.cli.report.choose import is_terminal
from kling_cli.cli.report.streams import write_result

if TYPE_CHECKING:
    from subprocess import Popen

_DEFAULT = "less"
_LESS = "FRX"  # leave at once if it fits, keep colours, leave the text on the screen


def print_lines(lines: Iterable[str]) -> None:
    """Write result lines to stdout; through a pager if they are more than a screen.

    PAGER names it (default: less); with `cat` or nothing in it there is none.
    """
    shown = list(lines)
    command = _pager(os.environ) if _is_paged(len(shown)) else []
    if not command or not _show(command, "\n".join(shown) + "\n"):
        for line in shown:
            write_result(line)


def _is_paged(n_lines: int) -> bool:
    """Return whether a person sits there who would miss the first lines."""
    return (
        is_terminal(sys.stdin)
        and is_terminal(sys.stdout)
        and os.environ.get("TERM", "dumb") not in ("dumb", "unknown", "")
        and n_lines >= get_terminal_size().lines
    )


def _pager(environ: Mapping[str, str]) -> list[str]:
    """Return the command of the pager; empty where there is none."""
    import shlex

    try:
        command = shlex.split(environ.get("PAGER", _DEFAULT))
    except ValueError:
        return []
    is_there = bool(command) and which(command[0]) is not None
    return command if is_there and command != ["cat"] else []


def _show(command: list[str], text: str) -> bool:
    """Return whether the pager has shown `text`, or as much as was wanted of it."""
    import subprocess

    environ = {"LESS": _LESS, "LV": "-c", **os.environ}
    try:
        pager = subprocess.Popen(  # noqa: S603 -- the person's own choice
            command, stdin=subprocess.PIPE, env=environ
        )
    except OSError:
        return False
    with suppress(BrokenPipeError, ConnectionResetError):
        _feed(pager, text)
    return True


def _feed(pager: Popen[bytes], text: str) -> None:
    """Hand over the text and wait; Ctrl-C is the pager's."""
    assert pager.stdin is not None  # noqa: S101 -- it is a pipe
    raw: bytes | None = text.encode("utf-8", "surrogateescape")
    while True:
        try:
            pager.communicate(raw)
        except KeyboardInterrupt:
            raw = None
        else:
            return
