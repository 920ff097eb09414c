"""Text for a terminal: escaped control characters, and formatted quantities."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime
from typing import Final

from kling_cli.clock import format_timestamp

# Cc: control characters; Cf: bidirectional marks and other invisible ones; Cs: lone
# surrogates; Zl, Zp: line breaks that terminals may follow.
_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_JOINERS = frozenset("\u200c\u200d")  # part of words and of emoji, and harmless


def one_line(text: str) -> str:
    """Return `text` with control, bidirectional and line break characters escaped.

    Line breaks are escaped too, so that text from the API stays on its line.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escaped(char) for char in text)


def escaped_lines(text: str) -> list[str]:
    """Return the lines of a text of our own, each escaped."""
    return [one_line(line) for line in text.splitlines()]


def _escaped(char: str) -> str:
    if unicodedata.category(char) not in _UNSAFE or char in _JOINERS:
        return char
    return char.encode("unicode_escape", "surrogatepass").decode("ascii")


_MAX_NOTE_LENGTH: Final = 56  # characters: a menu is one line a word


_SHELL_UNSAFE: Final = re.compile(r"[^\w .,+=@%/…-]")


def completion_note(text: str) -> str:
    """Return a text on one short line, without characters special to a shell."""
    plain = " ".join(_SHELL_UNSAFE.sub(" ", text).split())
    return (
        plain if len(plain) <= _MAX_NOTE_LENGTH else f"{plain[: _MAX_NOTE_LENGTH - 1]}…"
    )


_KIB = 1024
_DIME = 0.10  # USD; from there on cents are enough
_CENT_PARTS = 0.00005  # USD; smaller differences are of rounding
_PRECISE_S = 10.0  # below that a tenth of a second means something


def format_duration(seconds: float) -> str:
    """Return `4s`, `9.4s`, `1m 32s` or `2h 05m`."""
    if seconds < _PRECISE_S:
        return f"{round(max(0.0, seconds), 1):g}s"
    whole = round(seconds)
    minutes, rest_s = divmod(whole, 60)
    hours, rest_minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h {rest_minutes:02d}m"
    return f"{minutes}m {rest_s:02d}s" if minutes else f"{whole}s"


def format_clock(seconds: float) -> str:
    """Return `0:42` or `1:02:03`, for a figure that changes in place."""
    whole = max(0, int(seconds))
    hours, rest = divmod(whole, 3600)
    if hours:
        return f"{hours}:{rest // 60:02d}:{rest % 60:02d}"
    return f"{rest // 60}:{rest % 60:02d}"


def format_size(n_bytes: float) -> str:
    """Return `812 B`, `1.2 MB`; powers of 1024."""
    if n_bytes < _KIB:
        return f"{int(n_bytes)} B"
    value = float(n_bytes)
    for unit in ("KB", "MB", "GB"):
        value /= _KIB
        if value < _KIB or unit == "GB":
            break
    return f"{value:.1f} {unit}"


def format_units(amount: float) -> str:
    """Return `4 units`, `0.8 units`, `1 unit`."""
    return f"{amount:g} unit{'' if amount == 1 else 's'}"


def format_usd(usd: float) -> str:
    """Return `$0.56`; below ten cents fractions of one too: `$0.028`."""
    cents = f"{usd:.2f}"
    is_whole = abs(float(cents) - usd) < _CENT_PARTS
    return f"${cents}" if is_whole or usd >= _DIME else f"${usd:.4g}"


def format_estimate(
    amount: float | None, at_most: float | None, usd: float | None = None
) -> str | None:
    """Return `about 4 units, $0.56`, or `at most …` where only that is known.

    `usd` is the list price of whichever is known; without it only units are shown.
    """
    price = "" if usd is None else f", {format_usd(usd)}"
    if amount is not None:
        return f"about {format_units(amount)}{price}"
    return None if at_most is None else f"at most {format_units(at_most)}{price}"


def optional_timestamp(when: datetime | None) -> str | None:
    """Return the timestamp of a time that may be unknown."""
    return None if when is None else format_timestamp(when)
