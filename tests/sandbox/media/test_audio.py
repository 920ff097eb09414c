"""The sounds of the sandbox, looked at with a real decoder."""

from __future__ import annotations

import io
import wave
from typing import Literal

import av
import pytest

from kling_cli.sandbox.media.audio import Sound

Format = Literal["mp3", "wav"]


def a_sound(seconds: float = 5.0, kind: Format = "mp3", label: str = "8") -> Sound:
    return Sound(seconds=seconds, label=label, kind=kind)


def heard_s(raw: bytes) -> float:
    """Return how long a decoder hears something."""
    with av.open(io.BytesIO(raw), "r") as container:
        frames = list(container.decode(audio=0))
    return sum(frame.samples / frame.sample_rate for frame in frames)


@pytest.mark.parametrize("kind", ["mp3", "wav"])
@pytest.mark.parametrize("seconds", [2.3, 5.0, 10.0])
def test_a_sound_decodes_and_is_as_long_as_it_says(
    kind: Format,
    seconds: float,
) -> None:
    sound = a_sound(seconds, kind)

    heard = heard_s(sound.render())

    assert sound.duration_s == pytest.approx(seconds, abs=0.025)
    # a decoder may drop the frame or two that an encoder would have begun with
    assert heard == pytest.approx(sound.duration_s, abs=0.05)


def test_an_mp3_is_frames_from_its_tag_to_its_end() -> None:
    raw = a_sound(1.2).render()

    size = 10 + sum(byte << 7 * (3 - at) for at, byte in enumerate(raw[6:10]))
    frames = raw[size:]
    assert raw.startswith(b"ID3")
    assert b"Kling sandbox, task 8" in raw[:size]
    assert len(frames) == 50 * 96
    assert {frames[at : at + 4] for at in range(0, len(frames), 96)} == {
        bytes.fromhex("fffb14c4")
    }


def test_a_wav_holds_a_tone() -> None:
    with wave.open(io.BytesIO(a_sound(1.5, "wav").render())) as file:
        assert (file.getnchannels(), file.getframerate()) == (1, 44_100)
        assert file.getnframes() == 66_150
        assert len(set(file.readframes(1000))) > 50


@pytest.mark.parametrize("kind", ["mp3", "wav"])
def test_two_tasks_sounds_differ(kind: Format) -> None:
    first, second = (a_sound(label=label, kind=kind) for label in ("8", "81"))

    assert first.render() != second.render()
