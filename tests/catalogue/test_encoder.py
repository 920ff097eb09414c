"""Bodies of create calls. Source of the examples: API reference, 2.4 and 2.6."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings

from kling_cli.catalogue import decoder, server_validation, validation
from kling_cli.catalogue.definition.schema import Plan
from kling_cli.catalogue.values import completed_values
from kling_cli.errors import UsageError
from tests.catalogue.conftest import Planner
from tests.catalogue.strategies import FRAME, FRAME_BASE64, jobs
from tests.support.encoding import encode_body


def as_bytes(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, ensure_ascii=False).encode()


def as_links(value: Any) -> Any:
    """Return the value with links in mapping of what only looks like a file."""
    if isinstance(value, tuple):
        return tuple(as_links(each) for each in value)
    return FRAME if value == FRAME_BASE64 else value


def build(plan: Plan, values: dict[str, Any], **extra: Any) -> dict[str, Any]:
    return encode_body(
        plan, values, external_id="job-0001", callback_url=None, extra=extra
    )


def test_documented_requests_are_encoded_from_values(
    planned: Planner, documented: dict[str, Any]
) -> None:
    values = documented["values"]
    plan = planned(
        documented["product"], documented["model"], values, documented["credentials"]
    )

    made = encode_body(
        plan,
        values,
        external_id="job-0001",
        callback_url=documented.get("callback_url"),
        extra={},
    )

    assert validation.find_problems(plan, values) == ()
    assert plan.create_path == documented["path"]
    assert as_bytes(made) == as_bytes(documented["body"])


def test_a_storyboard_is_prompt_text_in_the_new_standard(planned: Planner) -> None:
    values = {"shots": ("2:a harbour at dawn", "3:a fisherman")}
    plan = planned("text2video", "kling-3.0-turbo", values)

    made = build(plan, values)

    assert made["prompt"] == "shot 1, 2, a harbour at dawn; shot 2, 3, a fisherman;"
    assert made["settings"] == {"duration": 5}


def test_a_storyboard_is_a_list_in_legacy_bodies(planned: Planner) -> None:
    values = {"image": FRAME, "shots": ("2:a harbour", "3:a fisherman")}
    plan = planned("image2video", "kling-v3", values, "key_pair")

    made = build(plan, values)

    assert made == {
        "model_name": "kling-v3",
        "image": FRAME,
        "multi_shot": True,
        "shot_type": "customize",
        "multi_prompt": [
            {"index": 1, "prompt": "a harbour", "duration": "2"},
            {"index": 2, "prompt": "a fisherman", "duration": "3"},
        ],
        "duration": "5",
        "external_task_id": "job-0001",
    }


def test_shots_spelled_out_in_a_prompt_become_a_list_in_legacy_bodies(
    planned: Planner,
) -> None:
    values = {"prompt": "shot 2, 3, b; shot 1, 4, a;"}
    plan = planned("text2video", "kling-v3", values, "key_pair")

    made = build(plan, values)

    assert made["duration"] == "7"
    assert [each["prompt"] for each in made["multi_prompt"]] == ["a", "b"]
    assert "prompt" not in made


def test_a_prompt_that_is_not_to_be_parsed_as_shots_stays_whole(
    planned: Planner,
) -> None:
    values = {"prompt": "shot 1, 3, a;", "multi_shot": False}
    plan = planned("text2video", "kling-v3", values, "key_pair")

    made = build(plan, values)

    assert made["prompt"] == "shot 1, 3, a;"
    assert "duration" not in made


def test_handles_stay_in_the_new_standard(planned: Planner) -> None:
    values = {
        "image": FRAME,
        "prompt": "@hero meets @element_2",
        "elements": ("hero=11", "12"),
    }
    plan = planned("image2video", "kling-3.0", values)

    made = build(plan, values)

    assert made["contents"][0]["text"] == "@hero meets @element_2"
    assert made["contents"][2:] == [
        {"type": "element", "element_id": "11", "id": "hero"},
        {"type": "element", "element_id": "12", "id": "element_2"},
    ]


def test_handles_become_positions_in_legacy_bodies(planned: Planner) -> None:
    values = {
        "image": FRAME,
        "prompt": "@hero走 meets @element_2, mail me@hero.example",
        "elements": ("hero=11", "9007199254740993"),
    }
    plan = planned("image2video", "kling-v3", values, "key_pair")

    made = build(plan, values)

    assert made["prompt"] == (
        "<<<element_1>>>走 meets <<<element_2>>>, mail me<<<element_1>>>.example"
    )
    assert made["element_list"] == [
        {"element_id": 11},
        {"element_id": 9007199254740993},
    ]


def test_positions_become_handles_in_the_new_standard(planned: Planner) -> None:
    values = {
        "image": FRAME,
        "prompt": "<<<voice_1>>> and <<<voice_7>>>",
        "voices": ("v=83",),
        "sound": True,
        "resolution": "1080p",
    }
    plan = planned("image2video", "kling-2.6", values)

    made = build(plan, values)

    assert made["contents"][0]["text"] == "@v and <<<voice_7>>>"


def test_a_fixed_value_that_is_given_is_not_sent(planned: Planner) -> None:
    values = {"prompt": "a boat", "sound": True}
    plan = planned("text2video", "kling-3.0-turbo", values)

    made = build(plan, values)

    assert made == {"prompt": "a boat", "options": {"external_task_id": "job-0001"}}


def test_extra_fields_win_and_reach_into_lists(planned: Planner) -> None:
    values = {"image": FRAME, "prompt": "a", "duration": 5}
    plan = planned("image2video", None, values)

    made = build(
        plan,
        values,
        **{"settings.duration": 7, "settings.new.deep": [1], "contents.0.text": "b"},
    )

    assert made["settings"] == {"duration": 7, "new": {"deep": [1]}}
    assert made["contents"][0] == {"type": "prompt", "text": "b"}


def test_extra_fields_cannot_lead_through_a_value(planned: Planner) -> None:
    plan = planned("text2video", None, {"prompt": "a"})

    with pytest.raises(UsageError, match=r"prompt\.text"):
        build(plan, {"prompt": "a"}, **{"prompt.text": 1})


# ---- For every product, route and model: build, read, build gives the same body


@given(jobs())
def test_a_decoded_body_encodes_to_the_same_body(
    job: tuple[Plan, dict[str, Any]],
) -> None:
    plan, values = job
    made = build(plan, values)

    found, problems = decoder.decode_body(plan.product, plan.route, plan.model, made)

    assert problems == ()
    assert build(plan, found) == made


@given(jobs())
def test_values_without_handles_or_shots_survive_a_round_trip(
    job: tuple[Plan, dict[str, Any]],
) -> None:
    plan, values = job
    kept = {
        name: value
        for name, value in values.items()
        if not plan.product.field(name).has_handle and name != "shots"
    }
    assume(not {"result_type", "series_amount"} <= kept.keys())
    assume(not {"sound", "keep_sound"} <= kept.keys())  # one setting for both

    found, _ = decoder.decode_body(
        plan.product, plan.route, plan.model, build(plan, kept)
    )

    assert found == completed_values(plan, kept)


@settings(suppress_health_check=[HealthCheck.filter_too_much])  # rules refuse many
@given(jobs())
def test_valid_values_encode_to_a_valid_body(
    job: tuple[Plan, dict[str, Any]],
) -> None:
    plan, values = job
    values = {**values, **({"image": FRAME} if "image" in plan.limits else {})}
    values = {name: as_links(value) for name, value in values.items()}
    assume(validation.find_problems(plan, values) == ())

    assert server_validation.validate_body(plan, build(plan, values)) == ()
