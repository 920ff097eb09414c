"""Messages and hints for invalid values (scenario A21)."""

from __future__ import annotations

from typing import Any

import pytest

from kling_cli.catalogue import validation
from kling_cli.catalogue.definition import loader
from kling_cli.catalogue.definition.schema import Plan
from kling_cli.errors import ExitCode, UsageError
from tests.catalogue.conftest import Planner
from tests.catalogue.strategies import FRAME

SIMPLE = {"type": "simple", "config": {"pan": 3}}
MASK = {"mask": FRAME, "trajectories": [{"x": 1, "y": 2}, {"x": 3, "y": 4}]}


def test_a_prompt_too_long_suggests_a_model_that_accepts_it(planned: Planner) -> None:
    values = {"prompt": "b" * 2501}
    plan = planned("text2video", "kling-2.6", values)

    with pytest.raises(UsageError) as caught:
        validation.require_valid(validation.find_problems(plan, values))

    assert caught.value.exit_code is ExitCode.USAGE
    assert caught.value.message == (
        "PROMPT: 2501 characters; kling-2.6 takes at most 2500 characters"
    )
    assert caught.value.hint == (
        "kling-3.0-turbo and kling-3.0 do: add -m kling-3.0-turbo"
    )


def test_an_unsupported_duration_suggests_models_that_support_it(
    planned: Planner,
) -> None:
    values = {"prompt": "a boat", "duration": 7}
    plan = planned("text2video", "kling-2.6", values)

    (problem,) = validation.find_problems(plan, values)

    assert problem.field == "duration"
    assert problem.message == "--duration 7: kling-2.6 takes 5 or 10 s"
    assert problem.hint == "kling-3.0-turbo and kling-3.0 do: add -m kling-3.0-turbo"


def test_a_duration_of_no_model_has_no_hint(planned: Planner) -> None:
    values = {"prompt": "a boat", "duration": 16}

    (problem,) = validation.find_problems(planned("text2video", None, values), values)

    assert problem.message == "--duration 16: kling-3.0-turbo takes 3 to 15 s"
    assert problem.hint is None


def test_sound_on_a_model_without_it_suggests_models_with_sound(
    planned: Planner,
) -> None:
    values = {"prompt": "a boat", "sound": True}
    plan = planned("text2video", "kling-2.5-turbo", values)

    (problem,) = validation.find_problems(plan, values)

    assert problem.message == "--sound: kling-2.5-turbo never has sound"
    assert problem.hint == (
        "kling-3.0-turbo, kling-3.0 and kling-2.6 do: add -m kling-3.0-turbo"
    )


def test_hints_for_a_key_pair_name_models_it_can_reach(planned: Planner) -> None:
    values = {"prompt": "a boat", "sound": True}
    plan = planned("text2video", "kling-v2-5-turbo", values, "key_pair")

    (problem,) = validation.find_problems(plan, values)

    assert problem.hint == "kling-3.0 and kling-2.6 do: add -m kling-3.0"


def test_no_sound_on_a_model_with_fixed_sound_is_refused(planned: Planner) -> None:
    values = {"prompt": "a boat", "sound": False}

    (problem,) = validation.find_problems(planned("text2video", None, values), values)

    assert problem.message == "--no-sound: kling-3.0-turbo always has sound"


@pytest.mark.parametrize(
    ("product", "model", "values"),
    [
        ("text2video", None, {"prompt": "a", "sound": True}),
        ("text2video", "kling-2.5-turbo", {"prompt": "a", "sound": False}),
        ("text2video", "kling-v2-master", {"prompt": "a", "resolution": "720p"}),
        ("text2video", "kling-3.0", {"prompt": "a", "resolution": "4k"}),
        ("image2video", "kling-v1", {"image": FRAME, "static_mask": FRAME}),
        (
            "image2video",
            "kling-v1-5",
            {"image": FRAME, "camera": SIMPLE, "resolution": "1080p"},
        ),
        ("image2video", "kling-v1", {"image": FRAME, "dynamic_masks": [MASK] * 6}),
        ("text2video", "kling-v1", {"prompt": "a", "camera": {"type": "down_back"}}),
        ("image2video", "kling-v2-1", {"last_frame": FRAME, "resolution": "1080p"}),
        ("image2video", "kling-3.0", {"image": "cat.png", "prompt": "a"}),
        ("text2video", None, {"prompt": "shot 1, 2, a; shot 2, 1, b;"}),
        ("text2video", None, {"shots": ({"duration": "3", "prompt": "a"},)}),
        (
            "text2video",
            "kling-3.0",
            {"prompt": "a", "multi_shot": True, "shot_type": "intelligence"},
        ),
    ],
)
def test_values_the_reference_allows_are_valid(
    planned: Planner, product: str, model: str | None, values: dict[str, Any]
) -> None:
    assert validation.find_problems(planned(product, model, values), values) == ()


