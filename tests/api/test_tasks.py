"""What the API says about a task, in any generation, age and state of repair."""

from __future__ import annotations

import contextlib
import json
import math
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, strategies as st

from kling_cli.api.json_values import parse_json
from kling_cli.api.tasks import (
    Output,
    Task,
    TaskStatus,
    page_from_wire,
    result_from_wire,
    task_from_wire,
    tasks_from_wire,
)
from kling_cli.errors import UnreachableError

CREATED = datetime(2026, 10, 26, 7, 33, 20, tzinfo=UTC)  # 1793000000000 ms
NEW = {
    "id": "930000000000000001",
    "status": "succeeded",
    "message": "",
    "create_time": 1793000000000,
    "update_time": 1793000041000,
    "external_id": "job-0001",
    "outputs": [
        {
            "type": "video",
            "id": "930000000000000101",
            "url": "https://cdn.example.com/v.mp4?Expires=1",
            "watermark_url": "https://cdn.example.com/w.mp4",
            "duration": "5.041",
        }
    ],
    "billing": [{"charge_type": "unit", "amount": "4", "package_type": "video"}],
}
LEGACY = {
    "task_id": "880000000000000001",
    "task_status": "succeed",
    "task_status_msg": "",
    "task_info": {"external_task_id": "job-0001"},
    "task_result": {
        "videos": [
            {"id": "9", "url": "https://cdn.example.com/v.mp4", "duration": "5.041"}
        ]
    },
    "final_unit_deduction": "3",
    "final_balance_deduction": {"quota": "0", "list_price": "0"},
    "created_at": 1793000000000,
    "updated_at": 1793000041000,
}


def test_a_new_task_is_parsed_completely() -> None:
    assert task_from_wire(NEW, request_id="r") == Task(
        id="930000000000000001",
        status=TaskStatus.SUCCEEDED,
        external_id="job-0001",
        created_at=CREATED,
        updated_at=CREATED.replace(minute=34, second=1),
        outputs=(
            Output(
                type="video",
                id="930000000000000101",
                url="https://cdn.example.com/v.mp4?Expires=1",
                watermark_url="https://cdn.example.com/w.mp4",
                duration_s=5.041,
            ),
        ),
        units=4.0,
        request_id="r",
    )


def test_a_legacy_task_is_parsed_completely() -> None:
    assert task_from_wire(LEGACY) == Task(
        id="880000000000000001",
        status=TaskStatus.SUCCEEDED,
        external_id="job-0001",
        created_at=CREATED,
        updated_at=CREATED.replace(minute=34, second=1),
        outputs=(
            Output(
                type="video",
                id="9",
                url="https://cdn.example.com/v.mp4",
                duration_s=5.041,
            ),
        ),
        units=3.0,
    )


def test_the_short_form_is_parsed_too() -> None:
    short = {"task_id": "1", "status": "SUCCEED", "result": {"videos": [{"url": "u"}]}}

    task = task_from_wire(short)

    assert (task.status, task.outputs[0].url) == (TaskStatus.SUCCEEDED, "u")


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("submitted", TaskStatus.SUBMITTED),
        ("PROCESSING", TaskStatus.PROCESSING),
        (" Succeed ", TaskStatus.SUCCEEDED),
        ("succeeded", TaskStatus.SUCCEEDED),
        ("Failed", TaskStatus.FAILED),
        ("rendering", TaskStatus.UNKNOWN),
        ("", TaskStatus.UNKNOWN),
        (None, TaskStatus.UNKNOWN),
        (7, TaskStatus.UNKNOWN),
    ],
)
def test_status_words_are_parsed_in_any_case(word: Any, status: TaskStatus) -> None:
    assert task_from_wire({"id": "1", "status": word}).status is status
    assert task_from_wire({"task_id": "1", "task_status": word}).status is status


def test_the_reason_of_a_failure_is_the_tasks_own() -> None:
    new = {"id": "1", "status": "failed", "message": "risk control"}
    legacy = {"task_id": "1", "task_status": "failed", "task_status_msg": "no pixels"}

    assert task_from_wire(new).message == "risk control"
    assert task_from_wire(legacy | {"message": ""}).message == "no pixels"


@pytest.mark.parametrize(
    ("data", "units"),
    [
        ({"billing": [{"amount": "1.5"}, {"amount": 2}]}, 3.5),
        ({"billing": [{"charge_type": "cash", "amount": "9"}]}, None),
        ({"billing": [{"charge_type": "unit", "amount": "0"}]}, 0.0),
        ({"billing": [{"charge_type": "unit", "amount": "nan"}]}, None),
        ({"billing": "free"}, None),
        ({"final_unit_deduction": ""}, None),
        ({}, None),
    ],
)
def test_units_are_the_charges_in_units(
    data: dict[str, Any], units: float | None
) -> None:
    assert task_from_wire({"id": "1", **data}).units == units


@pytest.mark.parametrize(
    ("result", "types"),
    [
        ({"images": [{"index": 0, "url": "u"}], "series_images": [{}]}, ["image"] * 2),
        ({"audios": [{"url_mp3": "u", "duration_mp3": "3"}]}, ["audio"]),
        ({"voices": [{"voice_id": "v"}], "elements": [{"element_id": 7}]}, None),
        ({"videos": None}, []),
    ],
)
def test_every_kind_of_legacy_result_is_an_output(
    result: dict[str, Any], types: list[str] | None
) -> None:
    outputs = task_from_wire({"task_id": "1", "task_result": result}).outputs

    assert [output.type for output in outputs] == (
        types or ["voice", "element"][: len(outputs)]
    )


