"""Sounds by their own bytes. Source: API reference, section 5.4."""

from __future__ import annotations

import io
import math
from struct import pack

import av
import pytest
from hypothesis import given, settings, strategies as st

from kling_cli.catalogue import media
from kling_cli.sandbox.media.audio import Sound
from tests.support.sounds import MP3_FRAME


def wav(seconds: float, *, before: bytes = b"", stated: int | None = None) -> bytes:
    """Return 16-bit mono PCM at 8 kHz, 16 000 bytes a second, whatever is `stated`."""
    n_bytes = int(seconds * 16_000)
    form = pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, 8_000, 16_000, 2, 16)
    data = pack("<4sI", b"data", n_bytes if stated is None else stated)
    return b"RIFF" + bytes(4) + b"WAVE" + before + form + data + bytes(n_bytes)


QUICK_FRAME = b"\xff\xfb\xe0\x00" + bytes(1040)  # 320 kbit/s, as long


def mp3_of_frames(count: int) -> bytes:
    """Return an MP3 file whose Xing header states so many frames."""
    head = b"\xff\xfb\x90\x00" + bytes(32)
    return head + b"Xing" + pack(">III", 3, count, 400 * count) + bytes(300)


# 2.5 s in a box whose size has 64 bits, and a header of version 1
HEADER = b"\1\0\0\0" + bytes(16) + (1000).to_bytes(4) + (2500).to_bytes(8)
INNER = (8 + len(HEADER)).to_bytes(4) + b"mvhd" + HEADER
WIDE_BOX = b"\0\0\0\1moov" + (16 + len(INNER)).to_bytes(8) + INNER


def encoded(container: str, seconds: float) -> bytes:
    """Return silence as a real encoder writes it, at 44.1 kHz."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as out:
        stream = out.add_stream("aac", rate=44_100, layout="mono")
        for number in range(round(seconds * 44_100 / 1024)):
            frame = av.AudioFrame(format="fltp", layout="mono", samples=1024)
            frame.planes[0].update(bytes(frame.planes[0].buffer_size))
            frame.sample_rate, frame.pts = 44_100, number * 1024
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return file.getvalue()


@pytest.mark.parametrize(
    ("raw", "kind", "seconds"),
    [
        pytest.param(wav(2.5), "wav", 2.5, id="wav"),
        pytest.param(wav(1, before=b"LIST\x03\0\0\0abc\0"), "wav", 1.0, id="chunks"),
        pytest.param(wav(3, stated=0xFFFFFFFF), "wav", 3.0, id="wav-piped"),
        pytest.param(b"RIFF----WAVE", "wav", None, id="wav-cut"),
        pytest.param(MP3_FRAME * 100, "mp3", 2.612, id="mp3"),
        pytest.param((MP3_FRAME + QUICK_FRAME) * 50, "mp3", 2.612, id="mp3-variable"),
        pytest.param(
            b"ID3\x04\0\0\0\0\x01\0" + bytes(128) + MP3_FRAME * 100,
            *("mp3", 2.612),
            id="id3",
        ),
        pytest.param(mp3_of_frames(1000), "mp3", 26.122, id="xing"),
        pytest.param(b"\xff\xfb\xf0\x00" + bytes(99), "mp3", None, id="bad-rate"),
        pytest.param(b"ID3", "mp3", None, id="mp3-cut"),
        pytest.param(b"\0\0\0\x18ftypM4A ", "m4a", None, id="m4a-cut"),
        pytest.param(b"\0\0\0\x0cftypM4A " + bytes(8), "m4a", None, id="m4a-bad"),
        pytest.param(b"\0\0\0\x0cftypM4A " + WIDE_BOX, "m4a", 2.5, id="m4a-wide"),
        pytest.param(b"\xff\xf1\x50\x80", "aac", None, id="aac-cut"),
        pytest.param(b"\xff\xf1\xfc" + bytes(9), "aac", None, id="aac-bad"),
        pytest.param(b"hello", None, None, id="text"),
        pytest.param(b"", None, None, id="empty"),
    ],
)
def test_the_facts_of_audio_come_from_its_bytes(
    raw: bytes, kind: str | None, seconds: float | None
) -> None:
    facts = media.describe_audio(raw)

    assert facts.format == kind
    assert facts.duration_s == (
        None if seconds is None else pytest.approx(seconds, abs=0.03)
    )


@pytest.mark.parametrize("kind", ["mp3", "wav"])
def test_the_duration_of_audio_of_the_sandbox_is_read(kind: str) -> None:
    sound = Sound(seconds=4, label="a", kind=kind)  # type: ignore[arg-type]  # -- of parametrize

    facts = media.describe_audio(sound.render())

    assert facts.format == kind
    assert facts.duration_s == pytest.approx(4, abs=0.1)


@pytest.mark.parametrize(("container", "kind"), [("ipod", "m4a"), ("adts", "aac")])
def test_the_duration_of_audio_of_an_encoder_is_read(container: str, kind: str) -> None:
    facts = media.describe_audio(encoded(container, 3))

    assert facts.format == kind
    assert facts.duration_s == pytest.approx(3, abs=0.1)


SEEDS = (wav(0.2), MP3_FRAME * 3, mp3_of_frames(9), encoded("ipod", 0.1))
MAGIC = (b"RIFF\0\0\0\0WAVE", b"\0\0\0\x0cftypM4A ", b"\xff\xf1", b"\xff\xfb", b"ID3")


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(SEEDS),
    st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 255)), max_size=30),
    st.sampled_from(MAGIC),
    st.binary(max_size=300),
)
def test_damaged_files_have_a_plausible_duration_or_none(
    seed: bytes, changes: list[tuple[int, int]], magic: bytes, tail: bytes
) -> None:
    damaged = bytearray(seed)
    for at, value in changes:
        damaged[at % len(damaged)] = value

    for raw in (bytes(damaged), magic + tail):
        seconds = media.describe_audio(raw).duration_s
        assert seconds is None or (seconds > 0 and math.isfinite(seconds))


def test_a_file_that_is_no_audio_is_refused() -> None:
    (found,) = media.audio_problems(media.describe_audio(b"hello"))

    assert found.message == "the file is not a sound of the kinds mp3, wav, m4a, aac"


@pytest.mark.parametrize(
    ("seconds", "is_taken"), [(1.9, False), (2, True), (61, False)]
)
def test_audio_too_short_or_too_long_is_refused(seconds: float, is_taken: bool) -> None:
    facts = media.describe_audio(wav(seconds))

    found = media.audio_problems(facts, seconds=(2, 60))

    assert [each.message for each in found] == (
        [] if is_taken else [f"the sound lasts {seconds:.1f} s; 2 to 60 s are taken"]
    )


def test_audio_of_unknown_duration_is_left_to_the_api() -> None:
    facts = media.describe_audio(b"\0\0\0\x18ftypM4A ")

    assert facts.duration_s is None
    assert media.audio_problems(facts, seconds=(2, 60)) == ()
