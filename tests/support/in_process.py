"""Runs the command line inside the test process, as a program of its own sees it.

For the length of a run, environment, directory and the three standard streams are those
of a started program: real descriptors, on files. What only a process shows (signals,
terminals, readers that go away, start-up) is asked of `Kling.start`.
"""

from __future__ import annotations

import gc
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from kling_cli.main import run_command_line
from tests.support.program import Result

_STREAMS = ("stdin", "stdout", "stderr")


def run_in_process(
    args: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: bytes | None = None,
) -> Result:
    """Run `kling ARGS` to its end in this thread.

    Environment and directory are those of the test, and stdin is empty, unless given.
    """
    started_at = time.monotonic()
    with ExitStack() as stack:
        files = [stack.enter_context(tempfile.TemporaryFile()) for _ in _STREAMS]
        files[0].write(stdin or b"")
        files[0].seek(0)
        with (
            _environment(dict(os.environ) if env is None else env),
            _directory(cwd or Path.cwd()),
            _streams(files),
            _arguments(args),
        ):
            exit_code = run_command_line()
        _collect()
        stdout, stderr = (_content(file) for file in files[1:])
    return Result(
        args=("kling", *args),
        exit_code=exit_code,
        stdout=stdout,
        stderr=stderr,
        elapsed_s=time.monotonic() - started_at,
    )


def _content(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode("utf-8", "surrogateescape")


def _collect() -> None:
    """Finalize what the run left in reference cycles: a process would have ended."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@contextmanager
def _environment(env: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    _set_environment(env)
    try:
        yield
    finally:
        _set_environment(before)


def _set_environment(env: Mapping[str, str]) -> None:
    os.environ.clear()
    os.environ.update(env)
    time.tzset()


@contextmanager
def _directory(cwd: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(cwd)
    try:
        yield
    finally:
        os.chdir(before)


@contextmanager
def _arguments(args: Sequence[str]) -> Iterator[None]:
    before = sys.argv
    sys.argv = ["kling", *args]
    try:
        yield
    finally:
        sys.argv = before


@contextmanager
def _streams(files: Sequence[IO[bytes]]) -> Iterator[None]:
    """Put `files` in the place of descriptors 0 to 2 and of what `sys` calls them."""
    streams = {name: getattr(sys, name) for name in _STREAMS}
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    descriptors = [os.dup(number) for number in range(len(files))]
    try:
        for number, file in enumerate(files):
            os.dup2(file.fileno(), number)
        for name in _STREAMS:  # so that `open_streams` makes its own
            setattr(sys, name, getattr(sys, f"__{name}__"))
        yield
    finally:
        for name, stream in streams.items():
            setattr(sys, name, stream)
        for number, before in enumerate(descriptors):
            os.dup2(before, number)
            os.close(before)
