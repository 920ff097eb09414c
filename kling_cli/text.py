"""Text as editors save it: byte-order marks, UTF-16, and the line ends of Windows."""

from __future__ import annotations

import codecs
from typing import Final

BYTE_ORDER_MARK: Final = "\ufeff"
NOT_TEXT: Final = "not a UTF-8 text, nor one in UTF-16 with a byte-order mark"

# The mark of UTF-32 begins with that of UTF-16.
_ENCODINGS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def decode_text(raw: bytes) -> str:
    """Return the text of a file, its lines ended by line feeds, without a mark.

    Raises:
        ValueError: it is no text; the message quotes nothing.
    """
    found = (name for mark, name in _ENCODINGS if raw.startswith(mark))
    try:
        return normal_text(raw.decode(next(found, "utf-8")))
    except UnicodeDecodeError:
        raise ValueError(NOT_TEXT) from None


def normal_text(text: str) -> str:
    """Return text that was decoded by somebody else in the same form.

    A shell's `$(cat FILE)` takes the last line feed away and leaves the carriage return
    before it.
    """
    text = text.lstrip(BYTE_ORDER_MARK).removesuffix("\r")
    return text.replace("\r\n", "\n").replace("\r", "\n")
