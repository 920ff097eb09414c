"""Opens files with the default program of this machine."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from shutil import which
from typing import Final

from kling_cli.errors import NotSavedError

# The first that is there: Linux's own, from WSL to Windows, on a phone.
_PROGRAMS: Final = ("xdg-open", "wslview", "termux-open")
_START_TIMEOUT_S: Final = 2.0  # a program that runs longer shows the file itself


def open_file(path: Path) -> None:
    """Open a file and return at once; the program keeps running.

    Raises:
        NotSavedError: there is no such program, or it cannot open the file.
    """
    names = ("open",) if sys.platform == "darwin" else _PROGRAMS
    program = next((found for name in names if (found := which(name))), None)
    if program is None:
        raise NotSavedError(
            f"{path} was not opened: there is no {' or '.join(names)} here",
            hint="install xdg-utils, or open the file yourself",
        )
    _start(program, path)


def _start(program: str, path: Path) -> None:
    nothing = subprocess.DEVNULL
    try:
        started = subprocess.Popen(  # noqa: S603 -- found above; the path is absolute
            [program, str(path.absolute())],
            stdin=nothing,
            stdout=nothing,
            stderr=nothing,
            start_new_session=True,  # Ctrl-C here does not end it
        )
        code = started.wait(_START_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        return
    except OSError as exc:
        raise _failed(program, path, exc.strerror or str(exc)) from exc
    if code != 0:
        raise _failed(program, path, f"exit code {code}")


def _failed(program: str, path: Path, reason: str) -> NotSavedError:
    return NotSavedError(
        f"{path} could not be opened: {Path(program).name}: {reason}",
        hint="open the file yourself",
    )