REFUSED: list[tuple[str, str | None, dict[str, Any], str]] = [
    ("text2video", None, {}, "there is no prompt"),
    ("text2video", None, {"prompt": ""}, "there is no prompt"),
    ("image2video", None, {"image": FRAME}, "there is no prompt"),
    ("image2video", None, {"prompt": "a"}, "IMAGE is missing"),
    ("image2video", "kling-v1-6", {"prompt": "a"}, "there is no image"),
    (
        "text2video",
        None,
        {"prompt": "a", "resolution": "4k"},
        "--resolution 4k: kling-3.0-turbo takes 720p or 1080p",
    ),
    (
        "text2video",
        None,
        {"prompt": "a", "aspect_ratio": "4:3"},
        "--aspect-ratio 4:3: kling-3.0-turbo takes 16:9, 9:16 or 1:1",
    ),
    (
        "text2video",
        "kling-v2-master",
        {"prompt": "a", "resolution": "1080p"},
        "--resolution 1080p: kling-v2-master always has 720p",
    ),
    ("text2video", None, {"prompt": 5}, "PROMPT 5: that is not a text"),
    (
        "text2video",
        None,
        {"prompt": "a", "duration": "5"},
        "--duration 5: that is not a whole number",
    ),
    (
        "text2video",
        None,
        {"prompt": "a", "duration": True},
        "--duration True: that is not a whole number",
    ),
    (
        "text2video",
        "kling-v1-6",
        {"prompt": "a", "cfg_scale": 1.5},
        "--cfg-scale 1.5: kling-v1-6 takes 0 to 1",
    ),
    (
        "image2video",
        None,
        {"prompt": "a", "image": "data:image/png;base64," + "A" * 99},
        (
            "IMAGE data:image/png;base64,AAAAAAAAAAAAAAAAAA…: "
            "that is not bare base64, without `data:` before it"
        ),
    ),
    (
        "image2video",
        "kling-3.0",
        {"prompt": "a", "image": FRAME, "elements": ("1", "2", "3", "4")},
        "--element: 4 of them; kling-3.0 takes at most 3",
    ),
    (
        "image2video",
        "kling-3.0",
        {"prompt": "a", "image": FRAME, "elements": "1"},
        "--element 1: that is not a list",
    ),
    (
        "image2video",
        "kling-3.0",
        {"prompt": "a", "image": FRAME, "elements": ("her=1", "hero=2")},
        "@her is part of @hero",
    ),
    (
        "image2video",
        "kling-3.0",
        {"image": FRAME, "negative_prompt": "a", "elements": ("x=hero",)},
        "--element x=hero: an id is a number, or NAME=NUMBER",
    ),
    (
        "text2video",
        "kling-2.6",
        {"prompt": "a", "sound": True},
        "--sound: Kling 2.6 makes sound at 1080p only",
    ),
    (
        "text2video",
        "kling-3.0",
        {"prompt": "a", "voices": ("83",)},
        "--voice: voices are heard only with sound",
    ),
    (
        "image2video",
        "kling-2.6",
        {"prompt": "a", "image": FRAME, "last_frame": FRAME},
        "--last-frame: this model takes a last frame at 1080p only",
    ),
    (
        "image2video",
        "kling-2.6",
        {
            "prompt": "a",
            "image": FRAME,
            "last_frame": FRAME,
            "sound": True,
            "resolution": "1080p",
        },
        "--last-frame: Kling 2.6 makes no sound between two frames",
    ),
    (
        "image2video",
        "kling-3.0",
        {
            "image": FRAME,
            "negative_prompt": "a",
            "elements": ("1",),
            "voices": ("2",),
            "sound": True,
        },
        "--element, --voice: elements and voices exclude each other",
    ),
    (
        "image2video",
        "kling-v1",
        {"image": FRAME, "last_frame": FRAME, "static_mask": FRAME},
        (
            "--last-frame, --static-mask: a last frame, motion brush masks and "
            "a camera move exclude one another"
        ),
    ),
    (
        "image2video",
        "kling-v1-5",
        {"image": FRAME, "static_mask": FRAME},
        "--static-mask: Kling 1.5 has the motion brush at 1080p only",
    ),
    (
        "image2video",
        "kling-v1",
        {"image": FRAME, "dynamic_masks": [MASK], "duration": 10},
        "--dynamic-masks: the motion brush works in videos of 5 s only",
    ),
    (
        "image2video",
        "kling-v1",
        {"image": FRAME, "dynamic_masks": [MASK] * 7},
        "--dynamic-masks: 7 of them; kling-v1 takes at most 6",
    ),
    (
        "image2video",
        "kling-v1",
        {"image": FRAME, "dynamic_masks": [{**MASK, "trajectories": [{"x": 1}]}]},
        "--dynamic-masks[0].trajectories: 1 of them; kling-v1 takes at least 2",
    ),
    (
        "image2video",
        "kling-v1",
        {"image": FRAME, "dynamic_masks": [{"mask": FRAME}]},
        "--dynamic-masks[0].trajectories: it is missing",
    ),
    (
        "text2video",
        "kling-v1",
        {"prompt": "a", "camera": {"type": "simple", "config": {"pan": 11}}},
        "--camera.config.pan 11: kling-v1 takes -10 to 10",
    ),
    (
        "text2video",
        "kling-v1",
        {"prompt": "a", "camera": {"type": "simple", "config": {"left": 1}}},
        (
            "--camera.config.left: that is not "
            "horizontal, vertical, pan, tilt, roll or zoom"
        ),
    ),
    (
        "text2video",
        "kling-v1",
        {"prompt": "a", "camera": {"type": "simple", "config": {"pan": 1, "roll": 2}}},
        (
            "--camera: the type simple needs a config with exactly one value "
            "that is not zero"
        ),
    ),
    (
        "text2video",
        "kling-v1",
        {"prompt": "a", "camera": {"type": "down_back", "config": {"pan": 1}}},
        "--camera: only the type simple takes a config",
    ),
    (
        "image2video",
        "kling-v1",
        {"image": FRAME, "dynamic_masks": ["x"]},
        "--dynamic-masks[0] x: that is not a JSON object",
    ),
    (
        "text2video",
        "kling-v1-6",
        {"prompt": "a", "cfg_scale": float("nan")},
        "--cfg-scale nan: kling-v1-6 takes 0 to 1",
    ),
    (
        "text2video",
        "kling-v1",
        {"prompt": "a", "camera": {"type": "simple", "config": {"pan": "1"}}},
        "--camera.config.pan 1: kling-v1 takes -10 to 10",
    ),
    (
        "text2video",
        "kling-v1",
        {"prompt": "a", "camera": {"type": "simple", "config": 5}},
        "--camera.config 5: that is not a JSON object",
    ),
    (
        "text2video",
        "kling-v1",
        {"prompt": "a", "camera": "simple"},
        "--camera simple: that is not a JSON object or list",
    ),
    (
        "text2video",
        "kling-v1",
        {"prompt": "a", "camera": SIMPLE, "duration": 10},
        "--camera: Kling 1.0 moves the camera in videos of 5 s at 720p only",
    ),
    (
        "text2video",
        None,
        {"prompt": "a", "shots": ("3:b",)},
        "PROMPT, --shot: the prompt would be ignored beside --shot",
    ),
    (
        "text2video",
        None,
        {"shots": ("10:a", "10:b")},
        "--shot: the duration comes to 20 s, and kling-3.0-turbo takes 3 to 15 s",
    ),
    (
        "text2video",
        None,
        {"prompt": "shot 1, 10, a; shot 2, 10, b"},
        "PROMPT: the duration comes to 20 s, and kling-3.0-turbo takes 3 to 15 s",
    ),
    ("text2video", None, {"shots": ("b",)}, "--shot: 'b' is not SECONDS:WORDS"),
    ("text2video", None, {"shots": ({},)}, "--shot: {} is not SECONDS:WORDS"),
    (
        "text2video",
        None,
        {"shots": ("1:a",) * 7},
        "--shot: 7 of them; kling-3.0-turbo takes at most 6",
    ),
    (
        "text2video",
        None,
        {"shots": ("2:a", "2:b"), "duration": 5},
        "--shot: the shots last 4 s together and the video 5 s",
    ),
    (
        "text2video",
        None,
        {"shots": ("0:a", "3:b")},
        "--shot: shot 1 is shorter than 1 s",
    ),
    (
        "text2video",
        None,
        {"shots": ("3:" + "a" * 513,)},
        "--shot: shot 1 has 513 characters; 1 to 512 are allowed",
    ),
    (
        "text2video",
        None,
        {"prompt": "shot 1, 3, ;"},
        "shot 1 has 0 characters; 1 to 512 are allowed",
    ),
    (
        "text2video",
        None,
        {"prompt": "shot 1, 2, a; shot 3, 3, b;"},
        "the shots are not numbered 1, 2, 3 and so on",
    ),
    (
        "text2video",
        None,
        {"prompt": " ".join(f"shot {n}, 1, a;" for n in range(1, 8))},
        "there are 7 shots; 6 is the most",
    ),
    (
        "text2video",
        "kling-3.0",
        {"prompt": "a", "shot_type": "intelligence"},
        "--shot-type: a shot type is for storyboards",
    ),
    (
        "text2video",
        "kling-3.0",
        {"prompt": "a", "multi_shot": True, "shot_type": "customize"},
        "--multi-shot: a storyboard needs its shots, or a model that cuts it",
    ),
    (
        "text2video",
        "kling-3.0",
        {"shots": ("3:a",), "multi_shot": False},
        "--shot: --shot is a storyboard cut by you",
    ),
]