def test_new_audio_outputs_give_their_mp3() -> None:
    sound = {"type": "audio", "mp3_url": "m", "wav_url": "w", "mp3_duration": "2.5"}

    (output,) = task_from_wire({"id": "1", "outputs": [sound]}).outputs

    assert (output.url, output.duration_s) == ("m", 2.5)


def test_ids_that_are_numbers_are_texts() -> None:
    assert task_from_wire({"id": 930000000000000001}).id == "930000000000000001"


def test_times_in_seconds_are_parsed() -> None:
    assert task_from_wire({"id": "1", "create_time": 1793000000}).created_at == CREATED
    assert (
        task_from_wire({"id": "1", "created_at": "1793000000000"}).created_at == CREATED
    )


@pytest.mark.parametrize("odd", [-1, 0, "soon", 1e300, True, [], 10**400, "nan"])
def test_invalid_times_are_left_out(odd: Any) -> None:
    assert task_from_wire({"id": "1", "create_time": odd}).created_at is None


def test_texts_can_always_be_encoded() -> None:
    task = task_from_wire({"id": "1", "message": "\ud800 bad"})

    assert (task.message or "").encode() == b"? bad"


@pytest.mark.parametrize("data", [None, [], "x", 5, {}, {"id": ""}, {"id": None}])
def test_a_response_without_a_task_is_an_error(data: Any) -> None:
    with pytest.raises(UnreachableError, match="names no task"):
        task_from_wire(data)


def test_entries_of_a_list_that_are_no_tasks_are_left_out() -> None:
    tasks = tasks_from_wire([None, {}, {"id": "a"}, {"task_id": "b"}, "c"])

    assert [task.id for task in tasks] == ["a", "b"]


@pytest.mark.parametrize("data", [None, {}, "[]", 3])
def test_a_missing_list_is_an_error(data: Any) -> None:
    with pytest.raises(UnreachableError, match="no list"):
        tasks_from_wire(data)


def test_a_page_without_a_cursor_is_the_last() -> None:
    page = page_from_wire({"result": [], "count": 0, "has_more": False})

    assert (page.tasks, page.next_cursor, page.has_more) == ((), None, False)


KEYS = st.sampled_from(sorted({*NEW, *LEGACY, "result", "videos", "amount", "type"}))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(KEYS | st.text(), inner, max_size=6)
    ),
    max_leaves=30,
)


@given(JSON)
def test_any_json_is_tasks_with_ids_or_one_kind_of_error(data: Any) -> None:
    found = []
    with contextlib.suppress(UnreachableError):
        found.append(task_from_wire(data))
    with contextlib.suppress(UnreachableError):
        found += tasks_from_wire(data)
    with contextlib.suppress(UnreachableError):
        found += page_from_wire(data).tasks

    assert all(task.id for task in found)


@given(st.dictionaries(KEYS, JSON))
def test_a_task_with_an_id_is_always_parsed(data: dict[str, Any]) -> None:
    task = task_from_wire(data | {"id": "t"})

    assert task.id == "t"
    assert task.units is None or math.isfinite(task.units)
    json.dumps([task.message, task.external_id], ensure_ascii=False).encode()


@given(st.binary())
def test_any_bytes_are_json_or_one_kind_of_error(raw: bytes) -> None:
    try:
        found = parse_json(raw)
    except ValueError:
        return

    assert repr(found) == repr(json.loads(raw))  # NaN is not equal to itself


def test_json_that_is_nested_too_deeply_is_the_same_kind_of_error() -> None:
    with pytest.raises(ValueError, match="nested too deeply"):
        parse_json(b"[" * 100_000)


def test_further_views_of_a_subject_are_images_of_their_own() -> None:
    views = {"index": 0, "url_1": "https://a/1", "url_2": "https://a/2", "url_3": ""}

    task = task_from_wire({"task_id": "t", "task_result": {"images": [views]}})

    assert [(each.type, each.url) for each in task.outputs] == [
        ("image", "https://a/1"),
        ("image", "https://a/2"),
    ]


def test_a_part_that_an_image_does_not_contain_is_no_output() -> None:
    parts = [
        {"type": "head_seg", "is_contain": True, "url": "https://a/h"},
        {"type": "cloth_seg", "is_contain": False, "url": ""},
    ]

    task = task_from_wire({"task_id": "t", "task_result": {"images": parts}})

    assert [each.url for each in task.outputs] == ["https://a/h"]


def test_the_url_of_a_legacy_voice_is_its_trial_url() -> None:
    voice = {"voice_id": "83", "voice_name": "Ann", "trial_url": "https://cdn/v.mp3"}

    task = task_from_wire({**LEGACY, "task_result": {"voices": [voice]}})

    assert task.outputs == (Output(type="voice", id="83", url="https://cdn/v.mp3"),)


def test_a_result_without_a_task_has_the_id_of_its_request() -> None:
    image = {"type": "head_seg", "is_contain": True, "url": "https://a/h"}
    data = {"task_result": {"images": [image]}, "final_unit_deduction": "0.1"}

    task = result_from_wire(data, request_id="r-1")

    assert (task.id, task.status, task.units) == ("r-1", TaskStatus.SUCCEEDED, 0.1)
    assert [each.url for each in task.outputs] == ["https://a/h"]


def test_a_result_with_a_task_id_keeps_it() -> None:
    task = result_from_wire({"task_id": "t", "task_result": {}}, request_id="r-1")

    assert task.id == "t"
