"""Checks that outputs can be saved at their destination, before anything is paid.

What a file system allows can only be tried (root, read-only mounts, quotas, longest
names), so a file is created beside the target and removed again.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from kling_cli.errors import UsageError
from kling_cli.jobs.job import RunOptions
from kling_cli.jobs.outputs.naming import (
    FIELDS,
    check_template,
    output_path,
    safe_value,
)
from kling_cli.jobs.outputs.partial_file import partial_name

_STREAMS = frozenset({"-", "/dev/stdout", "/dev/stderr"})
_STREAM_FOLDERS = ("/dev/fd/", "/proc/self/fd/")
_SPECIAL = (
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)
_OTHER_OUTPUT_HINT = "choose another place with --output"
_MAX_SHOWN_CHARS = 400


def check_output(
    options: RunOptions, folder: Path, known: Mapping[str, str] | None = None
) -> None:
    """Refuse an `--output` that could not be written.

    `folder` is where files go that `--output` does not place; `known` are the name
    fields that are known already; the others get a short placeholder.

    Raises:
        UsageError: the template, the file or the folder cannot be used.
    """
    template = options.output or ""
    check_template(template)
    is_saving = options.is_downloading and (options.is_waiting or bool(template))
    if not is_saving:
        return
    if template in _STREAMS or template.startswith(_STREAM_FOLDERS):
        raise UsageError(
            f"--output {template}: a result is saved as a file; stdout gets its path",
            hint="give a file name and read that file; --no-download prints the link",
        )
    values = dict.fromkeys(FIELDS, "x") | {
        name: safe_value(value) for name, value in (known or {}).items()
    }
    check_writable(output_path(template, folder, values, is_sole=True))


def check_writable(path: Path) -> None:
    """Refuse a path at which no file could be written.

    Raises:
        UsageError: it is no file, or the name or the folder cannot be used.
    """
    with _as_usage_error(f"{_shortened_path(path)} cannot be the name of a file"):
        _require_file(path)
    with (
        _as_usage_error(
            f"no file can be made in {_shortened_path(path.parent.absolute())}"
        ),
        _temporary_folders(path.parent),
    ):
        _create_and_remove(path)


@contextlib.contextmanager
def _as_usage_error(what: str) -> Iterator[None]:
    """Turn an error of the system into a usage error that begins with `what`."""
    try:
        yield
    except (OSError, ValueError) as exc:
        reason = getattr(exc, "strerror", None) or str(exc)
        raise UsageError(f"{what}: {reason}", hint=_OTHER_OUTPUT_HINT) from exc


def _require_file(path: Path) -> None:
    """Refuse a path that exists and is no file; a name too long raises OSError."""
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return  # the folder is checked next
    for is_special, words in _SPECIAL:
        if is_special(mode):
            raise UsageError(
                f"{_shortened_path(path)} is {words}, not a file that a result can be"
                " saved in",
                hint=_OTHER_OUTPUT_HINT,
            )


@contextlib.contextmanager
def _temporary_folders(folder: Path) -> Iterator[None]:
    """Create missing folders; remove them again if they are still empty."""
    missing = [each for each in (folder, *folder.parents) if not os.path.lexists(each)]
    made: list[Path] = []
    try:
        for each in reversed(missing):
            each.mkdir(exist_ok=True)
            made.append(each)
        yield
    finally:
        for each in reversed(made):
            with contextlib.suppress(OSError):
                each.rmdir()


def _create_and_remove(path: Path) -> None:
    trial = path.with_name(partial_name(path.parent, path.name))
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    os.close(os.open(trial, flags, 0o600))
    trial.unlink()


def _shortened_path(path: Path) -> str:
    """Return the path for a message; a very long one without its middle."""
    text = str(path)
    return (
        text
        if len(text) <= _MAX_SHOWN_CHARS
        else f"{text[: _MAX_SHOWN_CHARS // 2]}…{text[-_MAX_SHOWN_CHARS // 4 :]}"
    )
