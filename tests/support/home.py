"""A home folder and environment of its own for each test."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from tests.support.startup import loopback_only

STARTUP = Path(loopback_only.__file__).parent
_KEPT = ("PATH", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT")
_KEPT_PREFIXES = ("PYTEST_", "LD_LIBRARY")
_MEASURING: dict[str, str] = {}
_FOREIGN_PREFIXES = ("KLING", "NGROK_", "PYNGROK_", "XDG_")
_FOREIGN = frozenset({"NO_COLOR", "FORCE_COLOR", "PYTHONPATH", "PYTHONWARNINGS"})


def folders(home: Path) -> dict[str, str]:
    """Return the variables that lead every library to folders below `home`."""
    return {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_STATE_HOME": str(home / ".local/state"),
        "XDG_DATA_HOME": str(home / ".local/share"),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "XDG_RUNTIME_DIR": str(home / ".run"),
    }


def environment(home: Path) -> dict[str, str]:
    """Return the whole environment of a program under test."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in _KEPT or name.startswith(_KEPT_PREFIXES)
    }
    return {
        **kept,
        **folders(home),
        "PYTHONPATH": str(STARTUP),
        # pyngrok never closes the pipe of an agent it has ended
        "PYTHONWARNINGS": "error,ignore::ResourceWarning",
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
        loopback_only.LOG_VARIABLE: str(home / "off-loopback.log"),
        "TZ": "UTC",
    }


def withhold_measuring() -> None:
    """Let coverage measure no started program but those given `measuring()`."""
    for name in [name for name in os.environ if name.startswith("COVERAGE_")]:
        _MEASURING[name] = os.environ.pop(name)


def measuring() -> dict[str, str]:
    """Return the variables by which coverage measures a started program."""
    return dict(_MEASURING)


def foreign(environ: Mapping[str, str]) -> list[str]:
    """Return the names in `environ` that would change the program's behaviour."""
    return [
        name
        for name in environ
        if name.startswith(_FOREIGN_PREFIXES)
        or name in _FOREIGN
        or name.lower().endswith("_proxy")
    ]
