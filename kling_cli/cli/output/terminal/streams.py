"""The standard streams: closed, non-blocking, full or gone."""

from __future__ import annotations

import errno
import io
import os
import select
import sys
from contextlib import suppress
from typing import Any, Final, TextIO

from kling_cli.errors import NotSavedError, UsageError

_STDOUT: Final = 1
_STDERR: Final = 2


def open_streams() -> None:
    """Make the standard streams usable, however the parent process left them.

    A closed descriptor is opened on the null device: no file that is opened later gets
    its number, and children inherit something. `sys.stdin` stays None then, which tells
    "closed" from "empty". Streams that were replaced are left unchanged.
    """
    for descriptor in range(3):
        _open_if_closed(descriptor)
    if sys.__stdin__ is not None and sys.stdin is sys.__stdin__:
        sys.stdin = io.TextIOWrapper(
            io.BufferedReader(StandardStreamFile(0)), sys.__stdin__.encoding
        )
    if sys.stdout is sys.__stdout__:
        sys.stdout = _text_writer(_STDOUT, sys.__stdout__, errors="surrogateescape")
    if sys.stderr is sys.__stderr__:
        sys.stderr = _text_writer(_STDERR, sys.__stderr__, errors="backslashreplace")


class StandardStreamFile(io.RawIOBase):
    """An unbuffered file on a descriptor, blocking whatever its flags say.

    A parent such as Node makes its pipes non-blocking, and the flag is shared with it:
    this process waits instead of taking the flag away. A terminal that has vanished is
    at its end for reading and discards what is written.
    """

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._is_terminal = os.isatty(descriptor)

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return os.isatty(self._descriptor)

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while True:
            try:
                data = os.read(self._descriptor, len(buffer))
            except BlockingIOError:
                self._wait(select.POLLIN)
            except OSError as exc:
                if not self._has_vanished(exc):
                    raise
                return 0
            else:
                buffer[: len(data)] = data
                return len(data)

    def write(self, data: Any) -> int:
        while True:
            try:
                return os.write(self._descriptor, data)
            except BlockingIOError:
                self._wait(select.POLLOUT)
            except OSError as exc:
                if not self._has_vanished(exc):
                    raise
                return len(data)

    def _wait(self, event: int) -> None:
        poll = select.poll()
        poll.register(self._descriptor, event)
        poll.poll()

    def _has_vanished(self, exc: OSError) -> bool:
        return self._is_terminal and exc.errno == errno.EIO


def read_input(limit: int = -1) -> bytes:
    """Return stdin to its end, or its first `limit` bytes.

    Raises:
        UsageError: it is closed, or nothing can be read from it.
    """
    if sys.stdin is None:
        raise UsageError(
            "standard input is closed", hint="give it something to read: < FILE"
        )
    try:
        return sys.stdin.buffer.read(limit)
    except OSError as exc:
        raise UsageError(f"standard input cannot be read: {exc.strerror}") from exc


def write_result(text: str) -> None:
    """Write `text` and a line break to stdout in one piece.

    A reader that has gone away is not an error.

    Raises:
        NotSavedError: stdout cannot take it (a full disk).
    """
    try:
        write_line(text)
    except BrokenPipeError:
        discard_stdout()


def write_line(text: str) -> None:
    """Write one line of many to stdout, and raise when the reader has gone.

    Raises:
        BrokenPipeError: the reader has gone away; it is time to end.
        NotSavedError: stdout cannot take it (a full disk).
    """
    try:  # the bytes of a file's name as they are
        raw = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raw = text.encode("utf-8", "replace")
    write_bytes(raw + b"\n")


def write_bytes(raw: bytes) -> None:
    """Write bytes to stdout unchanged, and raise when the reader has gone.

    Raises:
        BrokenPipeError: the reader has gone away; it is time to end.
        NotSavedError: stdout cannot take it (a full disk).
    """
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


def write_message(text: str) -> None:
    """Write `text` and a line break to stderr; errors are ignored."""
    with suppress(OSError, ValueError):
        sys.stderr.write(text + "\n")
        sys.stderr.flush()


def print_message(text: str, *, is_colorless: bool) -> None:
    """Write a message to stderr, its prefix coloured if the terminal has colours."""
    from kling_cli.cli.output.terminal.capabilities import (
        is_colored_on,
        with_colored_prefix,
    )

    is_colored = is_colored_on(sys.stderr, is_colorless=is_colorless)
    write_message(with_colored_prefix(text) if is_colored else text)


def prompt_line(question: str) -> str:
    """Write a question to stderr and return the line typed; empty at the end of input.

    typer's own prompt would write a blank to stdout, where results are printed.
    """
    sys.stderr.write(question)
    sys.stderr.flush()
    return sys.stdin.readline()


def discard_stdout() -> None:
    """Discard what is in stdout's buffer, without an error at exit."""
    _redirect_to_null(_STDOUT)


def close_streams() -> None:
    """Flush both streams, so that the interpreter reports nothing at exit."""
    for descriptor, stream in ((_STDOUT, sys.stdout), (_STDERR, sys.stderr)):
        try:
            stream.flush()
        except (OSError, ValueError):
            _redirect_to_null(descriptor)


def _redirect_to_null(descriptor: int) -> None:
    with suppress(OSError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, descriptor)
        os.close(nowhere)


def _open_if_closed(descriptor: int) -> None:
    try:
        os.fstat(descriptor)
    except OSError:
        nowhere = os.open(os.devnull, os.O_RDWR)
        if nowhere != descriptor:
            os.dup2(nowhere, descriptor)
            os.close(nowhere)
        os.set_inheritable(descriptor, True)


def _text_writer(
    descriptor: int, before: TextIO | None, *, errors: str
) -> io.TextIOWrapper:
    """Return a text writer in the encoding of the stream that was there before."""
    return io.TextIOWrapper(
        io.BufferedWriter(StandardStreamFile(descriptor)),
        encoding=getattr(before, "encoding", "utf-8"),
        errors=errors,
        line_buffering=os.isatty(descriptor) or descriptor == _STDERR,
    )
