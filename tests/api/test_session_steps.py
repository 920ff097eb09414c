"""What steps answer, as our tasks. Source: API reference, section 2.6."""

from __future__ import annotations

from typing import Any

import pytest

from kling_cli.api.tasks import Output, TaskStatus, result_from_wire

SESSION = {"session_id": "880000000000000401", "final_unit_deduction": "0.05"}
FACE = {
    "face_id": "0",
    "face_image": "https://cdn.example.com/f0.png",
    "start_time": 200,
    "end_time": 5200,
}


def read(**more: Any) -> Any:
    return result_from_wire({**SESSION, **more}, request_id="r-1")


def test_faces_are_outputs_of_a_task_with_the_id_of_the_session() -> None:
    task = read(face_data=[FACE])

    assert (task.id, task.status, task.units) == (
        "880000000000000401",
        TaskStatus.SUCCEEDED,
        0.05,
    )
    assert task.outputs == (
        Output(
            type="face",
            id="0",
            url="https://cdn.example.com/f0.png",
            duration_s=5.0,
            facts={"start_s": 0.2},
        ),
    )


def test_a_face_without_times_is_an_output() -> None:
    (face,) = read(face_data=[{"face_id": 3}, "junk"]).outputs

    assert (face.id, face.duration_s, face.facts) == ("3", None, {"start_s": 0.0})


def test_an_opened_session_has_the_facts_of_the_video() -> None:
    (video,) = read(
        status=0,
        fps=30.0,
        original_duration=5000,
        width=1280,
        height=720,
        total_frame=150,
        normalized_video="https://cdn.example.com/n.mp4",
    ).outputs

    assert (video.type, video.url, video.duration_s) == (
        "video",
        "https://cdn.example.com/n.mp4",
        5.0,
    )
    assert video.facts == {"fps": 30.0, "width": 1280, "height": 720, "frames": 150}


def test_masks_and_previews_are_outputs() -> None:
    marked = read(res={"frame_index": 3, "rle_mask_list": [{"object_id": 0}]})
    shown = read(
        res={
            "video": "https://a/p.mp4",
            "video_cover": "https://a/p.png",
            "tracking_output": "https://a/t.json",
        }
    )

    assert [(one.type, one.id) for one in marked.outputs] == [("mask", "0")]
    assert [(one.type, one.url) for one in shown.outputs] == [
        ("video", "https://a/p.mp4"),
        ("image", "https://a/p.png"),
        ("tracking", "https://a/t.json"),
    ]


@pytest.mark.parametrize("status", [1, "2", -1])
def test_a_status_other_than_0_is_a_failure(status: Any) -> None:
    task = read(status=status)

    assert task.status is TaskStatus.FAILED
    assert task.message == f"nothing was recognised (status {status})"
