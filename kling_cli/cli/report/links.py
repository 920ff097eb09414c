"""Hyperlinks on stdout: URLs, and files that are there, where the terminal has them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from kling_cli.cli.report.choose import is_terminal
from kling_cli.cli.report.terminal import file_link, has_links, link


def linked(shown: str, target: str | None = None) -> str:
    """Return what is `shown` as a link to `target`, by default to itself."""
    target = target or shown
    if not (is_terminal(sys.stdout) and has_links(os.environ)):
        return shown
    if target.startswith(("https://", "http://")):
        return link(shown, target)
    path = Path(target)
    return file_link(shown, path) if path.is_file() else shown
