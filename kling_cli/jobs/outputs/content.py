"""Kinds of files: the suffix of an output's name, and detection by the first bytes.

Pure. A server's `Content-Type` does not count: an error page has been served as a
video, and a video as `application/octet-stream`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from kling_cli.api import Output

HEAD_BYTES: Final = 512  # of a file, enough to detect its kind

_BYTE_ORDER_MARKS: Final = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_ISO_BOXES: Final = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
_WEBM: Final = b"\x1a\x45\xdf\xa3"  # and every other Matroska file
_PICTURE_BRANDS: Final = (b"avif", b"avis", b"heic", b"heix", b"mif1", b"msf1")
_MARKUP: Final = re.compile(rb"<(!|\?|[a-z])", re.IGNORECASE)
_SCRIPT_INFO: Final = b"[script info]"  # with which subtitles in ASS begin
_CONTROL_BYTES: Final = frozenset(range(32)) - frozenset(b"\t\n\f\r\x1b")

_VIDEO, _IMAGE, _AUDIO = "video", "image", "audio"
_TEXT, _JSON, _PAGE = "text", "json", "page"

# What an output of each type is, where it is known.
_KIND_BY_OUTPUT_TYPE: Final[Mapping[str, str]] = {
    "video": _VIDEO,
    "subbed_video": _VIDEO,
    "product_video": _VIDEO,
    "image": _IMAGE,
    "product_image": _IMAGE,
    "model_images": _IMAGE,
    "face": _IMAGE,
    "mask": _IMAGE,
    "audio": _AUDIO,
    "voice": _AUDIO,
    "srt": _TEXT,
    "ass": _TEXT,
    "tracking": _JSON,
}
_EXTENSION_BY_KIND: Final[Mapping[str, str]] = {
    _VIDEO: "mp4",
    _IMAGE: "png",
    _AUDIO: "mp3",
    _JSON: "json",
}
_KNOWN_EXTENSIONS: Final = frozenset(
    {"mp4", "mov", "webm", "png", "jpg", "jpeg", "webp", "mp3", "wav", "srt", "ass"}
    | {"json"}
)
_EXPECTED_NAMES: Final[Mapping[str, str]] = {
    _VIDEO: "a video (MP4, MOV, WebM)",
    _IMAGE: "an image (PNG, JPEG, WebP, GIF)",
    _AUDIO: "a sound (MP3, WAV, M4A, OGG)",
    _TEXT: "subtitles",
    _JSON: "JSON",
}
_RECEIVED_NAMES: Final[Mapping[str, str]] = {
    _VIDEO: "a video",
    _IMAGE: "an image",
    _AUDIO: "a sound",
    _TEXT: "text",
    _JSON: "JSON",
    _PAGE: "a page",
}


def extension(output: Output, url: str) -> str:
    """Return the suffix for an output: that of its URL if known, else of its type."""
    try:
        suffix = urlsplit(url).path.rpartition(".")[2].lower()
    except ValueError:  # no URL at all; fetching it will say so
        suffix = ""
    if suffix in _KNOWN_EXTENSIONS:
        return suffix
    kind = _KIND_BY_OUTPUT_TYPE.get(output.type, "")
    return output.type if kind == _TEXT else _EXTENSION_BY_KIND.get(kind, "bin")


def content_problem(output_type: str, first: bytes) -> str | None:
    """Return why a file that begins so is no output of this type; None if it may be.

    For a type that is not known, only pages, JSON and empty files are refused.
    """
    if not first:
        return "the server sent an empty file"
    wanted, found = _KIND_BY_OUTPUT_TYPE.get(output_type), _detect_kind(first)
    is_wrong = found in (_PAGE, _JSON) if wanted is None else found != wanted
    if not is_wrong:
        return None
    sent = _RECEIVED_NAMES.get(found or "", "something else")
    return f"the server sent {sent}, not {_EXPECTED_NAMES.get(wanted or '', 'a file')}"


def _detect_kind(first: bytes) -> str | None:
    """Return the kind of a file by its first bytes; None if it is not known."""
    for is_kind, kind in (
        (_is_video, _VIDEO),
        (_is_image, _IMAGE),
        (_is_audio, _AUDIO),
    ):
        if is_kind(first):
            return kind
    if not _is_text(first):
        return None
    text = _without_byte_order_mark(first).replace(b"\0", b"").lstrip().lower()
    if _MARKUP.match(text):
        return _PAGE
    is_json = text.startswith((b"{", b"[")) and not text.startswith(_SCRIPT_INFO)
    return _JSON if is_json else _TEXT


def _is_video(first: bytes) -> bool:
    """Return whether it is a video, provided it is neither an image nor a sound."""
    is_iso = first[4:8] in _ISO_BOXES and not _is_text(first)
    is_avi = first[:4] == b"RIFF" and first[8:12] == b"AVI "
    return is_iso or is_avi or first.startswith(_WEBM)


def _is_image(first: bytes) -> bool:
    return (
        first.startswith((b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a"))
        or (first[:4] == b"RIFF" and first[8:12] == b"WEBP")
        or (first[4:8] == b"ftyp" and first[8:12] in _PICTURE_BRANDS)
    )


def _is_audio(first: bytes) -> bool:
    is_frame = len(first) > 1 and first[0] == 0xFF and first[1] & 0xE0 == 0xE0  # noqa: PLR2004 -- the sync word of MPEG audio
    return (
        (first.startswith(b"ID3") and not _is_text(first))
        or first.startswith((b"OggS", b"fLaC"))
        or (first[:4] == b"RIFF" and first[8:12] == b"WAVE")
        or (first[4:8] == b"ftyp" and first[8:11] in (b"M4A", b"M4B"))
        or (is_frame and not first.startswith(_BYTE_ORDER_MARKS))
    )


def _is_text(first: bytes) -> bool:
    """Return whether the bytes are text: a byte-order mark, or no control bytes."""
    return first.startswith(_BYTE_ORDER_MARKS) or not _CONTROL_BYTES.intersection(first)


def _without_byte_order_mark(first: bytes) -> bytes:
    mark = next((one for one in _BYTE_ORDER_MARKS if first.startswith(one)), b"")
    return first.removeprefix(mark)
