from __future__ import annotations

import json

import pytest

from kling_cli.cli.output.dry_run import MAX_SHOWN_TEXT_LENGTH, abbreviated
from tests.support.images import png
from tests.support.kling import Kling
from tests.support.sounds import wav
from tests.support.terminal import Terminal


def test_the_request_and_its_estimate_are_shown_without_credentials(
    kling: Kling,
) -> None:
    result = kling.run("text2video", "a boat", "-d", "10", "--dry-run")

    first, *body, last = result.lines
    assert result.exit_code == 0
    assert first.startswith("POST https://")
    assert first.endswith("/text-to-video/kling-3.0-turbo")
    sent = json.loads("\n".join(body))
    assert sent["prompt"] == "a boat"
    assert sent["settings"] == {"duration": 10}
    assert last.startswith("estimate: 8 units, about $")
    assert result.stderr == ""


def test_nothing_is_written_down(kling: Kling) -> None:
    kling.run("text2video", "a boat", "--dry-run")

    assert kling.run("list").stdout == ""
    assert kling.files() == []


def test_json_has_the_request_beside_the_usual_keys(kling: Kling) -> None:
    document = kling.run("text2video", "a boat", "--dry-run", "--json").json()

    assert document["ok"] is True
    assert document["status"] == "unknown"
    assert document["requests"] == {"create": 0, "query": 0}
    shown = document["dry_run"]
    assert shown["method"] == "POST"
    assert shown["body"]["prompt"] == "a boat"
    assert shown["estimate"]["units"] == 4


def test_a_key_pair_shows_the_older_request(kling: Kling) -> None:
    pair = {"KLING_ACCESS_KEY": "ak-of-a-test-run", "KLING_SECRET_KEY": "sk-of-a-test"}

    result = kling.run("text2video", "a boat", "--mode", "pro", "--dry-run", env=pair)

    assert result.lines[0].endswith("/v1/videos/text2video")
    assert '"mode": "pro"' in result.stdout
    assert "sk-of-a-test" not in result.stdout + result.stderr


def test_a_price_above_the_limit_is_refused(kling: Kling) -> None:
    result = kling.run("text2video", "a boat", "--dry-run", "--max-units", "1")

    assert result.exit_code == 4
    assert "estimated at 4 units" in result.stderr


def test_what_is_wrong_is_said_as_without_it(kling: Kling) -> None:
    result = kling.run("text2video", "a boat", "-d", "99", "--dry-run")

    assert result.exit_code == 2
    assert "--duration 99" in result.stderr


def test_extra_fields_win_over_options(kling: Kling) -> None:
    result = kling.run(
        "text2video", "a boat", "-d", "5", "--dry-run", "--json",
        "--set", "settings.duration=7", "--set", "settings.new=[1]",
    )  # fmt: skip

    settings = result.json()["dry_run"]["body"]["settings"]
    assert settings == {"duration": 7, "new": [1]}


def test_an_image_is_whole_in_a_pipe_and_short_on_a_terminal(kling: Kling) -> None:
    (kling.here / "cat.png").write_bytes(png(512, 512))
    command = ("image2video", "cat.png", "it purrs", "--dry-run")

    piped = kling.run(*command)
    with kling.start(*command, terminal=Terminal(streams=("stdout",))) as program:
        shown = program.finish()

    sent = json.loads("\n".join(piped.lines[1:-1]))
    assert "characters)" not in piped.stdout
    assert len(json.dumps(sent)) > MAX_SHOWN_TEXT_LENGTH
    assert "characters)" in shown.stdout
    assert len(shown.stdout) < MAX_SHOWN_TEXT_LENGTH * 2


def test_text_is_left_and_media_is_shortened() -> None:
    body = {
        "prompt": "word " * 500,
        "image": "A" * 5000,
        "list": [1, None, "\x1b[2J"],
    }

    short = abbreviated(body)

    assert short["prompt"] == body["prompt"]
    assert short["image"] == f"{'A' * 24}… (5000 characters)"
    assert short["list"] == [1, None, "\\x1b[2J"]


AVATAR = ("avatar", "https://x/a.png", "--audio")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            (*AVATAR, "speech.wav"),
            (
                "4.4 units, about $0.62"
                " (avatar 720p: 0.4 units per second, 11.3 s of sound)"
            ),
        ),
        (
            (*AVATAR, "https://x/a.mp3"),
            (
                "at most 120 units, about $16.80 (avatar 720p: 0.4 units per second,"
                " as long as the sound, 300 s at most)"
            ),
        ),
        (
            ("solution", "talking-agent", "hello", "--avatar", "avatar_mia_female"),
            "unknown; Kling publishes no price for talking-agent",
        ),
    ],
    ids=["by the sound", "bounded", "unknown"],
)
def test_what_is_known_of_the_price_is_said(
    kling: Kling, arguments: tuple[str, ...], line: str
) -> None:
    (kling.here / "speech.wav").write_bytes(wav(11.3))

    result = kling.run(*arguments, "--dry-run")

    assert result.lines[-1] == f"estimate: {line}"


def test_json_has_the_bound_where_the_price_shows_only_later(kling: Kling) -> None:
    result = kling.run(*AVATAR, "https://x/a.mp3", "--dry-run", "--json")

    assert result.json()["dry_run"]["estimate"] == {
        "units": None,
        "usd": None,
        "basis": "avatar 720p: 0.4 units per second, as long as the sound,"
        " 300 s at most",
        "at_most_units": 120,
        "at_most_usd": 16.8,
    }


def test_stdin_may_be_the_prompt(kling: Kling) -> None:
    result = kling.run("text2video", "-", "--dry-run", stdin="un été\n".encode())

    assert '"prompt": "un été"' in result.stdout
