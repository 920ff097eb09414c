from __future__ import annotations

from typing import Any

import pytest

from kling_cli.catalogue import values
from tests.catalogue.conftest import Planner


def test_none_and_empty_values_are_not_given() -> None:
    said = values.given_values(
        {"a": None, "b": "", "c": (), "d": [], "e": 0, "f": False}
    )

    assert said == {"e": 0, "f": False}


def test_defaults_are_effective_where_nothing_is_given(planned: Planner) -> None:
    plan = planned("text2video", "kling-3.0", {})

    assert values.effective_values(plan, {"duration": 7}) == {
        "sound": False,
        "resolution": "720p",
        "aspect_ratio": "16:9",
        "duration": 7,
        "watermark": False,
        "multi_shot": True,
    }


def test_fixed_values_are_effective_whatever_is_given(planned: Planner) -> None:
    plan = planned("text2video", "kling-3.0-turbo", {})

    assert values.effective_values(plan, {"sound": False})["sound"] is True


@pytest.mark.parametrize(
    ("said", "duration"),
    [
        ({"shots": ("3:a", "4:b")}, 7),
        ({"prompt": "shot 1, 3, a; shot 2, 4, b;"}, 7),
        ({"shots": ("3:a", "4:b"), "duration": 9}, 9),
        ({"prompt": "a boat"}, None),
        ({"prompt": 5}, None),
        ({"shots": 5}, None),
    ],
)
def test_shots_decide_the_duration_unless_it_is_given(
    planned: Planner, said: dict[str, Any], duration: int | None
) -> None:
    plan = planned("text2video", None, said)

    assert values.completed_values(plan, said).get("duration") == duration


def test_a_model_without_shots_gets_their_text_unchanged(planned: Planner) -> None:
    said = {"prompt": "shot 1, 3, a;"}
    plan = planned("text2video", "kling-2.6", said)

    assert values.completed_values(plan, said) == said
    assert values.find_shots(plan, said) == ()
