"""Silent WAV and MP3 files of any length."""

from __future__ import annotations

from struct import pack

_RATE = 8_000
MP3_FRAME = b"\xff\xfb\x90\x00" + bytes(413)  # 128 kbit/s at 44.1 kHz
MP3_FRAME_S = 1152 / 44_100


def wav(seconds: float) -> bytes:
    """Return a WAV file of 16-bit mono silence."""
    data = bytes(2 * round(seconds * _RATE))
    form = pack("<HHIIHH", 1, 1, _RATE, 2 * _RATE, 2, 16)
    chunks = b"fmt " + pack("<I", len(form)) + form
    chunks += b"data" + pack("<I", len(data)) + data
    return b"RIFF" + pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


def mp3(seconds: float) -> bytes:
    """Return an MP3 file of empty frames, as many as are nearest to the seconds."""
    return MP3_FRAME * round(seconds / MP3_FRAME_S)
