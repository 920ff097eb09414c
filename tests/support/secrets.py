"""The secrets of a test, and the search for them in output and files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

JWT = re.compile(rb"eyJ[\w-]{6,}\.eyJ[\w-]{6,}\.[\w-]{20,}")
CALLBACK_PATH = re.compile(rb"/callback/[a-z0-9-]+/[\w-]{6,}/[\w-]{16,}")
_HOLDERS = frozenset({"credentials", "credentials.json", "credentials.toml"})
_SKIPPED_SUFFIXES = (".mp4", ".part", ".key")
_LONGEST_FILE = 32 * 1024 * 1024


class Secrets:
    """The secrets of one test, each under the name a failure gives it."""

    def __init__(self, named: Mapping[str, str]) -> None:
        self._named = dict(named)

    def add(self, name: str, text: str) -> None:
        self._named[name] = text

    def found_in(self, raw: bytes) -> list[str]:
        """Return the names of the secrets that occur in `raw`."""
        found = [name for name, text in self._named.items() if text.encode() in raw]
        if JWT.search(raw):
            found.append("a JWT")
        if CALLBACK_PATH.search(raw):
            found.append("a callback path with its mac")
        return found

    def found_below(self, folder: Path) -> list[str]:
        """Return `what in which file` for everything below `folder` but its homes."""
        return [
            f"{name} in {path.relative_to(folder)}"
            for path in _searched(folder)
            for name in self.found_in(path.read_bytes())
        ]


def _searched(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        is_home = path.name in _HOLDERS or path.suffix in _SKIPPED_SUFFIXES
        if path.is_file() and not path.is_symlink() and not is_home:
            assert path.stat().st_size <= _LONGEST_FILE, path
            yield path
