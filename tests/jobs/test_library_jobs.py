"""Voices and elements are jobs: recorded, submitted once, finished later."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kling_cli.api.tasks import TaskStatus
from kling_cli.errors import UsageError
from kling_cli.jobs.order import Order
from kling_cli.store.records import Stage
from tests.jobs.environment import an_order, job_environment
from tests.support import images

pytestmark = pytest.mark.anyio

VOICE = {"voice_name": "Ann", "voice_url": "https://snd.example.com/ann.mp3"}


def a_voice(external_id: str = "ann") -> Order:
    return Order(product="custom-voice", values=VOICE, external_id=external_id)


def an_element(folder: Path, **values: Any) -> Order:
    for name in ("front.png", "side.png"):
        (folder / name).write_bytes(images.png(512, 512, n_bytes=9000))
    pictures = {
        "frontal": str(folder / "front.png"),
        "refer_images": (str(folder / "side.png"),),
    }
    said = {"element_name": "Hero", "description": "red coat", **pictures, **values}
    return Order(product="custom-element", values=said, external_id="hero")


@pytest.mark.parametrize("is_pair", [False, True], ids=["API key", "key pair"])
async def test_a_voice_is_made_and_its_id_is_the_result(
    tmp_path: Path, *, is_pair: bool
) -> None:
    async with job_environment(tmp_path) as env:
        if is_pair:
            env.use_key_pair()
        made = await env.generate(a_voice(), is_downloading=False)

    (one,) = made.outputs
    assert (made.status, made.error) == (TaskStatus.SUCCEEDED, None)
    assert (one.output.type, one.path) == ("voice", None)
    assert (one.output.id or "").isdecimal()
    assert made.units == 0.05


async def test_the_sample_of_a_voice_is_saved_where_it_was_wanted(
    tmp_path: Path,
) -> None:
    async with job_environment(tmp_path) as env:
        made = await env.generate(a_voice(), output="ann.mp3")

    assert made.error is None
    assert env.saved == {"ann.mp3"}


async def test_an_element_is_made_of_local_pictures(tmp_path: Path) -> None:
    async with job_environment(tmp_path) as env:
        made = await env.generate(an_element(tmp_path, tags=("character",)))
        record = env.record("hero")

    assert (made.status, made.error) == (TaskStatus.SUCCEEDED, None)
    assert [one.output.type for one in made.outputs] == ["element"]
    assert env.saved == set()
    assert record.stage is Stage.SUCCEEDED
    assert "sha256:" in record.request  # and not the pictures


async def test_a_text_file_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    (tmp_path / "words.png").write_text("no picture")
    async with job_environment(tmp_path) as env:
        with pytest.raises(UsageError, match="--frontal"):
            await env.generate(
                an_element(tmp_path, frontal=str(tmp_path / "words.png"))
            )

    assert env.counts.get("create", 0) == 0


async def test_a_job_that_was_not_waited_for_is_finished_with_its_own_options(
    tmp_path: Path,
) -> None:
    async with job_environment(tmp_path) as env:
        left = await env.submit(order=a_voice(), is_downloading=False)
        [done] = await env.wait()

    assert left.resume == f"kling wait {left.task_id}"
    assert (done.task_id, done.error) == (left.task_id, None)
    assert [one.output.type for one in done.outputs] == ["voice"]
    assert env.saved == set()
    assert env.counts["create"] == 1


async def test_a_lost_answer_makes_no_second_voice(tmp_path: Path) -> None:
    async with job_environment(tmp_path, "create:accept-503") as env:
        made = await env.generate(a_voice(), is_downloading=False)

        assert made.error is None
        assert len([*env.sandbox.state.tasks]) == 1


async def test_a_name_that_is_taken_makes_nothing(tmp_path: Path) -> None:
    async with job_environment(tmp_path) as env:
        await env.submit(order=an_order("ann"))
        with pytest.raises(UsageError, match="ann"):
            await env.generate(a_voice("ann"))

        assert len([*env.sandbox.state.tasks]) == 1