@pytest.mark.parametrize(
    ("product", "model", "values", "message"),
    REFUSED,
    ids=[each[3] for each in REFUSED],
)
def test_values_the_reference_forbids_are_explained(
    planned: Planner,
    product: str,
    model: str | None,
    values: dict[str, Any],
    message: str,
) -> None:
    found = validation.find_problems(planned(product, model, values), values)

    assert message in [problem.message for problem in found]


def test_a_field_of_another_route_is_refused(planned: Planner) -> None:
    plan = planned("text2video", "kling-3.0", {})

    found = validation.find_problems(plan, {"prompt": "a", "negative_prompt": "b"})

    assert [each.message for each in found] == [
        "--negative-prompt: kling-3.0 does not take it"
    ]


def test_all_problems_are_named_at_once(planned: Planner) -> None:
    values = {"duration": 7, "sound": True}
    plan = planned("text2video", "kling-2.6", values)

    with pytest.raises(UsageError) as caught:
        validation.require_valid(validation.find_problems(plan, values))

    assert caught.value.message.count("; ") == 2
    assert "there is no prompt" in caught.value.message


def test_valid_values_have_no_problems_and_raise_nothing(planned: Planner) -> None:
    values = {"prompt": "a boat"}

    found = list(validation.find_problems(planned("text2video", None, values), values))

    assert found == []
    validation.require_valid(found)


