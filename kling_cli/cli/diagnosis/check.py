"""The noun of the diagnosis: one thing looked at, how it stands, what to do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from kling_cli.errors import KlingError


class Level(StrEnum):
    """How much a finding matters; only `fail` keeps kling from working."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One finding. A failure carries the error whose exit code `doctor` ends with."""

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
    """Return a finding that needs nothing done."""
    return Check(name=name, level=Level.OK, message=message)


def warn(name: str, message: str, remedy: str) -> Check:
    """Return a finding that kling can work with."""
    return Check(name=name, level=Level.WARN, message=message, remedy=remedy)


def fail(name: str, error: KlingError, *, remedy: str | None = None) -> Check:
    """Return a finding that kling cannot work with."""
    return Check(
        name=name,
        level=Level.FAIL,
        message=error.message,
        remedy=remedy or error.hint,
        error=error,
    )
