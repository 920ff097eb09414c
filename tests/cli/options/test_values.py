from __future__ import annotations

import io
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest

from kling_cli.catalogue.definition import loader
from kling_cli.cli.options.values import read_option_values
from kling_cli.errors import UsageError
from kling_cli.jobs.order import read_extra


def values(product: str = "text2video", **typed: Any) -> dict[str, Any]:
    return read_option_values(loader.load_product(product), typed)


def test_only_what_was_given_is_in_the_order() -> None:
    assert values(prompt="a boat", duration=None, shots=[], sound=None) == {
        "prompt": "a boat"
    }


def test_a_switch_that_was_turned_off_was_given() -> None:
    assert values(prompt="a boat", sound=False)["sound"] is False


def test_repeated_options_are_kept_in_order() -> None:
    assert values(shots=["3: a boat", "2: rain"])["shots"] == ("3: a boat", "2: rain")


def test_a_repeated_option_takes_a_json_list_too(tmp_path: Path) -> None:
    board = tmp_path / "board.json"
    board.write_text('[{"duration": 2, "prompt": "a boat"}, "3: rain"]')

    printed = values(shots=["1: dawn", f"@{board}", '["4: dusk"]'])

    assert printed["shots"] == (
        "1: dawn",
        {"duration": 2, "prompt": "a boat"},
        "3: rain",
        "4: dusk",
    )


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[1", r"--shot \[1: not JSON"),
        ("@none.json", "--shot @none.json: No such file"),
    ],
)
def test_a_list_that_is_none_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        values(shots=[text])


def test_a_json_file_that_holds_no_list_is_refused(tmp_path: Path) -> None:
    (tmp_path / "board.json").write_text("{}")

    with pytest.raises(UsageError, match="not a JSON list"):
        values(shots=[f"@{tmp_path}/board.json"])


def test_a_file_whose_name_looks_like_a_list_is_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("[1].png").touch()

    printed = values("omni-video", refer_images=["[1].png"])

    assert printed["refer_images"] == ("[1].png",)


@pytest.mark.parametrize("text", ["4", " 4 ", "-1", "2.5"])
def test_a_count_is_no_negative_prompt_of_a_video(text: str) -> None:
    with pytest.raises(UsageError, match="only a number") as caught:
        values(prompt="a boat", negative_prompt=text)

    assert " -n" not in f"{caught.value} {caught.value.hint}"
    words = shlex.split((caught.value.hint or "").partition("in words: ")[2])
    assert words[0] == "--negative-prompt"
    assert values(prompt="a boat", negative_prompt=words[1])


def test_the_short_option_of_image_commands_counts_images() -> None:
    short = {
        product.name: field.name
        for product in map(loader.load_product, loader.product_names())
        for field in product.fields
        if product.output == "image" and "-n" in field.options
    }

    counting = ("image", "omni-image", "multi-image2image", "expand")
    assert short == dict.fromkeys(counting, "n")
    negative = loader.load_product("image").field("negative_prompt")
    assert negative.options == ("--negative-prompt",)
    assert values("image", prompt="cats", negative_prompt="4")["negative_prompt"] == "4"


def test_a_dash_reads_the_prompt_from_stdin(monkeypatch: pytest.MonkeyPatch) -> None:
    stdin = io.TextIOWrapper(io.BytesIO("  un été\n\n".encode()), encoding="ascii")
    monkeypatch.setattr(sys, "stdin", stdin)

    assert values(prompt="-")["prompt"] == "un été"


@pytest.mark.parametrize(
    ("raw", "complaint"),
    [
        pytest.param(b"", "prompt is empty", id="empty"),
        pytest.param(b" \n", "prompt is empty", id="blank"),
        pytest.param(b"\xff", "not a UTF-8 text", id="not text"),
        pytest.param(None, "standard input is closed", id="closed"),
    ],
)
def test_a_prompt_that_is_none_is_refused(
    raw: bytes | None, complaint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stdin = None if raw is None else io.TextIOWrapper(io.BytesIO(raw))
    monkeypatch.setattr(sys, "stdin", stdin)

    with pytest.raises(UsageError, match=complaint):
        values(prompt="-")


def test_a_prompt_of_blanks_is_refused() -> None:
    with pytest.raises(UsageError, match="prompt is empty"):
        values(prompt="  ")


@pytest.mark.parametrize(
    ("mode", "resolution"), [("std", "720p"), ("pro", "1080p"), ("4k", "4k")]
)
def test_mode_is_another_word_for_resolution(mode: str, resolution: str) -> None:
    given = values(prompt="a boat", mode=mode)

    assert given == {"prompt": "a boat", "resolution": resolution}


def test_mode_and_resolution_may_agree_but_not_differ() -> None:
    agreed = values(prompt="a boat", mode="pro", resolution="1080p")

    assert agreed["resolution"] == "1080p"
    with pytest.raises(UsageError, match="--mode std means --resolution 720p"):
        values(prompt="a boat", mode="std", resolution="1080p")


def test_json_is_read_from_the_line_or_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "camera.json"
    path.write_text('{"type": "simple"}', "utf-8")

    assert values(camera='{"type": "down_back"}')["camera"] == {"type": "down_back"}
    assert values(camera=f"@{path}")["camera"] == {"type": "simple"}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        pytest.param("{type: x}", "--camera {type: x}: not JSON", id="no JSON"),
        pytest.param("[" * 100_000, "not JSON", id="too deep"),
        pytest.param("@nowhere.json", "No such file", id="no file"),
        pytest.param("@\0", "--camera @", id="no name"),
    ],
)
def test_json_that_is_none_is_refused_by_the_option(text: str, complaint: str) -> None:
    with pytest.raises(UsageError) as caught:
        values(camera=text)

    assert complaint in caught.value.message


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "camera.json"
    path.write_bytes(b"\xff")

    with pytest.raises(UsageError, match="not a UTF-8 text"):
        values(camera=f"@{path}")


@pytest.mark.parametrize(
    ("pair", "extra"),
    [
        ("settings.seed=7", {"settings.seed": 7}),
        ("mode=pro", {"mode": "pro"}),
        ('mode="pro"', {"mode": "pro"}),
        ("a=b=c", {"a": "b=c"}),
        ("empty=", {"empty": ""}),
        ('list=[1,{"x":null}]', {"list": [1, {"x": None}]}),
    ],
)
def test_set_takes_json_or_else_text(pair: str, extra: dict[str, Any]) -> None:
    assert read_extra([pair]) == extra


def test_of_two_for_the_same_key_the_last_wins() -> None:
    assert read_extra(["a=1", "a=2"]) == {"a": 2}


@pytest.mark.parametrize("pair", ["seed", "=7", "a..b=1", ".a=1", ""])
def test_set_without_a_key_is_refused(pair: str) -> None:
    with pytest.raises(UsageError, match="KEY=VALUE"):
        read_extra([pair])
