"""The outputs of a task, saved over a real socket."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from kling_cli.api.http import new_http
from kling_cli.api.tasks import Output, Task
from kling_cli.errors import NotSavedError
from kling_cli.jobs.events import Downloading, DownloadRetry, Saved
from kling_cli.jobs.outputs.saver import Saver
from tests.jobs.factories import SUCCEEDED, EventLog, a_record, a_task
from tests.jobs.file_server import CONTENT, CUT, serve_file
from tests.support.clock import FakeClock
from tests.support.wire_server import Reply, Visit, WireServer, page, says, wire_server

pytestmark = pytest.mark.anyio


@dataclass(slots=True)
class SaverScenario:
    """A saver; `newer` are the tasks that further queries return."""

    wire: WireServer
    saver: Saver
    event_log: EventLog
    newer: list[Task | None] = field(default_factory=list)
    noted: list[tuple[str, ...]] = field(default_factory=list)

    def output(self, name: str, *, watermark: str | None = None) -> Output:
        base = self.wire.base_url
        marked = f"{base}/{watermark}" if watermark else None
        return Output(type="video", url=f"{base}/{name}", watermark_url=marked)

    def task(self, *names: str) -> Task:
        return a_task(status=SUCCEEDED, outputs=tuple(map(self.output, names)))


@asynccontextmanager
async def saver_scenario(
    folder: Path, *replies: Reply, **columns: Any
) -> AsyncIterator[SaverScenario]:
    event_log, noted = EventLog(), list[tuple[str, ...]]()
    async with wire_server(*replies) as wire, new_http() as http:

        async def query_again() -> Task | None:
            return scenario.newer.pop(0) if scenario.newer else None

        saver = Saver(
            http=http,
            clock=FakeClock(),
            emit=event_log,
            record=a_record(task_id="t1", **columns),
            folder=folder,
            query_again=query_again,
            on_saved=noted.append,
        )
        scenario = SaverScenario(wire, saver, event_log, noted=noted)
        yield scenario


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*") if path.is_file()}


async def test_a_sole_output_is_saved_under_its_task_s_id(tmp_path: Path) -> None:
    async with saver_scenario(tmp_path, serve_file()) as scenario:
        [saved] = await scenario.saver.save(scenario.task("v.mp4"))

    assert saved.path == tmp_path / "kling-t1.mp4"
    assert saved.path.read_bytes() == CONTENT
    assert saved.total_bytes == len(CONTENT)
    assert scenario.event_log.of(Saved) == [
        Saved(task_id="t1", path=saved.path, total_bytes=len(CONTENT))
    ]


async def test_several_outputs_are_numbered(tmp_path: Path) -> None:
    async with saver_scenario(tmp_path, serve_file()) as scenario:
        saved = await scenario.saver.save(scenario.task("a.mp4", "b.png"))

    assert [one.path and one.path.name for one in saved] == [
        "kling-t1-1.mp4",
        "kling-t1-2.png",
    ]
    assert [one.path for one in scenario.wire.seen] == ["/a.mp4", "/b.png"]


async def test_each_file_is_noted_as_soon_as_it_is_there(tmp_path: Path) -> None:
    async def all_but_b(visit: Visit) -> None:
        await (page(404) if visit.seen.path == "/b.mp4" else serve_file())(visit)

    async with saver_scenario(tmp_path, all_but_b) as scenario:
        with pytest.raises(NotSavedError):
            await scenario.saver.save(scenario.task("a.mp4", "b.mp4", "c.mp4"))

    first, third = (str(tmp_path / f"kling-t1-{n}.mp4") for n in (1, 3))
    assert scenario.noted == [(first, "", ""), (first, "", ""), (first, "", third)]


async def test_what_was_saved_of_an_incomplete_job_is_not_saved_again(
    tmp_path: Path,
) -> None:
    there = tmp_path / "mine.mp4"
    there.write_bytes(b"there")
    gone = str(tmp_path / "gone.mp4")
    paths = (str(there), gone, "")

    async with saver_scenario(tmp_path, serve_file(), paths=paths) as scenario:
        saved = await scenario.saver.save(scenario.task("a.mp4", "b.mp4", "c.mp4"))

    assert [one.path and one.path.name for one in saved] == [
        "mine.mp4",
        "kling-t1-2.mp4",
        "kling-t1-3.mp4",
    ]
    assert saved[0].total_bytes == 5
    assert [one.path for one in scenario.wire.seen] == ["/b.mp4", "/c.mp4"]
    assert scenario.noted[0] == paths  # what was not reached yet stays as it was


async def test_a_job_that_was_wholly_saved_is_saved_again(tmp_path: Path) -> None:
    there = tmp_path / "mine.mp4"
    there.write_bytes(b"there")

    async with saver_scenario(tmp_path, serve_file(), paths=(str(there),)) as scenario:
        [saved] = await scenario.saver.save(scenario.task("a.mp4"))

    assert saved.path == tmp_path / "kling-t1.mp4"


async def test_several_outputs_under_one_name_do_not_replace_each_other(
    tmp_path: Path,
) -> None:
    async with saver_scenario(
        tmp_path,
        serve_file(CONTENT),
        serve_file(CONTENT[:CUT]),
        output="v.{ext}",
        is_forced=True,
    ) as scenario:
        saved = await scenario.saver.save(scenario.task("a.mp4", "b.mp4"))

    assert [one.path and one.path.read_bytes() for one in saved] == [
        CONTENT,
        CONTENT[:CUT],
    ]


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        pytest.param(None, {"kling-t1.mp4", "kling-t1-watermark.mp4"}, id="default"),
        pytest.param("v.mp4", {"v.mp4", "v-watermark.mp4"}, id="a file"),
        pytest.param("{kind}.mp4", {"video.mp4", "watermark.mp4"}, id="a field for it"),
    ],
)
async def test_a_requested_watermarked_copy_is_saved_beside_the_output(
    tmp_path: Path, output: str | None, expected: set[str]
) -> None:
    async with saver_scenario(
        tmp_path, serve_file(), output=output, has_watermark=True
    ) as scenario:
        both = scenario.output("v.mp4", watermark="w.mp4")
        saved = await scenario.saver.save(a_task(status=SUCCEEDED, outputs=(both,)))

    assert names(tmp_path) == expected
    assert [one.output for one in saved] == [both, both]
    assert [one.path for one in scenario.wire.seen] == ["/v.mp4", "/w.mp4"]


async def test_a_watermarked_copy_is_not_downloaded_by_default(
    tmp_path: Path,
) -> None:
    async with saver_scenario(tmp_path, serve_file()) as scenario:
        both = scenario.output("v.mp4", watermark="w.mp4")
        await scenario.saver.save(a_task(status=SUCCEEDED, outputs=(both,)))

    assert names(tmp_path) == {"kling-t1.mp4"}


async def test_a_template_is_filled_from_the_job(tmp_path: Path) -> None:
    template = "{date}/{product}-{model}-{external_id}-{index}.{ext}"

    async with saver_scenario(tmp_path, serve_file(), output=template) as scenario:
        [saved] = await scenario.saver.save(scenario.task("v.mov"))

    expected = "2026-10-04/text2video-kling-3.0-turbo-e1-1.mov"
    assert saved.path == tmp_path / expected


async def test_a_job_without_a_model_has_a_file_name(tmp_path: Path) -> None:
    async with saver_scenario(
        tmp_path, serve_file(), output="{model}", model=None
    ) as scenario:
        [saved] = await scenario.saver.save(scenario.task("v.mp4"))

    assert saved.path == tmp_path / "model"


async def test_one_file_that_fails_leaves_the_others_saved(tmp_path: Path) -> None:
    replies = [serve_file(), *[page(200)] * 4, serve_file()]

    async with saver_scenario(tmp_path, *replies) as scenario:
        with pytest.raises(NotSavedError) as caught:
            await scenario.saver.save(scenario.task("a.mp4", "b.mp4", "c.mp4"))

    assert [one.path and one.path.name for one in scenario.saver.saved] == [
        "kling-t1-1.mp4",
        None,
        "kling-t1-3.mp4",
    ]
    assert "kling download t1" in (caught.value.hint or "")
    assert f"{scenario.wire.base_url}/b.mp4" in (caught.value.hint or "")


async def test_a_task_without_outputs_is_queried_once_more(tmp_path: Path) -> None:
    async with saver_scenario(tmp_path, serve_file()) as scenario:
        scenario.newer.append(scenario.task("v.mp4"))

        await scenario.saver.save(scenario.task())

    assert names(tmp_path) == {"kling-t1.mp4"}


@pytest.mark.parametrize("outputs", [(), (Output(type="video"),)])
async def test_a_task_that_made_nothing_is_an_error_and_no_endless_polling(
    tmp_path: Path, outputs: tuple[Output, ...]
) -> None:
    task = a_task(status=SUCCEEDED, outputs=outputs)

    async with saver_scenario(tmp_path, serve_file()) as scenario:
        scenario.newer.append(task)
        with pytest.raises(NotSavedError, match="lists no files") as caught:
            await scenario.saver.save(task)

    assert caught.value.hint == "ask again later: kling download t1"
    assert scenario.newer == []


async def test_an_output_without_a_link_is_no_file(tmp_path: Path) -> None:
    async with saver_scenario(tmp_path, serve_file()) as scenario:
        outputs = (Output(type="element"), scenario.output("v.mp4"))
        saved = await scenario.saver.save(a_task(status=SUCCEEDED, outputs=outputs))

    assert [one.path and one.path.name for one in saved] == ["kling-t1-2.mp4"]


@pytest.mark.parametrize("is_watermark", [False, True])
async def test_an_expired_link_is_replaced_by_the_same_file_s_new_one(
    tmp_path: Path, *, is_watermark: bool
) -> None:
    expired = [serve_file()] * is_watermark + [says(403, b"")]

    async with saver_scenario(
        tmp_path, *expired, serve_file(), has_watermark=is_watermark
    ) as scenario:
        old = scenario.output("v.mp4", watermark="w.mp4")
        new = scenario.output("v-new.mp4", watermark="w-new.mp4")
        scenario.newer.append(a_task(status=SUCCEEDED, outputs=(new,)))
        await scenario.saver.save(a_task(status=SUCCEEDED, outputs=(old,)))

    last = scenario.wire.seen[-1].path
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
    async with saver_scenario(tmp_path, says(403, b""), serve_file()) as scenario:
        scenario.newer += newer
        await scenario.saver.save(scenario.task("v.mp4"))

    assert [one.path for one in scenario.wire.seen] == ["/v.mp4", "/v.mp4"]


async def test_progress_is_reported_in_steps_and_at_the_end(tmp_path: Path) -> None:
    async with saver_scenario(tmp_path, serve_file(CONTENT * 4)) as scenario:
        await scenario.saver.save(scenario.task("v.mp4"))

    done = [one.done_bytes for one in scenario.event_log.of(Downloading)]
    assert done[-1] == 400_000
    assert 2 <= len(done) <= 400_000 // 65_536 + 2
    assert {one.name for one in scenario.event_log.of(Downloading)} == {"kling-t1.mp4"}


async def test_a_break_is_reported_with_its_reason(tmp_path: Path) -> None:
    async with saver_scenario(
        tmp_path, serve_file(stop_at=CUT), serve_file()
    ) as scenario:
        await scenario.saver.save(scenario.task("v.mp4"))

    [retry] = scenario.event_log.of(DownloadRetry)
    assert (retry.name, retry.retry_s) == ("kling-t1.mp4", 0.25)
    assert retry.reason


async def test_hostile_names_stay_in_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "here"
    evil = "../../\x00\x1b[2J/etc/passwd"

    async with saver_scenario(
        folder, serve_file(), output="{task_id}-{kind}"
    ) as scenario:
        output = Output(type=evil, url=scenario.output("../x.sh").url)
        [saved] = await scenario.saver.save(a_task(evil, SUCCEEDED, outputs=(output,)))

    assert saved.path is not None
    assert names(tmp_path) == names(folder) == {saved.path.name}


async def test_what_has_an_id_and_no_file_is_no_failure(tmp_path: Path) -> None:
    """An element is used by its id; asking again would bring no file either."""
    element = Output(type="element", id="32")
    async with saver_scenario(tmp_path, page(404)) as scenario:
        saved = await scenario.saver.save(a_task(status=SUCCEEDED, outputs=(element,)))

    assert [(one.output, one.path) for one in saved] == [(element, None)]
    assert scenario.wire.seen == []
