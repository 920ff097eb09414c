"""Audio files: a silent MP3, and a WAV with a soft tone.

Source: ISO/IEC 11172-3 (frames), id3.org (ID3v2.3), RIFF WAVE.
"""

from __future__ import annotations

import math
from array import array
from dataclasses import dataclass
from hashlib import sha256
from struct import pack
from typing import Literal

# MPEG-1 layer III, mono, 48 kHz, 32 kbit/s: 96 bytes without padding, 24 ms of nothing
_MP3_FRAME = bytes.fromhex("fffb14c4").ljust(96, b"\0")
MP3_FRAME_S = 0.024

_WAV_RATE = 44_100
_LOUDNESS = 3000  # of 32767


@dataclass(frozen=True, slots=True, kw_only=True)
class Sound:
    """An audio file of `seconds`; the label decides the pitch and is the title."""

    seconds: float
    label: str
    kind: Literal["mp3", "wav"]

    @property
    def media_type(self) -> str:
        return "audio/mpeg" if self.kind == "mp3" else "audio/wav"

    @property
    def duration_s(self) -> float:
        """The length of the file in seconds: an MP3 consists of whole frames."""
        if self.kind == "wav":
            return self.seconds
        return _mp3_frames(self.seconds) * MP3_FRAME_S

    def render(self) -> bytes:
        return _mp3(self) if self.kind == "mp3" else _wav(self)


def _mp3_frames(seconds: float) -> int:
    return math.ceil(round(seconds / MP3_FRAME_S, 6))


def _mp3(sound: Sound) -> bytes:
    title = b"\0" + f"Kling sandbox, task {sound.label}".encode("latin-1", "replace")
    frame = b"TIT2" + pack(">IH", len(title), 0) + title
    size = len(frame)
    synchsafe = bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))
    tag = b"ID3\x03\x00\x00" + synchsafe + frame
    return tag + _MP3_FRAME * _mp3_frames(sound.seconds)


def _wav(sound: Sound) -> bytes:
    period = 80 + sha256(sound.label.encode()).digest()[0] % 100  # 245 to 550 Hz
    wave = array(
        "h",
        (round(_LOUDNESS * math.sin(math.tau * n / period)) for n in range(period)),
    )
    count = round(sound.seconds * _WAV_RATE)
    samples = (wave * (count // period + 1))[:count]
    data = pack(f"<{count}h", *samples)
    form = pack("<HHIIHH", 1, 1, _WAV_RATE, 2 * _WAV_RATE, 2, 16)
    chunks = b"fmt " + pack("<I", len(form)) + form
    chunks += b"data" + pack("<I", len(data)) + data
    return b"RIFF" + pack("<I", 4 + len(chunks)) + b"WAVE" + chunks
