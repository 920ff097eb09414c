"""The shapes of the solutions' tasks. Source: API reference, sections 2.2 and 2.10."""

from __future__ import annotations

from msgspec.structs import replace

from kling_cli.catalogue.definition import loader
from kling_cli.catalogue.definition.schema import Plan
from kling_cli.sandbox.media.generation import MediaRequest, generate_outputs
from kling_cli.sandbox.routes.queries import is_in_collection
from kling_cli.sandbox.state.tasks import Outcome, SandboxTask, times_from
from kling_cli.sandbox.wire import TRY_ON, created_shape, new_shape

START = 1_793_000_000.0


def a_solution(path: str | None = None) -> SandboxTask:
    """Return a task of the drama subtitles, as if made at another path."""
    product = loader.load_product("drama-subtitle")
    route = product.routes[0]
    route = replace(route, create_path=path or route.create_path)
    wish = MediaRequest(
        path=route.create_path,
        output="video",
        label="9",
        body={},
        values={},
        new_id=lambda: "91",
    )
    return SandboxTask(
        id="9",
        plan=Plan(product=product, route=route, model=product.models[0]),
        times=times_from(START, 10),
        outcome=Outcome(),
        outputs=generate_outputs(wish),
        units=10,
    )


def test_the_try_on_answers_its_create_with_a_task_id() -> None:
    assert created_shape(a_solution(TRY_ON)) == {
        "task_id": "9",
        "status": "submitted",
        "create_time": 1793000000000,
        "update_time": 1793000000000,
    }


def test_the_other_solutions_answer_as_the_new_standard_does() -> None:
    shape = created_shape(a_solution())

    assert (shape["id"], shape["message"]) == ("9", "")


def test_outputs_of_solutions_have_no_id() -> None:
    shape = new_shape(a_solution(), START + 10, lambda _task, name: f"https://c/{name}")

    assert shape["outputs"] == [
        {"type": "subbed_video", "url": "https://c/video.mp4", "duration": "5.041"},
        {"type": "srt", "url": "https://c/subtitles.srt"},
        {"type": "ass", "url": "https://c/subtitles.ass"},
    ]
    assert shape["billing"][0]["amount"] == "10"


def test_tasks_and_solutions_are_found_apart() -> None:
    task = a_solution()

    assert is_in_collection(task, is_solutions=True)
    assert not is_in_collection(task, is_solutions=False)
