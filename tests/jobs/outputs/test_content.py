from __future__ import annotations

import pytest

from kling_cli.api.tasks import Output
from kling_cli.jobs.outputs.content import content_problem, extension

MP4 = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom"
MOV = b"\x00\x00\x00\x08wide\x00\x01\x02\x03mdat"
WEBM = b"\x1a\x45\xdf\xa3\x01\x00\x00\x00"
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00"
WEBP = b"RIFF\x24\x10\x00\x00WEBPVP8 "
MP3 = b"ID3\x04\x00\x00\x00\x00\x00\x00"
FRAME = b"\xff\xfb\x90\x44\x00\x00"
WAV = b"RIFF\x24\x10\x00\x00WAVEfmt "
SRT = b"1\n00:00:00,000 --> 00:00:01,000\nA boat\n"
ASS = b"\xef\xbb\xbf[Script Info]\nTitle: boat\n"


@pytest.mark.parametrize(
    ("output_type", "first"),
    [
        *[("video", one) for one in (MP4, MOV, WEBM)],
        *[("image", one) for one in (PNG, JPEG, WEBP, b"GIF89a\x01\x00")],
        *[("audio", one) for one in (MP3, FRAME, WAV, b"OggS\x00\x02")],
        ("voice", WAV),
        ("face", JPEG),
        ("srt", SRT),
        ("srt", "1\n00:00 --> 00:01\n漢".encode("utf-16")),
        ("ass", ASS),
        ("tracking", b' {"frames": []}'),
        ("tracking", b"[1, 2]"),
        ("something new", MP4),
        ("something new", b"a text"),
    ],
)
def test_a_file_of_its_kind_is_taken(output_type: str, first: bytes) -> None:
    assert content_problem(output_type, first) is None


@pytest.mark.parametrize(
    ("output_type", "first", "why"),
    [
        ("video", b"", "an empty file"),
        ("video", b"The free quota is used up, sorry", "text, not a video"),
        ("video", b"\xef\xbb\xbf<?xml version='1.0'?><Error/>", "a page"),
        ("video", "<Error/>".encode("utf-16"), "a page"),
        ("video", b" \r\n<!DOCTYPE html>", "a page"),
        ("video", b'{"code": 1000}', "JSON"),
        ("video", b"\x1f\x8b\x08\x00\x00\x00\x00\x00", "something else"),
        ("video", PNG, "an image, not a video"),
        ("video", WAV, "a sound, not a video"),
        ("image", MP4, "a video, not an image"),
        ("image", b"<svg xmlns=''>", "a page"),
        ("audio", b"ID3 is not here", "text, not a sound"),
        ("audio", "\ufeffid".encode("utf-16-le"), "text"),
        ("srt", b"<html>", "a page, not subtitles"),
        ("srt", PNG, "an image"),
        ("srt", b"\x00\x01\x02", "something else"),
        ("tracking", b"<html>", "a page, not JSON"),
        ("something new", b"{}", "JSON, not a file"),
        ("something new", b"<html>", "a page, not a file"),
    ],
)
def test_what_is_no_file_of_its_kind_is_named(
    output_type: str, first: bytes, why: str
) -> None:
    assert why in (content_problem(output_type, first) or "")


@pytest.mark.parametrize(
    ("kind", "url", "suffix"),
    [
        ("video", "http://h/a.mp4?Expires=1", "mp4"),
        ("video", "http://h/a.MOV", "mov"),
        ("video", "http://h/a.sh", "mp4"),
        ("image", "http://h/a", "png"),
        ("image", "http://h/a.jpeg?x=.exe", "jpeg"),
        ("audio", "http://h/a/", "mp3"),
        ("voice", "http://h/a.wav", "wav"),
        ("element", "http://h/", "bin"),
        ("../x", "", "bin"),
        ("video", "http://[h/a.mov", "mp4"),
        ("video", "https://cdn/a", "mp4"),
        ("subbed_video", "https://cdn/a.html", "mp4"),
        ("srt", "https://cdn/a", "srt"),
        ("ass", "https://cdn/a", "ass"),
        ("image", "https://cdn/a.jpg", "jpg"),
        ("audio", "https://cdn/a.wav", "wav"),
        ("voice", "https://cdn/a", "mp3"),
        ("hologram", "https://cdn/a", "bin"),
        ("hologram", "https://cdn/a.ass", "ass"),
    ],
)
def test_the_url_names_the_kind_of_file_or_else_the_output(
    kind: str, url: str, suffix: str
) -> None:
    assert extension(Output(type=kind), url) == suffix
