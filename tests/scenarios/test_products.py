"""Products with special inputs: files, lengths, limits."""

from __future__ import annotations

import pytest

from tests.sandbox.decoded_video import decode_video
from tests.support.images import png
from tests.support.kling import Kling
from tests.support.sandbox_server import SandboxServer
from tests.support.sounds import wav


@pytest.fixture
def files(kling: Kling) -> None:
    (kling.here / "face.png").write_bytes(png(400, 400))
    (kling.here / "speech.wav").write_bytes(wav(11.3))
    (kling.here / "dance.mp4").write_bytes(b"a film")


@pytest.mark.usefixtures("files")
def test_a_portrait_speaks_a_local_sound_at_the_price_that_was_said(
    kling: Kling, sandbox: SandboxServer
) -> None:
    result = kling.run("avatar", "face.png", "--audio", "speech.wav")

    film = decode_video((kling.here / result.lines[0]).read_bytes())
    assert result.exit_code == 0
    assert "avatar, about 4.4 units, $0.62" in result.stderr
    assert "4.4 units, notified by callback" in result.stderr
    assert "warning: charged" not in result.stderr
    assert film.duration_s == pytest.approx(12.3, abs=0.1)
    assert sandbox.tasks[0]["units"] == 4.4


@pytest.mark.usefixtures("files")
def test_a_dance_is_bounded_before_and_charged_by_its_film_after(kling: Kling) -> None:
    first = kling.run("text2video", "a dancer", "-d", "7", "--json").json()
    film = first["outputs"][0]["url"]
    dance = ("motion-control", "face.png", film, "--orientation", "video")

    refused = kling.run(*dance, "--max-units", "26")
    made = kling.run(*dance, "--max-units", "27", "--json")

    assert refused.exit_code == 4
    assert "may come to 27 units" in refused.stderr
    assert "at most 27 units" in made.stderr
    assert (made.json()["units"], made.json()["estimated_units"]) == (6.3, None)
    assert made.json()["outputs"][0]["duration_s"] == 7.041


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("face.png", "dance.mp4", "--orientation", "video"), "VIDEO dance.mp4"),
        (("face.png", "https://x/d.mp4", "--orientation", "up"), "--orientation up"),
    ],
    ids=["a local film", "no such word"],
)
def test_what_the_api_would_not_take_is_never_sent(
    kling: Kling, sandbox: SandboxServer, args: tuple[str, ...], words: str
) -> None:
    result = kling.run("motion-control", *args)

    assert result.exit_code == 2
    assert words in result.stderr
    assert sandbox.counts["create"] == 0


def test_a_solution_has_no_price_to_be_held_to(
    kling: Kling, sandbox: SandboxServer
) -> None:
    line = ("solution", "talking-agent", "Hello", "--avatar", "avatar_mia_female")

    refused = kling.run(*line, "--max-units", "1000")
    made = kling.run(*line, "--json")

    assert refused.exit_code == 4
    assert "no price for talking-agent" in refused.stderr
    assert sandbox.counts["create"] == 1
    assert (made.exit_code, made.json()["estimated_units"]) == (0, None)
