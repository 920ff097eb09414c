"""Whether the files of a job can be saved where they are wanted: tried, before paying.

What a file system allows cannot be told by looking (root, read-only mounts, quotas,
longest names), so a file is made beside the target and removed again.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from kling_cli.errors import UsageError
from kling_cli.jobs.naming import FIELDS, check_template, safe_value, target
from kling_cli.jobs.options import RunOptions
from kling_cli.jobs.part import partial_name

_STREAMS = frozenset({"-", "/dev/stdout", "/dev/stderr"})
_STREAM_FOLDERS = ("/dev/fd/", "/proc/self/fd/")
_SPECIAL = (
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)
_ELSEWHERE = "choose another place with --output"


def check_output(
    options: RunOptions, folder: Path, known: Mapping[str, str] | None = None
) -> None:
    """Refuse an output that could not be written, while nothing is spent yet.

    `folder` is where files go that `--output` does not place; `known` are the fields of
    names that are known already, the others stand for something short.

    Raises:
        UsageError: the template, the file or the folder will not do.
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
    check_file(target(template, folder, values, is_sole=True))


def check_file(path: Path) -> None:
    """Refuse a path at which no file could be written.

    Raises:
        UsageError: something else is there, the name or the folder will not do.
    """
    with _refused(f"{_shown(path)} cannot be the name of a file"):
        _require_file(path)
    with (
        _refused(f"no file can be made in {_shown(path.parent.absolute())}"),
        _folders_made(path.parent),
    ):
        _make_and_remove(path)


@contextlib.contextmanager
def _refused(what: str) -> Iterator[None]:
    """Turn what the system says inside into an error that begins with `what`."""
    try:
        yield
    except (OSError, ValueError) as exc:
        reason = getattr(exc, "strerror", None) or str(exc)
        raise UsageError(f"{what}: {reason}", hint=_ELSEWHERE) from exc


def _require_file(path: Path) -> None:
    """Look at what has the name already, if anything; a longer name raises OSError."""
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return  # that is the folder's fault
    for is_special, words in _SPECIAL:
        if is_special(mode):
            raise UsageError(
                f"{_shown(path)} is {words}, not a file that a result can be saved in",
                hint=_ELSEWHERE,
            )


@contextlib.contextmanager
def _folders_made(folder: Path) -> Iterator[None]:
    """Make the folders that are missing; remove them again if they are still empty."""
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


def _make_and_remove(path: Path) -> None:
    trial = path.with_name(partial_name(path.parent, path.name))
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    os.close(os.open(trial, flags, 0o600))
    trial.unlink()


def _shown(path: Path) -> str:
    """Return the path, a name that is far too long without its middle."""
    text = str(path)
    return text if len(text) <= _LONG else f"{text[: _LONG // 2]}…{text[-_LONG // 4 :]}"


_LONG = 400
