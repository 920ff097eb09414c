from __future__ import annotations

import base64
import re
from io import BytesIO
from pathlib import Path

import av
import pytest

from kling_cli.cli.output.terminal.capabilities import ImageProtocol
from kling_cli.cli.output.terminal.preview import (
    Bitmap,
    iterm_sequence,
    kitty_sequence,
    preview,
    sixel_sequence,
)
from tests.support.images import png


def size_of(raw: bytes) -> tuple[int, int]:
    with av.open(BytesIO(raw), "r") as opened:
        frame = next(opened.decode(video=0))
        return frame.width, frame.height


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "big.png"
    path.write_bytes(png(800, 520))
    return path


def test_kitty_gets_a_small_png_in_parts(picture: Path) -> None:
    shown = preview(picture, ImageProtocol.KITTY) or ""

    parts = re.findall(r"\x1b_G([^;]*);([^\x1b]*)\x1b\\", shown)
    assert parts[0][0].startswith("a=T,f=100,")
    assert [facts[-3:] for facts, _ in parts[:-1]] == ["m=1"] * (len(parts) - 1)
    assert parts[-1][0].endswith("m=0")
    assert max(len(text) for _, text in parts) <= 4096
    raw = base64.b64decode("".join(text for _, text in parts))
    assert size_of(raw) == (400, 260)
    assert [*kitty_sequence(b"x" * 9000)][-1] == "\n"


def test_iterm_gets_the_picture_with_its_length(picture: Path) -> None:
    shown = preview(picture, ImageProtocol.ITERM) or ""

    found = re.fullmatch(r"\x1b\]1337;File=inline=1;size=(\d+);[^:]*:(.*)\a\n", shown)
    assert found
    raw = base64.b64decode(found[2])
    assert len(raw) == int(found[1])
    assert size_of(raw) == (400, 260)
    assert iterm_sequence(b"x").endswith("eA==\a\n")


def test_sixels_are_bands_of_six_rows_with_each_colour_by_itself() -> None:
    red, blue = 0b11100000, 0b00000011
    rows = [[red] * 8, [red] * 4 + [blue] * 4, *[[blue] * 8] * 5]
    bitmap = Bitmap(8, 7, bytes(pixel for row in rows for pixel in row))

    assert sixel_sequence(bitmap) == (
        '\x1bPq"1;1;8;7#3;2;0;0;100#224;2;100;0;0#3!4{!4}$#224!4B!4@-#3!8@-\x1b\\\n'
    )


def test_a_terminal_with_sixels_gets_the_whole_picture(picture: Path) -> None:
    shown = preview(picture, ImageProtocol.SIXEL) or ""

    assert '"1;1;400;260' in shown
    assert shown.count("-") == -(-260 // 6)


def test_what_is_no_picture_is_not_shown(tmp_path: Path) -> None:
    noise, gone = tmp_path / "sound.mp3", tmp_path / "gone.png"
    noise.write_bytes(b"ID3" + bytes(999))

    for how in ImageProtocol:
        assert preview(noise, how) is None
        assert preview(gone, how) is None
