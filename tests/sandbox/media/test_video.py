"""The clips of the sandbox, looked at with a real decoder."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given, settings, strategies as st

from kling_cli.sandbox.media.h264 import (
    BitWriter,
    Frame,
    first_picture,
    next_picture,
    sequence_parameters,
)
from kling_cli.sandbox.media.video import Clip, frame_count, render, size_for
from tests.sandbox.decoded_video import decode_video, frames_of, luma_at

BRIGHT = 200


def a_clip(width: int = 1280, height: int = 720, **more: object) -> Clip:
    values = {"frames": frame_count(3), "has_sound": False, "label": "1", **more}
    return Clip(width=width, height=height, **values)  # type: ignore[arg-type]  # -- what a test wants


@pytest.mark.parametrize(
    ("resolution", "ratio", "size"),
    [
        ("720p", 16 / 9, (1280, 720)),
        ("720p", 9 / 16, (720, 1280)),
        ("720p", 1.0, (960, 960)),
        ("1080p", 16 / 9, (1920, 1080)),
        ("1080p", 9 / 16, (1080, 1920)),
        ("1080p", 1.0, (1440, 1440)),
        ("4k", 16 / 9, (3840, 2160)),
        ("4k", 9 / 16, (2160, 3840)),
        ("4k", 1.0, (2880, 2880)),
    ],
)
def test_every_resolution_and_ratio_decodes_at_its_size(
    resolution: str, ratio: float, size: tuple[int, int]
) -> None:
    width, height = size_for(resolution, ratio)

    film = decode_video(render(a_clip(width, height, frames=5)))

    assert (film.width, film.height) == size == (width, height)
    assert film.frames == 5


@pytest.mark.parametrize("seconds", [3, 5, 15])
def test_a_clip_has_24_frames_a_second_and_one_more(seconds: int) -> None:
    film = decode_video(render(a_clip(frames=frame_count(seconds))))

    assert film.frames == 24 * seconds + 1
    assert film.rate == 24
    assert film.duration_s == pytest.approx(seconds + 1 / 24)


def test_sound_is_as_long_as_the_picture_and_silent() -> None:
    film = decode_video(render(a_clip(has_sound=True)))

    assert film.sound_s == pytest.approx(film.duration_s, abs=1 / 24)


def test_without_sound_there_is_no_track_for_it() -> None:
    assert decode_video(render(a_clip())).sound_s is None


def test_a_file_names_its_task_and_plays_while_it_arrives() -> None:
    film = decode_video(render(a_clip(label="930000000000000001")))

    assert film.title.endswith("930000000000000001")
    assert film.is_index_first


def test_the_bar_fills_from_nothing_to_the_end() -> None:
    film = decode_video(render(a_clip()))

    (start_left, start_right), (end_left, end_right) = film.corners
    assert max(start_left, start_right) < BRIGHT < min(end_left, end_right)


def test_something_moves_in_every_picture() -> None:
    frames = frames_of(render(a_clip(640, 640, frames=60)))

    seen = [bytes(frame.planes[0]) for frame in frames]
    assert all(one != two for one, two in pairwise(seen))


def test_what_moves_leaves_no_trace() -> None:
    first, *_, last = frames_of(render(a_clip(frames=300)))

    rows = range(8, 720 - 6 * 16, 16)
    spots = [(x, y) for y in rows for x in range(8, 1280, 16)]
    changed = [at for at in spots if luma_at(first, *at) != luma_at(last, *at)]

    assert len(changed) <= 9  # the block where it is now, and nothing else


def test_the_watermarked_copy_differs_in_its_corner() -> None:
    plain, marked = (
        frames_of(render(a_clip(is_watermarked=is_marked)))[0]
        for is_marked in (False, True)
    )

    corner = [(x, y) for y in range(584, 664, 16) for x in range(952, 1264, 16)]
    left = [(x, y) for y in range(584, 664, 16) for x in range(8, 900, 16)]
    assert any(luma_at(plain, *at) != luma_at(marked, *at) for at in corner)
    assert all(luma_at(plain, *at) == luma_at(marked, *at) for at in left)


def test_files_of_two_tasks_differ() -> None:
    assert render(a_clip(label="1")) != render(a_clip(label="2"))


@settings(max_examples=12, deadline=None)
@given(
    width=st.integers(310, 700).map(lambda half: half * 2),
    height=st.integers(310, 700).map(lambda half: half * 2),
    frames=st.integers(2, 40),
)
def test_any_even_size_and_length_decodes(width: int, height: int, frames: int) -> None:
    film = decode_video(render(a_clip(width, height, frames=frames)))

    assert (film.width, film.height, film.frames) == (width, height, frames)


@pytest.mark.parametrize("ratio", [0.4, 0.75, 1.5, 2.5])
def test_any_ratio_of_an_image_keeps_the_number_of_pixels(ratio: float) -> None:
    width, height = size_for("720p", ratio)

    assert width / height == pytest.approx(ratio, rel=0.01)
    assert width * height == pytest.approx(1280 * 720, rel=0.01)
    assert width % 2 == height % 2 == 0


def test_an_unknown_resolution_is_720p() -> None:
    assert size_for("None", 16 / 9) == (1280, 720)


@pytest.mark.parametrize(
    ("size", "level"),
    [((1280, 720), 31), ((1920, 1080), 40), ((1440, 1440), 40), ((3840, 2160), 51)],
)
def test_the_level_fits_the_size(size: tuple[int, int], level: int) -> None:
    assert sequence_parameters(Frame(*size))[3] == level


def test_no_unit_contains_a_start_code() -> None:
    frame = Frame(640, 480)
    row = {(0, column): (16, 128, 128) for column in range(frame.columns)}
    units = [first_picture(frame, row)]
    units += [next_picture(frame, {(n, n): (16, 16, 16)}, n) for n in range(1, 20)]

    assert not any(re.search(rb"\x00\x00[\x00-\x02]", unit) for unit in units)


@pytest.mark.parametrize(
    ("value", "bits"),
    [(0, "1"), (1, "010"), (2, "011"), (3, "00100"), (29, "000011110")],
)
def test_unsigned_numbers_are_written_as_exp_golomb(value: int, bits: str) -> None:
    out = BitWriter()
    out.ue(value)

    assert out.end() == as_bytes(bits + "1")


@pytest.mark.parametrize(
    ("value", "bits"), [(0, "1"), (1, "010"), (-1, "011"), (2, "00100"), (-2, "00101")]
)
def test_signed_numbers_are_written_as_exp_golomb(value: int, bits: str) -> None:
    out = BitWriter()
    out.se(value)

    assert out.end() == as_bytes(bits + "1")


def test_whole_bytes_start_on_a_byte() -> None:
    out = BitWriter()
    out.u(5, 3)
    out.aligned(b"\xab")

    assert out.end() == b"\xa0\xab\x80"


def as_bytes(bits: str) -> bytes:
    size = -(-len(bits) // 8)
    return int(bits.ljust(size * 8, "0"), 2).to_bytes(size, "big")
