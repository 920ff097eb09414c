"""Previews: small images of output files for terminals that display images.

PyAV (the extra `preview`) decodes images and the first frame of a video, and scales
them down. Without it, image files are sent unchanged to terminals that decode them.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, Final, NamedTuple

from kling_cli.cli.output.terminal.capabilities import BEL, ESC, ST, ImageProtocol

_MAX_BYTES: Final = 32 << 20  # of a file that is read as it is
_COLUMNS: Final = 40
_MAX_PIXELS: Final = (400, 260)
_CHUNK: Final = 4096  # of base64 in one command to kitty. Source: its protocol's page
_BAND: Final = 6  # rows of pixels in one line of sixels
_BIT: Final = (1, 2, 4, 8, 16, 32)
_FIRST_MARK: Final = 63  # `?`: none of the six rows
_REPEATS: Final = re.compile(r"(.)\1{3,}")
_PNG: Final = b"\x89PNG\r\n\x1a\n"
_JPEG: Final = b"\xff\xd8\xff"


class Bitmap(NamedTuple):
    """Pixels, a byte each: three bits of red, three of green, two of blue."""

    width: int
    height: int
    pixels: bytes


def preview(path: Path, protocol: ImageProtocol) -> str | None:
    """Return the sequence that displays a file; None where it cannot be decoded."""
    frame = _first_frame(path)
    if protocol is ImageProtocol.SIXEL:
        return None if frame is None else sixel_sequence(_bitmap(frame))
    raw = _image_bytes(path) if frame is None else _png(frame)
    if raw is None:
        return None
    if protocol is ImageProtocol.ITERM:
        return iterm_sequence(raw)
    return "".join(kitty_sequence(raw)) if raw.startswith(_PNG) else None


def kitty_sequence(png: bytes) -> Iterator[str]:
    """Yield kitty's sequences for a PNG, and the end of the line."""
    text = base64.b64encode(png).decode()
    for start in range(0, len(text), _CHUNK):
        head = f"a=T,f=100,q=2,c={_COLUMNS}," if start == 0 else ""
        has_more = int(start + _CHUNK < len(text))
        part = text[start : start + _CHUNK]
        yield f"{ESC}_G{head}m={has_more};{part}{ST}"
    yield "\n"


def iterm_sequence(raw: bytes) -> str:
    """Return iTerm2's sequence for a file that it can decode."""
    facts = f"inline=1;size={len(raw)};width={_COLUMNS};preserveAspectRatio=1"
    return f"{ESC}]1337;File={facts}:{base64.b64encode(raw).decode()}{BEL}\n"


def sixel_sequence(bitmap: Bitmap) -> str:
    """Return a bitmap as sixels: bands of six rows, each colour of a band by itself."""
    colors = sorted(set(bitmap.pixels))
    parts = [f'{ESC}Pq"1;1;{bitmap.width};{bitmap.height}']
    parts += [f"#{color};2;{_percentages(color)}" for color in colors]
    for top in range(0, bitmap.height, _BAND):
        rows = [
            bitmap.pixels[row * bitmap.width : (row + 1) * bitmap.width]
            for row in range(top, min(top + _BAND, bitmap.height))
        ]
        parts.append("$".join(_band(rows)) + "-")
    return "".join(parts) + ST + "\n"


def _band(rows: list[bytes]) -> Iterator[str]:
    """Yield, for each colour, which of the six rows have it in every column."""
    width = len(rows[0])
    for color in sorted(set(b"".join(rows))):
        bits = 0
        for number, row in enumerate(rows):
            has_color = bytes(_BIT[number] if c == color else 0 for c in range(256))
            bits |= int.from_bytes(row.translate(has_color))
        marks = bytes(each + _FIRST_MARK for each in bits.to_bytes(width)).decode()
        yield f"#{color}" + _REPEATS.sub(_run_length, marks)


def _run_length(found: re.Match[str]) -> str:
    return f"!{len(found[0])}{found[1]}"


def _percentages(color: int) -> str:
    red, green, blue = color >> 5, color >> 2 & 7, color & 3
    return f"{red * 100 // 7};{green * 100 // 7};{blue * 100 // 3}"


def _image_bytes(path: Path) -> bytes | None:
    try:
        if path.stat().st_size > _MAX_BYTES:
            return None
        raw = path.read_bytes()
    except OSError:
        return None
    return raw if raw.startswith((_PNG, _JPEG)) else None


def _first_frame(path: Path) -> Any:
    """Return the first frame of a file, scaled down; None where PyAV has none."""
    try:
        import av
    except ImportError:
        return None
    try:
        with av.open(str(path)) as opened:
            frame = next(opened.decode(video=0))
            max_width, max_height = _MAX_PIXELS
            scale = min(max_width / frame.width, max_height / frame.height, 1.0)
            width, height = int(frame.width * scale), int(frame.height * scale)
            return frame.reformat(width=max(width, 1), height=max(height, 1))
    except (OSError, ValueError, StopIteration, IndexError, av.FFmpegError):
        return None


def _bitmap(frame: Any) -> Bitmap:
    plane = frame.reformat(format="rgb8").planes[0]
    raw, step = bytes(plane), plane.line_size
    rows = (raw[row * step : row * step + frame.width] for row in range(frame.height))
    return Bitmap(frame.width, frame.height, b"".join(rows))


def _png(frame: Any) -> bytes:
    import av

    stream = BytesIO()
    with av.open(stream, "w", format="image2pipe") as out:
        encoder = out.add_stream("png")
        encoder.width, encoder.height = frame.width, frame.height
        encoder.pix_fmt = "rgb24"
        for packet in (
            *encoder.encode(frame.reformat(format="rgb24")),
            *encoder.encode(None),
        ):
            out.mux(packet)
    return stream.getvalue()