def test_a_long_value_is_truncated_in_messages(planned: Planner) -> None:
    values = {"prompt": "a", "resolution": "x" * 1000}

    (problem,) = validation.find_problems(planned("text2video", None, values), values)

    assert len(problem.message) < 120


@pytest.mark.parametrize("wrong", ["8K", 9999, {}, True])
def test_every_model_refuses_values_outside_its_choices(wrong: object) -> None:
    for product in loader.all_products():
        for route in product.routes:
            for model in product.models:
                if route.name not in model.wire_ids:
                    continue
                plan = Plan(product=product, route=route, model=model)
                for name, limits in plan.limits.items():
                    if limits.choices or limits.minimum is not None:
                        found = validation.find_problems(plan, {name: wrong})

                        assert name in {each.field for each in found}


@pytest.mark.parametrize(
    ("product", "values", "message"),
    [
        (
            "motion-control",
            {"image": FRAME, "video": "d.mp4", "orientation": "video"},
            "VIDEO d.mp4: that is not the URL of a video; a local file cannot be sent",
        ),
        (
            "virtual-try-on",
            {"person": "me.png", "garment": "https://img.example.com/c.png"},
            "PERSON me.png: that is not a URL; a local file cannot be sent",
        ),
    ],
)
def test_a_local_file_where_a_url_is_needed_has_a_hint(
    planned: Planner, product: str, values: dict[str, Any], message: str
) -> None:
    (problem,) = validation.find_problems(planned(product, None, values), values)

    assert problem.message == message
    assert "https:// address" in (problem.hint or "")


def test_a_missing_choice_is_reported_with_its_choices(planned: Planner) -> None:
    values = {"image": FRAME, "video": "https://vid.example.com/a.mp4"}

    (found,) = validation.find_problems(planned("motion-control", None, values), values)

    assert found.message == "--orientation is missing"
    assert found.hint == "--orientation image or video"


def test_a_list_of_files_that_is_no_list_is_refused(planned: Planner) -> None:
    values = {"prompt": "p", "subjects": 5}

    found = validation.find_problems(planned("multi-image2image", None, values), values)

    assert "not a list" in found[0].message
