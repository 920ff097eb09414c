"""The one place that makes a stranger's words safe to show on a terminal."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    pass

# Cc: control characters; Cf: bidirectional marks and other invisible ones; Cs: lone
# surrogates; Zl, Zp: line breaks that terminals may follow.
_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_JOINERS = frozenset("\u200c\u200d")  # part of words and of emoji, and harmless


def one_line(text: str) -> str:
    """Return `text` with everything that could act on a terminal spelled out.

    Line breaks are spelled out too, so that text from the API stays on its line.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_spelled(char) for char in text)


def lines(text: str) -> list[str]:
    """Return the lines of a text of our own, each made safe."""
    return [one_line(line) for line in text.splitlines()]


def _spelled(char: str) -> str:
    if unicodedata.category(char) not in _UNSAFE or char in _JOINERS:
        return char
    return char.encode("unicode_escape", "surrogatepass").decode("ascii")


_NOTE_CHARS: Final = 56  # characters: a menu is one line a word


_SHELL_UNSAFE: Final = re.compile(r"[^\w .,+=@%/…-]")


def safe_note(text: str) -> str:
    """Return a text on one short line, without what a shell would act upon."""
    plain = " ".join(_SHELL_UNSAFE.sub(" ", text).split())
    return plain if len(plain) <= _NOTE_CHARS else f"{plain[: _NOTE_CHARS - 1]}…"
