"""Small valid PNG and JPEG images of any size."""

from __future__ import annotations

import struct
import zlib


def png(width: int = 512, height: int = 512, *, n_bytes: int | None = None) -> bytes:
    """Return a grey PNG; `n_bytes` pads it, as a valid file, to that length."""
    row = b"\0" + b"\x80" * width
    chunks = [
        _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)),
        _chunk(b"IDAT", zlib.compress(row * height, 1)),
    ]
    end = _chunk(b"IEND", b"")
    missing = (n_bytes or 0) - 8 - sum(map(len, chunks)) - len(end)
    if missing >= 12:
        chunks.append(_chunk(b"kLin", b"\0" * (missing - 12)))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks) + end


def jpeg(width: int = 512, height: int = 512) -> bytes:
    """Return a JPEG with valid headers, which are what type and size are read from."""
    jfif = _segment(0xE0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0")
    frame = _segment(0xC0, struct.pack(">BHHB", 8, height, width, 1) + b"\x01\x11\0")
    table = _segment(0xDB, b"\0" + b"\x10" * 64)
    codes = _segment(0xC4, b"\0" + b"\x01" + b"\0" * 15 + b"\0")
    scan = _segment(0xDA, b"\x01\x01\0\0\x3f\0") + b"\0" * 8
    return b"\xff\xd8" + jfif + table + frame + codes + scan + b"\xff\xd9"


def _chunk(kind: bytes, data: bytes) -> bytes:
    checksum = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)


def _segment(marker: int, data: bytes) -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", len(data) + 2) + data
