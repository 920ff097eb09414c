"""Checks of the program: its Python, and other programs of the same name."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator
from pathlib import Path

from kling_cli import __version__
from kling_cli.cli.diagnosis.check import Check, ok, warn

_NAME = "kling"
_HEAD_BYTES = 4096
_PACKAGE_MARKS = b"kling_cli"  # every installer's script imports it by this name


def program_checks(search_path: str) -> Iterator[Check]:
    """Yield which Python runs kling, and what a shell with `search_path` would run."""
    python = f"{platform.python_implementation()} {platform.python_version()}"
    yield ok("kling", f"{__version__} in {Path(__file__).parents[2]}")
    yield ok("python", f"{python} at {sys.executable}")
    yield check_path(find_programs(search_path))


def find_programs(search_path: str) -> list[Path]:
    """Return every program called kling on `search_path`, each file once, in order."""
    found: dict[Path, Path] = {}
    for folder in filter(None, search_path.split(os.pathsep)):
        path = Path(folder, _NAME)
        if os.access(path, os.X_OK) and path.is_file():  # in a folder we may look into
            found.setdefault(path.resolve(), path)
    return list(found.values())


def check_path(found: list[Path]) -> Check:
    """Check which of the programs found a shell runs; other packages have one too."""
    if not found:
        return warn(
            "command",
            "there is no `kling` on PATH",
            f"put {Path(sys.executable).parent} on PATH, or use `python -m kling_cli`",
        )
    foreign = [path for path in found if not starts_this_package(path)]
    if found[0] in foreign:
        own_program = next((path for path in found if path not in foreign), None)
        folder = own_program.parent if own_program else Path(sys.executable).parent
        return warn(
            "command",
            f"`kling` is {found[0]}, another program of the same name",
            f"put {folder} before {found[0].parent} on PATH, or remove the other one",
        )
    message = f"`kling` is {found[0]}"
    others = found[1:]
    if others:
        message += f"; also on PATH: {', '.join(map(str, others))}"
    return ok("command", message)


def starts_this_package(program: Path) -> bool:
    """Return whether `program` starts this package."""
    try:
        with program.open("rb") as file:
            return _PACKAGE_MARKS in file.read(_HEAD_BYTES)
    except OSError:
        return False
