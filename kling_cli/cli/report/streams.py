"""Writing to stdout and stderr as they really are: closed, full, or gone."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

from kling_cli.errors import NotSavedError


def write_result(text: str) -> None:
    """Write `text` and a line break to stdout in one piece.

    A reader that has gone away wants no more of it: that is no failure.

    Raises:
        NotSavedError: stdout cannot take it (a full disk).
    """
    try:
        write_line(text)
    except BrokenPipeError:
        discard_stdout()


def write_line(text: str) -> None:
    """Do the same for one line of many, and tell when nobody reads them.

    Raises:
        BrokenPipeError: the reader has gone away; it is time to end.
        NotSavedError: stdout cannot take it (a full disk).
    """
    write_bytes((text + "\n").encode("utf-8", "surrogateescape"))


def write_bytes(raw: bytes) -> None:
    """Write bytes to stdout as they are, and tell when nobody reads them.

    Raises:
        BrokenPipeError: the reader has gone away; it is time to end.
        NotSavedError: stdout cannot take it (a full disk).
    """
    if sys.stdout is None:  # closed by whoever started us
        return
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(raw)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as exc:
        discard_stdout()
        raise NotSavedError(
            f"could not write to stdout: {exc.strerror}",
            hint="send stdout somewhere with room and run kling list to see the tasks",
        ) from exc


def write_note(text: str) -> None:
    """Write `text` and a line break to stderr; nobody is told when that fails."""
    if sys.stderr is None:
        return
    with suppress(OSError, ValueError):
        sys.stderr.write(text + "\n")
        sys.stderr.flush()


def discard_stdout() -> None:
    """Let what is still in stdout's buffer go nowhere, without a complaint at exit."""
    _silence(1)


def close_streams() -> None:
    """Flush both streams, so that the interpreter finds nothing to complain about."""
    for descriptor, stream in ((1, sys.stdout), (2, sys.stderr)):
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError):
            _silence(descriptor)


def _silence(descriptor: int) -> None:
    with suppress(OSError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, descriptor)
        os.close(nowhere)
