"""Errors of `--install-completion` and `--show-completion`, which typer leaves out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from kling_cli.errors import UsageError

_SHELLS: Final = ("bash", "zsh", "fish", "powershell", "pwsh")


@contextmanager
def completion_errors() -> Iterator[None]:
    """Raise errors of `--install-completion` and `--show-completion` as ours.

    Raises:
        UsageError: no shell that is known runs us, or a file of its cannot be written.
    """
    _require_shell()
    try:
        yield
    except (OSError, RuntimeError) as exc:  # RuntimeError: no home folder is known
        reason = f"{exc.filename}: {exc.strerror}" if isinstance(exc, OSError) else exc
        raise UsageError(
            f"completion cannot be set up: {reason}",
            hint="set HOME to a folder that you can write to, or put what"
            " kling --show-completion prints where your shell reads it",
        ) from exc


def _require_shell() -> None:
    import shellingham  # type: ignore[import-untyped]  # -- it has none

    try:
        name, _path = shellingham.detect_shell()
    except shellingham.ShellDetectionFailure:
        name = None
    if name not in _SHELLS:
        found = f"it was run from {name}" if name else "it was not run from a shell"
        raise UsageError(
            f"completion is there for bash, zsh, fish and PowerShell; {found}",
            hint="start one of them and run it there",
        )
