"""What a terminal can show: colours, hyperlinks, pictures, notifications.

Judged by the environment alone. A terminal is not queried: the answer would come in on
the keyboard. A feature is used only where the terminal is known to have it.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Final, TextIO

from kling_cli.cli.output.terminal.text import one_line

_CODES: Mapping[str, int] = MappingProxyType(
    {"bold": 1, "dim": 2, "red": 31, "green": 32, "yellow": 33, "cyan": 36}
)

# Returns a text in a style: one or several of the words above, with blanks between.
Styler = Callable[[str, str], str]


def styler_for(stream: TextIO | None, *, is_colorless: bool = False) -> Styler:
    """Return the styler for `stream`; without colours it returns text unchanged."""
    is_colored = is_colored_on(stream, is_colorless=is_colorless)
    return _with_ansi_codes if is_colored else unstyled


def _with_ansi_codes(text: str, style: str) -> str:
    codes = ";".join(str(_CODES[word]) for word in style.split())
    return f"\x1b[{codes}m{text}\x1b[0m"


def unstyled(text: str, _style: str) -> str:
    """Return the text as it is."""
    return text


def is_colored_on(stream: TextIO | None, *, is_colorless: bool = False) -> bool:
    """Return whether to write colours to `stream`."""
    return has_color(
        is_colorless=is_colorless,
        is_terminal=is_terminal(stream),
        environ=os.environ,
    )


_PREFIX_STYLES: Mapping[str, str] = MappingProxyType(
    {"error:": "red", "warning:": "yellow", "hint:": "cyan", "saved ": "green"}
)


def with_colored_prefix(text: str) -> str:
    """Return a message with its prefix coloured, such as `error:`."""
    for prefix, style in _PREFIX_STYLES.items():
        if text.startswith(prefix):
            return f"{_with_ansi_codes(prefix, style)}{text[len(prefix) :]}"
    return text


def has_color(
    *, is_colorless: bool, is_terminal: bool, environ: Mapping[str, str]
) -> bool:
    """Return whether to use colours: `--no-color` and NO_COLOR beat FORCE_COLOR."""
    if is_colorless or environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR"):
        return True
    return is_terminal and not is_dumb(environ)


def is_dumb(environ: Mapping[str, str]) -> bool:
    """Return whether the terminal can only print: no colours, no moving cursor."""
    return environ.get("TERM", "dumb") in ("dumb", "unknown", "")


def is_interactive() -> bool:
    """Return whether questions can be asked: stdin and stderr are terminals."""
    return is_terminal(sys.stdin) and is_terminal(sys.stderr)


def is_terminal(stream: TextIO | None) -> bool:
    """Return whether `stream` is an open terminal."""
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # closed
        return False


ESC: Final = "\x1b"
BEL: Final = "\a"
ST: Final = f"{ESC}\\"  # ends a command to the terminal

_HYPERLINK_PROGRAMS: Final = frozenset(
    {"iTerm.app", "WezTerm", "ghostty", "vscode", "Hyper", "zed", "rio", "WarpTerminal"}
)
_HYPERLINK_TERMS: Final = re.compile(
    r"xterm-kitty|xterm-ghostty|alacritty|foot|wezterm"
)
_HYPERLINK_VTE_VERSION: Final = 5000  # 0.50
_SIXEL_TERMS: Final = re.compile(r"foot|mlterm|contour|yaft|.*sixel")
_OSC9_PROGRAMS: Final = frozenset({"iTerm.app", "WezTerm", "ghostty", "rio"})
_OSC777_TERMS: Final = re.compile(r"foot|rxvt")
_MAX_NOTIFICATION_LENGTH: Final = 160  # characters


class ImageProtocol(StrEnum):
    """A protocol by which a terminal displays images."""

    KITTY = "kitty"
    ITERM = "iterm"
    SIXEL = "sixel"


def has_hyperlinks(environ: Mapping[str, str]) -> bool:
    """Return whether the terminal supports OSC 8 hyperlinks."""
    if environ.get("FORCE_HYPERLINK"):
        return environ["FORCE_HYPERLINK"] != "0"
    if _has_only_basic_sequences(environ) or _is_multiplexed(environ):
        return False
    vte = environ.get("VTE_VERSION", "")
    return (
        environ.get("TERM_PROGRAM") in _HYPERLINK_PROGRAMS
        or bool(_HYPERLINK_TERMS.match(environ.get("TERM", "")))
        or (vte.isdecimal() and int(vte) >= _HYPERLINK_VTE_VERSION)
        or bool(environ.get("WT_SESSION") or environ.get("KONSOLE_VERSION"))
    )


def image_protocol(environ: Mapping[str, str]) -> ImageProtocol | None:
    """Return the image protocol of the terminal; None where it has none."""
    if _has_only_basic_sequences(environ) or _is_multiplexed(environ):
        return None
    term, program = environ.get("TERM", ""), environ.get("TERM_PROGRAM")
    if environ.get("KITTY_WINDOW_ID") or program == "ghostty" or "kitty" in term:
        return ImageProtocol.KITTY
    if program in ("iTerm.app", "WezTerm", "rio"):
        return ImageProtocol.ITERM
    return ImageProtocol.SIXEL if _SIXEL_TERMS.match(term) else None


def hyperlink(text: str, url: str) -> str:
    """Return `text` as an OSC 8 hyperlink; characters that would end it are quoted."""
    safe = "".join(c if " " < c < "\x7f" else _percent_encoded(c) for c in url)
    return f"{ESC}]8;;{safe}{ST}{text}{ESC}]8;;{ST}"


def file_hyperlink(text: str, path: Path) -> str:
    """Return `text` as a hyperlink to a local file."""
    return hyperlink(text, path.absolute().as_uri())


def notification_sequence(text: str, environ: Mapping[str, str]) -> str:
    """Return the sequence of a desktop notification, or the bell."""
    if _has_only_basic_sequences(environ):
        return ""
    words = one_line(text).replace(";", ",")[:_MAX_NOTIFICATION_LENGTH]
    term, program = environ.get("TERM", ""), environ.get("TERM_PROGRAM")
    if _is_multiplexed(environ):
        return BEL  # tmux and screen forward it, and not the others
    if environ.get("KITTY_WINDOW_ID") or program in _OSC9_PROGRAMS:
        return f"{ESC}]9;{words}{ST}"
    if _OSC777_TERMS.match(term):
        return f"{ESC}]777;notify;kling;{words}{ST}"
    return BEL


def _percent_encoded(char: str) -> str:
    return "".join(f"%{byte:02X}" for byte in char.encode("utf-8", "surrogatepass"))


def _has_only_basic_sequences(environ: Mapping[str, str]) -> bool:
    return is_dumb(environ) or environ["TERM"] == "linux"


def _is_multiplexed(environ: Mapping[str, str]) -> bool:
    return bool(environ.get("TMUX") or environ.get("STY"))


def hyperlink_on_stdout(shown: str, target: str | None = None) -> str:
    """Return `shown` as a link to `target` (default: itself), if stdout has links."""
    target = target or shown
    if not (is_terminal(sys.stdout) and has_hyperlinks(os.environ)):
        return shown
    if target.startswith(("https://", "http://")):
        return hyperlink(shown, target)
    path = Path(target)
    return file_hyperlink(shown, path) if path.is_file() else shown
