"""One check of the diagnosis: name, level, message and remedy."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from kling_cli.errors import KlingError


class Level(StrEnum):
    """The severity of a check; only `fail` keeps kling from working."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One check. A failure carries the error whose exit code `doctor` ends with."""

    name: str
    level: Level
    message: str
    remedy: str | None = None
    error: KlingError | None = None

    def document(self) -> dict[str, Any]:
        """Return what `--json` prints."""
        return {
            "name": self.name,
            "level": self.level.value,
            "message": self.message,
            "remedy": self.remedy,
        }


def ok(name: str, message: str) -> Check:
    """Return a check that passed."""
    return Check(name=name, level=Level.OK, message=message)


def warn(name: str, message: str, remedy: str) -> Check:
    """Return a check with a problem that kling can work with."""
    return Check(name=name, level=Level.WARN, message=message, remedy=remedy)


def fail(name: str, error: KlingError, *, remedy: str | None = None) -> Check:
    """Return a check with a problem that kling cannot work with."""
    return Check(
        name=name,
        level=Level.FAIL,
        message=error.message,
        remedy=remedy or error.hint,
        error=error,
    )
