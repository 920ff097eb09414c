"""Names of files: what is there stays, what is half done goes, nobody is overrun."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from kling_cli.errors import NotSavedError
from kling_cli.jobs.part import _is_ours, part_file, put_in_place
from tests.jobs.disk import full_disk
from tests.jobs.files import FILM, fetching, film
from tests.support.wire_server import Visit, says

pytestmark = pytest.mark.anyio


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def save(target: Path, content: bytes, *, is_forced: bool = False) -> Path:
    with part_file(target) as (part, stream):
        stream.write(content)
        stream.flush()
        return put_in_place(part, target, is_forced=is_forced)


def test_a_name_that_is_taken_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "v.mp4").write_bytes(b"old")
    (tmp_path / "v-1.mp4").symlink_to(tmp_path / "nowhere")

    path = save(tmp_path / "v.mp4", b"new")

    assert path == tmp_path / "v-2.mp4"
    assert (tmp_path / "v.mp4").read_bytes() == b"old"
    assert path.read_bytes() == b"new"


def test_force_replaces_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "v.mp4").write_bytes(b"old")

    save(tmp_path / "v.mp4", b"new", is_forced=True)

    assert files(tmp_path) == {"v.mp4": b"new"}


def test_the_part_of_a_killed_process_is_taken_over(tmp_path: Path) -> None:
    (tmp_path / "v.mp4.part").write_bytes(b"half of something else")

    save(tmp_path / "v.mp4", b"new")

    assert files(tmp_path) == {"v.mp4": b"new"}


def test_the_part_of_a_living_process_is_left_to_it(tmp_path: Path) -> None:
    target = tmp_path / "v.mp4"
    with part_file(target) as (theirs, stream):
        stream.write(b"theirs")

        save(target, b"ours")

        stream.flush()
        put_in_place(theirs, target, is_forced=False)

    assert files(tmp_path) == {"v.mp4": b"ours", "v-1.mp4": b"theirs"}


def test_a_finished_file_whose_part_was_not_removed_is_not_written_into(
    tmp_path: Path,
) -> None:
    target = tmp_path / "v.mp4"
    target.write_bytes(b"finished")
    os.link(target, tmp_path / "v.mp4.part")  # killed between the two

    save(target, b"new")

    assert files(tmp_path) == {"v.mp4": b"finished", "v-1.mp4": b"new"}


def test_a_part_somebody_has_made_after_ours_was_renamed_is_not_removed(
    tmp_path: Path,
) -> None:
    target = tmp_path / "v.mp4"
    with part_file(target) as (part, _):
        put_in_place(part, target, is_forced=True)
        part.write_bytes(b"of another process")

    assert part.read_bytes() == b"of another process"


def test_a_part_that_went_before_it_was_locked_is_not_used(tmp_path: Path) -> None:
    part = tmp_path / "v.mp4.part"
    with part.open("ab") as stream:
        part.unlink()

        assert not _is_ours(stream, part)

    assert files(tmp_path) == {}


async def test_two_downloads_to_one_name_at_once_save_two_whole_files(
    tmp_path: Path,
) -> None:
    bodies = [bytes([number]) * 50_000 for number in range(1, 9)]

    async def one(body: bytes) -> Path:
        async with fetching(film(body)) as stage:
            return await stage.save(tmp_path / "v.mp4")

    paths = await asyncio.gather(*map(one, bodies))

    assert len(set(paths)) == 8
    assert [path.read_bytes() for path in paths] == bodies
    assert set(files(tmp_path)) == {path.name for path in paths}


async def test_a_download_that_is_cancelled_leaves_nothing(tmp_path: Path) -> None:
    begun = asyncio.Event()

    async def half(visit: Visit) -> None:
        await visit.send(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\nhalf")
        begun.set()
        await visit.is_over.wait()

    async with fetching(half) as stage:
        saving = asyncio.create_task(stage.save(tmp_path / "v.mp4"))
        await begun.wait()
        part_was_there = (tmp_path / "v.mp4.part").exists()
        saving.cancel()
        await asyncio.wait([saving])

    assert part_was_there
    assert saving.cancelled()
    assert files(tmp_path) == {}


async def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("in the way")

    async with fetching(film()) as stage:
        with pytest.raises(NotSavedError, match="could not be written") as caught:
            await stage.save(tmp_path / "a" / "v.mp4")

    assert "--output" in (caught.value.hint or "")
    assert stage.wire.seen == []


@pytest.mark.parametrize(
    "body", [pytest.param(FILM, id="long"), pytest.param(FILM[:10_100], id="just over")]
)
async def test_a_full_disk_is_said_and_leaves_nothing_half_written(
    tmp_path: Path, body: bytes
) -> None:
    async with fetching(says(200, body, kind="video/mp4")) as stage:
        with (
            full_disk(10_000),
            pytest.raises(NotSavedError, match=r"v\.mp4 could not be written"),
        ):
            await stage.save(tmp_path / "v.mp4")

    assert files(tmp_path) == {}
