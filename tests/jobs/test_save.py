"""All that a task made, saved over a real socket."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from kling_cli.api.http import new_http
from kling_cli.api.task import Output, Task
from kling_cli.errors import NotSavedError
from kling_cli.jobs.events import Downloading, DownloadRetry, Saved
from kling_cli.jobs.save import Saver
from tests.jobs.files import CUT, FILM, film
from tests.jobs.made import SUCCEEDED, Told, a_task, an_entry
from tests.support.clock import FakeClock
from tests.support.wire_server import Reply, Visit, WireServer, page, says, wire_server

pytestmark = pytest.mark.anyio


@dataclass(slots=True)
class Saving:
    """A saver on stage; `newer` is what the API says when it is asked again."""

    wire: WireServer
    saver: Saver
    told: Told
    newer: list[Task | None] = field(default_factory=list)
    noted: list[tuple[str, ...]] = field(default_factory=list)

    def output(self, name: str, *, watermark: str | None = None) -> Output:
        base = self.wire.base_url
        marked = f"{base}/{watermark}" if watermark else None
        return Output(type="video", url=f"{base}/{name}", watermark_url=marked)

    def task(self, *names: str) -> Task:
        return a_task(status=SUCCEEDED, outputs=tuple(map(self.output, names)))


@asynccontextmanager
async def a_saver(
    folder: Path, *replies: Reply, **columns: Any
) -> AsyncIterator[Saving]:
    told, noted = Told(), list[tuple[str, ...]]()
    async with wire_server(*replies) as wire, new_http() as http:

        async def ask_again() -> Task | None:
            return stage.newer.pop(0) if stage.newer else None

        saver = Saver(
            http=http,
            clock=FakeClock(),
            tell=told,
            entry=an_entry(task_id="t1", **columns),
            folder=folder,
            ask_again=ask_again,
            note=noted.append,
        )
        stage = Saving(wire, saver, told, noted=noted)
        yield stage


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*") if path.is_file()}


async def test_a_sole_output_is_saved_under_its_task_s_id(tmp_path: Path) -> None:
    async with a_saver(tmp_path, film()) as stage:
        [saved] = await stage.saver.save(stage.task("v.mp4"))

    assert saved.path == tmp_path / "kling-t1.mp4"
    assert saved.path.read_bytes() == FILM
    assert saved.total_bytes == len(FILM)
    assert stage.told.of(Saved) == [
        Saved(task_id="t1", path=saved.path, total_bytes=len(FILM))
    ]


async def test_several_outputs_are_numbered(tmp_path: Path) -> None:
    async with a_saver(tmp_path, film()) as stage:
        saved = await stage.saver.save(stage.task("a.mp4", "b.png"))

    assert [one.path and one.path.name for one in saved] == [
        "kling-t1-1.mp4",
        "kling-t1-2.png",
    ]
    assert [one.path for one in stage.wire.seen] == ["/a.mp4", "/b.png"]


async def test_each_file_is_noted_as_soon_as_it_is_there(tmp_path: Path) -> None:
    async def all_but_b(visit: Visit) -> None:
        await (page(404) if visit.seen.path == "/b.mp4" else film())(visit)

    async with a_saver(tmp_path, all_but_b) as stage:
        with pytest.raises(NotSavedError):
            await stage.saver.save(stage.task("a.mp4", "b.mp4", "c.mp4"))

    first, third = (str(tmp_path / f"kling-t1-{n}.mp4") for n in (1, 3))
    assert stage.noted == [(first, "", ""), (first, "", ""), (first, "", third)]


async def test_what_was_saved_of_an_incomplete_job_is_not_saved_again(
    tmp_path: Path,
) -> None:
    there = tmp_path / "mine.mp4"
    there.write_bytes(b"there")
    gone = str(tmp_path / "gone.mp4")
    paths = (str(there), gone, "")

    async with a_saver(tmp_path, film(), paths=paths) as stage:
        saved = await stage.saver.save(stage.task("a.mp4", "b.mp4", "c.mp4"))

    assert [one.path and one.path.name for one in saved] == [
        "mine.mp4",
        "kling-t1-2.mp4",
        "kling-t1-3.mp4",
    ]
    assert saved[0].total_bytes == 5
    assert [one.path for one in stage.wire.seen] == ["/b.mp4", "/c.mp4"]
    assert stage.noted[0] == paths  # what was not reached yet stays as it was


async def test_a_job_that_was_wholly_saved_is_saved_anew(tmp_path: Path) -> None:
    there = tmp_path / "mine.mp4"
    there.write_bytes(b"there")

    async with a_saver(tmp_path, film(), paths=(str(there),)) as stage:
        [saved] = await stage.saver.save(stage.task("a.mp4"))

    assert saved.path == tmp_path / "kling-t1.mp4"


async def test_several_outputs_under_one_name_do_not_replace_each_other(
    tmp_path: Path,
) -> None:
    async with a_saver(
        tmp_path, film(FILM), film(FILM[:CUT]), output="v.{ext}", is_forced=True
    ) as stage:
        saved = await stage.saver.save(stage.task("a.mp4", "b.mp4"))

    assert [one.path and one.path.read_bytes() for one in saved] == [
        FILM,
        FILM[:CUT],
    ]


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        pytest.param(None, {"kling-t1.mp4", "kling-t1-watermark.mp4"}, id="default"),
        pytest.param("v.mp4", {"v.mp4", "v-watermark.mp4"}, id="a file"),
        pytest.param("{kind}.mp4", {"video.mp4", "watermark.mp4"}, id="a field for it"),
    ],
)
async def test_a_watermarked_copy_is_saved_beside_when_it_was_asked_for(
    tmp_path: Path, output: str | None, expected: set[str]
) -> None:
    async with a_saver(tmp_path, film(), output=output, has_watermark=True) as stage:
        both = stage.output("v.mp4", watermark="w.mp4")
        saved = await stage.saver.save(a_task(status=SUCCEEDED, outputs=(both,)))

    assert names(tmp_path) == expected
    assert [one.output for one in saved] == [both, both]
    assert [one.path for one in stage.wire.seen] == ["/v.mp4", "/w.mp4"]


async def test_a_watermarked_copy_nobody_asked_for_is_not_fetched(
    tmp_path: Path,
) -> None:
    async with a_saver(tmp_path, film()) as stage:
        both = stage.output("v.mp4", watermark="w.mp4")
        await stage.saver.save(a_task(status=SUCCEEDED, outputs=(both,)))

    assert names(tmp_path) == {"kling-t1.mp4"}


async def test_a_template_is_filled_from_the_job(tmp_path: Path) -> None:
    template = "{date}/{product}-{model}-{external_id}-{index}.{ext}"

    async with a_saver(tmp_path, film(), output=template) as stage:
        [saved] = await stage.saver.save(stage.task("v.mov"))

    expected = "2026-10-04/text2video-kling-3.0-turbo-e1-1.mov"
    assert saved.path == tmp_path / expected


async def test_a_model_nobody_knows_has_a_name_all_the_same(tmp_path: Path) -> None:
    async with a_saver(tmp_path, film(), output="{model}", model=None) as stage:
        [saved] = await stage.saver.save(stage.task("v.mp4"))

    assert saved.path == tmp_path / "model"


async def test_one_file_that_fails_leaves_the_others_saved(tmp_path: Path) -> None:
    replies = [film(), *[page(200)] * 4, film()]

    async with a_saver(tmp_path, *replies) as stage:
        with pytest.raises(NotSavedError) as caught:
            await stage.saver.save(stage.task("a.mp4", "b.mp4", "c.mp4"))

    assert [one.path and one.path.name for one in stage.saver.saved] == [
        "kling-t1-1.mp4",
        None,
        "kling-t1-3.mp4",
    ]
    assert "kling download t1" in (caught.value.hint or "")
    assert f"{stage.wire.base_url}/b.mp4" in (caught.value.hint or "")


async def test_a_task_without_outputs_is_asked_for_once_more(tmp_path: Path) -> None:
    async with a_saver(tmp_path, film()) as stage:
        stage.newer.append(stage.task("v.mp4"))

        await stage.saver.save(stage.task())

    assert names(tmp_path) == {"kling-t1.mp4"}


@pytest.mark.parametrize("outputs", [(), (Output(type="video"),)])
async def test_a_task_that_made_nothing_is_an_error_and_no_endless_polling(
    tmp_path: Path, outputs: tuple[Output, ...]
) -> None:
    task = a_task(status=SUCCEEDED, outputs=outputs)

    async with a_saver(tmp_path, film()) as stage:
        stage.newer.append(task)
        with pytest.raises(NotSavedError, match="lists no files") as caught:
            await stage.saver.save(task)

    assert caught.value.hint == "ask again later: kling download t1"
    assert stage.newer == []


async def test_an_output_without_a_link_is_no_file(tmp_path: Path) -> None:
    async with a_saver(tmp_path, film()) as stage:
        outputs = (Output(type="element"), stage.output("v.mp4"))
        saved = await stage.saver.save(a_task(status=SUCCEEDED, outputs=outputs))

    assert [one.path and one.path.name for one in saved] == ["kling-t1-2.mp4"]


@pytest.mark.parametrize("is_watermark", [False, True])
async def test_an_expired_link_is_replaced_by_the_same_file_s_new_one(
    tmp_path: Path, *, is_watermark: bool
) -> None:
    expired = [film()] * is_watermark + [says(403, b"")]

    async with a_saver(tmp_path, *expired, film(), has_watermark=is_watermark) as stage:
        old = stage.output("v.mp4", watermark="w.mp4")
        new = stage.output("v-new.mp4", watermark="w-new.mp4")
        stage.newer.append(a_task(status=SUCCEEDED, outputs=(new,)))
        await stage.saver.save(a_task(status=SUCCEEDED, outputs=(old,)))

    last = stage.wire.seen[-1].path
    assert last == ("/w-new.mp4" if is_watermark else "/v-new.mp4")


@pytest.mark.parametrize(
    "newer",
    [
        pytest.param([], id="the API does not answer"),
        pytest.param([a_task(status=SUCCEEDED)], id="it lists the file no more"),
    ],
)
async def test_a_link_that_cannot_be_renewed_is_tried_again(
    tmp_path: Path, newer: list[Task | None]
) -> None:
    async with a_saver(tmp_path, says(403, b""), film()) as stage:
        stage.newer += newer
        await stage.saver.save(stage.task("v.mp4"))

    assert [one.path for one in stage.wire.seen] == ["/v.mp4", "/v.mp4"]


async def test_progress_is_told_in_steps_and_at_the_end(tmp_path: Path) -> None:
    async with a_saver(tmp_path, film(FILM * 4)) as stage:
        await stage.saver.save(stage.task("v.mp4"))

    done = [one.done_bytes for one in stage.told.of(Downloading)]
    assert done[-1] == 400_000
    assert 2 <= len(done) <= 400_000 // 65_536 + 2
    assert {one.name for one in stage.told.of(Downloading)} == {"kling-t1.mp4"}


async def test_a_break_is_told_with_its_reason(tmp_path: Path) -> None:
    async with a_saver(tmp_path, film(stop_at=CUT), film()) as stage:
        await stage.saver.save(stage.task("v.mp4"))

    [retry] = stage.told.of(DownloadRetry)
    assert (retry.name, retry.retry_s) == ("kling-t1.mp4", 0.25)
    assert retry.reason


async def test_hostile_names_stay_in_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "here"
    evil = "../../\x00\x1b[2J/etc/passwd"

    async with a_saver(folder, film(), output="{task_id}-{kind}") as stage:
        output = Output(type=evil, url=stage.output("../x.sh").url)
        [saved] = await stage.saver.save(a_task(evil, SUCCEEDED, outputs=(output,)))

    assert saved.path is not None
    assert names(tmp_path) == names(folder) == {saved.path.name}


async def test_what_has_an_id_and_no_file_is_no_failure(tmp_path: Path) -> None:
    """An element is used by its id; asking again would bring no file either."""
    element = Output(type="element", id="32")
    async with a_saver(tmp_path, page(404)) as stage:
        saved = await stage.saver.save(a_task(status=SUCCEEDED, outputs=(element,)))

    assert [(one.output, one.path) for one in saved] == [(element, None)]
    assert stage.wire.seen == []
