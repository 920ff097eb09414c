"""What follows from a session: where a sound goes, which length of video goes along.

Source: API reference, section 2.6 (advanced-lip-sync, multi-elements).
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

import kling_cli.catalogue
from kling_cli.catalogue.definition import loader
from kling_cli.catalogue.definition.parser import CatalogueError, parse_product as parse
from kling_cli.catalogue.sessions import (
    Appearance,
    SegmentSpec,
    SessionSpec,
    fit_video_duration,
    require_segment_fits,
    segment_insert_s,
)
from kling_cli.errors import UsageError

DATA = Path(kling_cli.catalogue.__file__).parent / "data"


def use_of(name: str) -> SessionSpec:
    use = loader.load_product(name).session
    assert use is not None
    return use


def fit() -> SegmentSpec:
    found = use_of("lip-sync").segment
    assert found is not None
    return found


def seen(start_s: float = 0.0, end_s: float | None = None) -> Appearance:
    return Appearance(start_s=start_s, end_s=end_s)


@pytest.mark.parametrize(
    ("values", "face", "video_s", "at_s"),
    [
        pytest.param({"end": 3.5}, seen(0, 5.2), None, 0, id="as the face appears"),
        pytest.param({"end": 3.5}, seen(1.2, 9), None, 1.2, id="later"),
        pytest.param({"end": 3.5}, seen(2.0, 5.0), 5.0, 1.5, id="earlier, to fit in"),
        pytest.param({"end": 5.04}, seen(0, 5.0), 5.0, 0, id="as long as the video"),
        pytest.param({"end": 4, "insert": 0.5}, seen(0, 5.2), None, 0.5, id="as said"),
        pytest.param({"end": 9, "insert": 3}, seen(0, 5), None, 3, id="2 s common"),
        pytest.param({"start": 6, "end": 8}, seen(1, 3), 10.0, 1, id="a cut of 2 s"),
        pytest.param({"start": 0.3, "end": 2.3}, seen(0, 9), None, 0, id="odd tenths"),
        pytest.param({"end": 3.5, "insert": 7}, seen(), None, 7, id="nobody knows"),
    ],
)
def test_a_segment_is_inserted_where_the_face_appears(
    values: dict[str, Any], face: Appearance, video_s: float | None, at_s: float
) -> None:
    assert segment_insert_s(fit(), values, seen=face, video_s=video_s) == at_s


@pytest.mark.parametrize(
    ("values", "face", "video_s", "words"),
    [
        pytest.param(
            {"end": 3.5, "insert": 3.1},
            seen(0, 5),
            None,
            r"3\.1 to 6\.6 s of the video .* from 0 to 5 s: 2 s",
            id="begins too late",
        ),
        pytest.param(
            {"end": 2.5, "insert": 0},
            seen(1, 5),
            None,
            "2 s of it",
            id="ends too early",
        ),
        pytest.param({"end": 4}, seen(1, 2.9), None, "2 s of it", id="seen too short"),
        pytest.param(
            {"end": 9}, seen(0, 5), 5.041, r"9 s of sound .* 5\.041 s", id="too long"
        ),
        pytest.param(
            {"end": 4, "insert": 2},
            seen(0, 5),
            5.0,
            r"4 s of sound from 2 s on",
            id="beyond the end",
        ),
    ],
)
def test_a_segment_that_does_not_overlap_the_face_is_refused(
    values: dict[str, Any], face: Appearance, video_s: float | None, words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        segment_insert_s(fit(), values, seen=face, video_s=video_s)


def test_a_segment_that_cannot_fit_is_refused_before_the_step() -> None:
    with pytest.raises(UsageError, match="after the video") as caught:
        require_segment_fits(fit(), {"end": 9.0, "insert": 1.0}, video_s=5.0)

    assert caught.value.hint
    assert "at most 4 s" in caught.value.hint
    require_segment_fits(fit(), {"end": 9.0}, video_s=None)
    require_segment_fits(fit(), {}, video_s=5.0)


@pytest.mark.parametrize(
    ("said", "video_s", "duration"),
    [
        ({}, 5.041, 5),
        ({}, 2.0, 5),
        ({}, 8.0, 10),
        ({"duration": 10}, 10.041, 10),
        ({"duration": 10}, None, 10),
        ({"duration": 7}, 5.041, 7),  # the limits say what is wrong with it
        ({}, None, None),
        ({}, 6.0, None),  # no edit of any length goes with it
    ],
)
def test_the_length_of_the_selected_video_decides_the_duration(
    said: dict[str, Any], video_s: float | None, duration: int | None
) -> None:
    assert (
        fit_video_duration(use_of("multi-elements"), said, video_s).get("duration")
        == duration
    )


def test_a_duration_that_does_not_go_with_the_video_is_refused() -> None:
    with pytest.raises(UsageError, match=r"--duration 5: .* lasts 10 s") as caught:
        fit_video_duration(use_of("multi-elements"), {"duration": 5}, 10.041)

    assert caught.value.hint == "--duration 10 goes with it"


@pytest.mark.parametrize("key", ["field", "choice"])
def test_a_session_names_existing_fields(key: str) -> None:
    data = tomllib.loads((DATA / "lip-sync.toml").read_text("utf-8"))
    data["session"][key] = "colour"

    with pytest.raises(CatalogueError, match=f"{key} is 'colour'"):
        parse(data, tomllib.loads((DATA / "common.toml").read_text("utf-8")))


@pytest.mark.parametrize("where", ["session", "session.segment"])
def test_an_unknown_key_of_a_session_is_refused(where: str) -> None:
    data = tomllib.loads((DATA / "lip-sync.toml").read_text("utf-8"))
    here = data["session"] if where == "session" else data["session"]["segment"]
    here["colour"] = 1

    with pytest.raises(CatalogueError, match="unknown key colour"):
        parse(data, tomllib.loads((DATA / "common.toml").read_text("utf-8")))
