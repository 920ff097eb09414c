"""Agent programs of this machine: whether a file is one, and which version it has."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from kling_cli.errors import TunnelError

_VERSION_S = 3.0  # a healthy agent answers `--version` in a twentieth of it


def is_program(path: Path) -> bool:
    """Return whether `path` is a file that may be run."""
    return os.access(path, os.X_OK) and path.is_file()  # in a folder we may look into


def read_version(
    agent: Path, name: str, *, hint: str, timeout_s: float = _VERSION_S
) -> tuple[int, ...]:
    """Return what `agent` says behind `NAME version`; it has `timeout_s` to do so.

    Raises: `TunnelError` with `hint` when it cannot be run, does not answer, or is
    another program.
    """
    try:
        said = subprocess.run(  # noqa: S603 -- the program the person chose
            [agent, "--version"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=timeout_s,
            start_new_session=True,
            check=False,
        ).stdout
    except subprocess.TimeoutExpired:
        raise TunnelError(
            f"{agent} did not tell its version in {timeout_s:g} s", hint=hint
        ) from None
    except OSError as exc:
        raise TunnelError(f"{agent} cannot be run: {exc.strerror}", hint=hint) from exc
    found = re.search(rb"%b version (\d+(?:\.\d+)*)" % name.encode(), said)
    if found is None:
        raise TunnelError(f"{agent} is not {_with_article(name)} agent", hint=hint)
    return tuple(int(part) for part in found[1].split(b"."))


def _with_article(name: str) -> str:
    return f"an {name}" if name == "ngrok" else f"a {name}"
