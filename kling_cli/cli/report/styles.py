"""Colours and weights of text on a terminal, without loading rich."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TextIO

from kling_cli.cli.report.choose import has_color, is_terminal

_CODES: Mapping[str, int] = MappingProxyType(
    {"bold": 1, "dim": 2, "red": 31, "green": 32, "yellow": 33, "cyan": 36}
)

# Returns a text in a style: one or several of the words above, with blanks between.
Style = Callable[[str, str], str]


def style_for(stream: TextIO | None, *, is_colorless: bool = False) -> Style:
    """Return what styles text for `stream`, or leaves it alone where none is wanted."""
    is_colored = has_color(
        is_colorless=is_colorless,
        is_terminal=is_terminal(stream),
        environ=os.environ,
    )
    return _styled if is_colored else plain


def _styled(text: str, style: str) -> str:
    codes = ";".join(str(_CODES[word]) for word in style.split())
    return f"\x1b[{codes}m{text}\x1b[0m"


def plain(text: str, _style: str) -> str:
    """Return the text as it is."""
    return text
