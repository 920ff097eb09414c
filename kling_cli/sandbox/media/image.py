"""PNG images: a coloured card that says SANDBOX.

The colours come from the label, so that two files differ. Source: W3C PNG, 2nd edition.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from hashlib import sha256
from struct import pack

from kling_cli.sandbox.media.video import LETTER_ROWS, LETTERS

_CELLS = 40  # across
_INK = b"\xf0\xf0\xf0"
_FASTEST = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """An image of `width` times `height` pixels; `word` is painted in the middle."""

    width: int
    height: int
    label: str
    word: str = "SANDBOX"

    @property
    def media_type(self) -> str:
        return "image/png"

    @property
    def watermarked(self) -> Picture:
        return replace(self, word="KLING")

    def render(self) -> bytes:
        head = pack(">IIBBBBB", self.width, self.height, 8, 2, 0, 0, 0)
        title = b"Title\0" + f"Kling sandbox, {self.label}".encode("latin-1", "replace")
        return b"\x89PNG\r\n\x1a\n" + b"".join(
            (
                _chunk(b"IHDR", head),
                _chunk(b"tEXt", title),
                _chunk(b"IDAT", zlib.compress(_pixels(self), _FASTEST)),
                _chunk(b"IEND", b""),
            )
        )


def _pixels(picture: Picture) -> bytes:
    """Return the rows of RGB, each after its filter, which is none."""
    cell = max(1, picture.width // _CELLS)
    across, down = -(-picture.width // cell), -(-picture.height // cell)
    columns = _columns(picture.label, across)
    lines = [_line(picture.word, row) for row in range(LETTER_ROWS)]
    top, left = (down - LETTER_ROWS) // 2, (across - len(lines[0])) // 2
    rows = []
    for y in range(down):
        colours = list(columns)
        if 0 <= y - top < LETTER_ROWS:
            for x, mark in enumerate(lines[y - top], left):
                if mark == "1" and 0 <= x < across:
                    colours[x] = _INK
        row = b"".join(colour * cell for colour in colours)
        rows.append((b"\0" + row[: picture.width * 3]) * cell)
    return b"".join(rows)[: picture.height * (picture.width * 3 + 1)]


def _line(word: str, row: int) -> str:
    """Return one row of the word's letters, a `1` where there is ink."""
    return "0".join(LETTERS[letter].split()[row] for letter in word)


def _columns(label: str, count: int) -> list[bytes]:
    """Return a colour a column, from one of the label's to the other."""
    seed = sha256(label.encode()).digest()
    start, end = ([40 + each % 150 for each in seed[at : at + 3]] for at in (0, 3))
    return [
        bytes(a + (b - a) * at // count for a, b in zip(start, end, strict=True))
        for at in range(count)
    ]


def _chunk(kind: bytes, data: bytes) -> bytes:
    checksum = zlib.crc32(kind + data)
    return pack(">I", len(data)) + kind + data + pack(">I", checksum)
