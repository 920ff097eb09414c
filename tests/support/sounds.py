"""Silent sounds of any length, made without a sound library."""

from __future__ import annotations

from struct import pack

_RATE = 8_000


def wav(seconds: float) -> bytes:
    """Return a WAV file of 16-bit mono silence."""
    data = bytes(2 * round(seconds * _RATE))
    form = pack("<HHIIHH", 1, 1, _RATE, 2 * _RATE, 2, 16)
    chunks = b"fmt " + pack("<I", len(form)) + form
    chunks += b"data" + pack("<I", len(data)) + data
    return b"RIFF" + pack("<I", 4 + len(chunks)) + b"WAVE" + chunks
