"""Text as editors save it: byte-order marks, UTF-16, and the line ends of Windows."""

from __future__ import annotations

import codecs
from typing import Any, Final

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


def is_text(value: Any) -> bool:
    """Return whether all strings in a value of JSON can be written as UTF-8.

    Bytes of a command line or of a file's name that are none, and half a pair of UTF-16
    in JSON, are lone surrogates in Python.
    """
    match value:
        case str():
            return value.isascii() or value == with_replacements(value)
        case dict():
            return all(is_text(key) and is_text(item) for key, item in value.items())
        case list() | tuple():
            return all(is_text(item) for item in value)
        case _:
            return True


def with_replacements(text: str) -> str:
    """Return `text` with the replacement character in place of lone surrogates."""
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
