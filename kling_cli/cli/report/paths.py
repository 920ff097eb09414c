"""Paths as a person types them: from the current folder on, where they lie below it."""

from __future__ import annotations

from pathlib import Path


def from_here(path: Path | str) -> str:
    """Return a path relative to the current folder, or as it is."""
    try:
        return str(Path(path).relative_to(Path.cwd()))
    except (ValueError, OSError):  # elsewhere; or the current folder is gone
        return str(path)
