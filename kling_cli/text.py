"""Decoding of text files: byte-order marks, UTF-16, line endings of Windows."""

from __future__ import annotations

import codecs
from typing import Any, Final

BYTE_ORDER_MARK: Final = "\ufeff"
NOT_TEXT: Final = "not a UTF-8 text, nor one in UTF-16 with a byte-order mark"

# UTF-32 first: its mark begins with that of UTF-16.
_ENCODINGS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def decode_text(raw: bytes) -> str:
    """Return the text of a file, with line feeds and without a byte-order mark.

    Raises:
        ValueError: it is not text; the message quotes nothing.
    """
    found = (name for mark, name in _ENCODINGS if raw.startswith(mark))
    try:
        return normalize_text(raw.decode(next(found, "utf-8")))
    except UnicodeDecodeError:
        raise ValueError(NOT_TEXT) from None


def normalize_text(text: str) -> str:
    """Return decoded text with line feeds and without a byte-order mark.

    A shell's `$(cat FILE)` strips the last line feed and leaves the carriage return
    before it.
    """
    text = text.lstrip(BYTE_ORDER_MARK).removesuffix("\r")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def is_text(value: Any) -> bool:
    """Return whether all strings in a JSON value can be encoded as UTF-8.

    Undecodable bytes in arguments and file names, and half a surrogate pair in JSON,
    are lone surrogates in Python.
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
    """Return `text` with lone surrogates replaced by U+FFFD."""
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
