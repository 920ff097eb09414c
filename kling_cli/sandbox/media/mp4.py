"""MP4 muxer: tracks of samples in, one progressive file out.

Source: ISO/IEC 14496-12 (boxes), 14496-14 (esds), 14496-15 (avcC).
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import pack
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_MATRIX = pack(">9i", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
_MOVIE_TIMESCALE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """Samples that all last `sample_ticks` of `timescale` ticks a second.

    `entry` is the sample description box. A video track has a size and one key frame,
    its first sample; an audio track has width 0 and key frames only.
    """

    entry: bytes
    timescale: int
    sample_ticks: int
    samples: Sequence[bytes]
    width: int = 0
    height: int = 0

    @property
    def is_video(self) -> bool:
        return self.width > 0

    @property
    def ticks(self) -> int:
        return self.sample_ticks * len(self.samples)

    @property
    def duration_s(self) -> float:
        return self.ticks / self.timescale


def mp4_file(tracks: Sequence[Track], *, title: str) -> bytes:
    """Return the whole file, index first, so that it plays while it arrives."""
    head = _box(b"ftyp", b"isom", pack(">I", 0x200), b"isomiso2avc1mp41")
    size = len(head) + len(_movie(tracks, [0] * len(tracks), title)) + 8
    starts = []
    for track in tracks:
        starts.append(size)
        size += sum(map(len, track.samples))
    media = _box(b"mdat", *(sample for track in tracks for sample in track.samples))
    return head + _movie(tracks, starts, title) + media


def avc_entry(
    width: int, height: int, sequence_parameters: bytes, picture_parameters: bytes
) -> bytes:
    """Return the `avc1` sample description."""
    config = (
        pack(">B3sBB", 1, sequence_parameters[1:4], 0xFF, 0xE1),
        pack(">H", len(sequence_parameters)) + sequence_parameters,
        pack(">BH", 1, len(picture_parameters)) + picture_parameters,
    )
    return _box(
        b"avc1",
        pack(">6xH16xHH", 1, width, height),
        pack(">IIIH32sHh", 0x480000, 0x480000, 0, 1, b"", 24, -1),
        _box(b"avcC", *config),
    )


def aac_entry(rate: int, channels: int, config: bytes) -> bytes:
    """Return the `mp4a` sample description; `config` is the AudioSpecificConfig."""
    decoder = pack(">BB3xII", 0x40, 0x15, 0, 0) + _descriptor(5, config)
    stream = pack(">HB", 0, 0) + _descriptor(4, decoder) + _descriptor(6, b"\x02")
    return _box(
        b"mp4a",
        pack(">6xH8xHHHHI", 1, channels, 16, 0, 0, rate << 16),
        _full(b"esds", 0, _descriptor(3, stream)),
    )


def _movie(tracks: Sequence[Track], starts: Sequence[int], title: str) -> bytes:
    length = max(int(track.duration_s * _MOVIE_TIMESCALE) for track in tracks)
    header = pack(">IIIIIH10x", 0, 0, _MOVIE_TIMESCALE, length, 0x10000, 0x100)
    header += _MATRIX + bytes(24) + pack(">I", len(tracks) + 1)
    boxes = (
        _track(number, track, start)
        for number, (track, start) in enumerate(zip(tracks, starts, strict=True), 1)
    )
    return _box(b"moov", _full(b"mvhd", 0, header), *boxes, _title(title))


def _track(number: int, track: Track, start: int) -> bytes:
    length = int(track.duration_s * _MOVIE_TIMESCALE)
    header = pack(">IIIIIQhhhh", 0, 0, number, 0, length, 0, 0, 0, 0, 0)
    if not track.is_video:
        header = header[:-4] + pack(">hh", 0x100, 0)
    header += _MATRIX + pack(">II", track.width << 16, track.height << 16)
    kind, name = (b"vide", b"Video\0") if track.is_video else (b"soun", b"Sound\0")
    media = _box(
        b"mdia",
        _full(
            b"mdhd", 0, pack(">IIIIHH", 0, 0, track.timescale, track.ticks, 0x55C4, 0)
        ),
        _full(b"hdlr", 0, pack(">I4s12x", 0, kind), name),
        _media_information(track, start),
    )
    return _box(b"trak", _full(b"tkhd", 3, header), media)


def _media_information(track: Track, start: int) -> bytes:
    if track.is_video:
        kind = _full(b"vmhd", 1, bytes(8))
    else:
        kind = _full(b"smhd", 0, bytes(4))
    here = _full(b"url ", 1)
    place = _box(b"dinf", _full(b"dref", 0, pack(">I", 1), here))
    return _box(b"minf", kind, place, _box(b"stbl", *_sample_table(track, start)))


def _sample_table(track: Track, start: int) -> Iterator[bytes]:
    count = len(track.samples)
    yield _full(b"stsd", 0, pack(">I", 1), track.entry)
    yield _full(b"stts", 0, pack(">III", 1, count, track.sample_ticks))
    if track.is_video:
        yield _full(b"stss", 0, pack(">II", 1, 1))
    yield _full(b"stsc", 0, pack(">IIII", 1, 1, count, 1))
    sizes = pack(f">{count}I", *map(len, track.samples))
    yield _full(b"stsz", 0, pack(">II", 0, count), sizes)
    yield _full(b"stco", 0, pack(">II", 1, start))


def _title(title: str) -> bytes:
    data = _box(b"data", pack(">II", 1, 0), title.encode())
    items = _box(b"ilst", _box(b"\xa9nam", data))
    handler = _full(b"hdlr", 0, pack(">I4s12x", 0, b"mdir"), b"\0")
    return _box(b"udta", _full(b"meta", 0, handler, items))


def _box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return pack(">I4s", 8 + len(body), kind) + body


def _full(kind: bytes, flags: int, *parts: bytes) -> bytes:
    return _box(kind, pack(">I", flags), *parts)


def _descriptor(tag: int, body: bytes) -> bytes:
    return bytes([tag, len(body)]) + body
