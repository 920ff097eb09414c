"""The file that is being written beside its final name, and how it gets that name."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from kling_cli.jobs.naming import free_names


@contextlib.contextmanager
def part_file(target: Path) -> Iterator[tuple[Path, IO[bytes]]]:
    """Open `NAME.part` beside the target, empty and ours alone; removed at the end.

    It is locked for as long as it is open, so one that a killed process left behind is
    known by having no lock, and taken over.
    """
    for free in free_names(target):  # pragma: no branch -- they never end
        part = free.with_name(free.name + ".part")
        with part.open("ab") as stream:
            if not _is_ours(stream, part):
                continue
            try:
                rewind(stream)
                yield part, stream
            finally:  # still locked: nobody can have taken it over
                if _is_named(stream, part):
                    part.unlink()
            return


def put_in_place(part: Path, target: Path, *, is_forced: bool) -> Path:
    """Give the finished file its name; without force never one that is taken."""
    if is_forced:
        part.replace(target)
        return target
    for free in free_names(target):
        try:
            os.link(part, free)  # unlike a rename, this fails when the name is taken
        except FileExistsError:
            continue
        except OSError:  # pragma: no cover -- needs a file system without links
            if free.exists():
                continue
            part.rename(free)
        return free
    raise AssertionError  # pragma: no cover -- free_names never ends


def rewind(stream: IO[bytes]) -> None:
    """Begin the file anew."""
    stream.seek(0)
    stream.truncate()


def _is_ours(stream: IO[bytes], part: Path) -> bool:
    """Return whether we have the lock on a part that is nothing but a part."""
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # pragma: no cover -- needs a file system without locks
        return True
    if not _is_named(stream, part):
        return False
    if os.fstat(stream.fileno()).st_nlink > 1:  # killed before this name was removed:
        part.unlink()  # the other is that of a finished file
        return False
    return True


def _is_named(stream: IO[bytes], part: Path) -> bool:
    """Return whether `part` is still the name of the open file."""
    try:
        return os.path.samestat(os.fstat(stream.fileno()), part.stat())
    except FileNotFoundError:
        return False
