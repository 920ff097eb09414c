"""Partial files: nobody else's is touched, what came is kept, nobody is overrun."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from kling_cli.errors import NotSavedError
from kling_cli.jobs.part import (
    NoRecords,
    PartialFile,
    PartialRecord,
    PartialRecords,
    partial_name,
)
from tests.jobs.disk import full_disk
from tests.jobs.files import (
    CUT,
    FILM,
    MP4,
    Records,
    fetching,
    film,
    head,
    without_ranges,
)
from tests.support.wire_server import Visit, says

pytestmark = pytest.mark.anyio


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def save(
    target: Path,
    content: bytes,
    *,
    is_forced: bool = False,
    records: PartialRecords | None = None,
) -> Path:
    with PartialFile(target, records or NoRecords()) as part:
        part.begin(None, len(content))
        part.write(content)
        return part.put_in_place(is_forced=is_forced)


def leave(target: Path, records: Records, content: bytes = FILM[:CUT]) -> Path:
    """Leave a partial file as an interrupted download does; return where it is."""
    with suppress(asyncio.CancelledError), PartialFile(target, records) as part:
        part.begin('"1"', len(FILM))
        part.write(content)
        raise asyncio.CancelledError
    [path] = records.kept
    return path


def test_a_name_that_is_taken_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "v.mp4").write_bytes(b"old")
    (tmp_path / "v-1.mp4").symlink_to(tmp_path / "nowhere")

    path = save(tmp_path / "v.mp4", b"new")

    assert path == tmp_path / "v-2.mp4"
    assert (tmp_path / "v.mp4").read_bytes() == b"old"
    assert path.read_bytes() == b"new"


def test_force_replaces_what_is_there_and_not_what_a_link_leads_to(
    tmp_path: Path,
) -> None:
    (tmp_path / "v.mp4").write_bytes(b"old")
    (tmp_path / "precious").write_bytes(b"precious")
    (tmp_path / "link.mp4").symlink_to("precious")

    save(tmp_path / "v.mp4", b"new", is_forced=True)
    save(tmp_path / "link.mp4", b"new", is_forced=True)

    assert files(tmp_path) == {
        "v.mp4": b"new",
        "link.mp4": b"new",
        "precious": b"precious",
    }


async def test_a_file_beside_the_target_is_never_written_into_or_removed(
    tmp_path: Path,
) -> None:
    (tmp_path / "precious").write_bytes(b"precious")
    (tmp_path / "a.mp4.part").write_bytes(b"half of something else")
    (tmp_path / "b.mp4.part").symlink_to("precious")
    os.link(tmp_path / "precious", tmp_path / "c.mp4.part")
    os.mkfifo(tmp_path / "d.mp4.part")  # opening it would wait for a reader
    before = names(tmp_path)

    for name in "abcd":
        async with fetching(film(), records=Records()) as stage:
            await stage.save(tmp_path / f"{name}.mp4")

    assert (tmp_path / "precious").read_bytes() == b"precious"
    assert (tmp_path / "a.mp4.part").read_bytes() == b"half of something else"
    after = names(tmp_path)
    assert after - before == {"a.mp4", "b.mp4", "c.mp4", "d.mp4"}
    assert before < after


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("a" * 247 + ".mp4", id="251 bytes"),
        pytest.param("a" * 251 + ".mp4", id="255 bytes"),
        pytest.param("漢" * 85, id="85 characters of three bytes"),
        pytest.param("a." + "b" * 253, id="a suffix that is none"),
    ],
)
def test_a_name_as_long_as_names_may_be_is_saved_and_numbered(
    tmp_path: Path, name: str
) -> None:
    paths = [save(tmp_path / name, bytes([number])) for number in range(1, 12)]

    assert paths[0].name == name
    assert set(files(tmp_path)) == {path.name for path in paths}
    assert all(path.suffix == paths[0].suffix for path in paths if "mp4" in name)
    assert paths[-1].stem.endswith("-10") or paths[-1].name.endswith("-10")


def test_a_partial_name_is_new_each_time_and_fits(tmp_path: Path) -> None:
    first, second = (partial_name(tmp_path, "漢" * 85) for _ in range(2))

    assert first != second
    assert first.startswith(".漢")
    assert first.endswith(".part")
    assert len(os.fsencode(first)) <= 255


async def test_an_interrupted_download_is_gone_on_with_by_the_next_run(
    tmp_path: Path,
) -> None:
    records, begun = Records(), asyncio.Event()

    async def half(visit: Visit) -> None:
        await visit.send(head(200, len(FILM), etag='"1"') + FILM[:CUT])
        await visit.is_over.wait()

    def has_come(done_bytes: int, _: int | None) -> None:
        if done_bytes == CUT:
            begun.set()

    async with fetching(half, records=records) as stage:
        stage.download.on_bytes = has_come
        saving = asyncio.create_task(stage.save(tmp_path / "v.mp4"))
        await begun.wait()
        saving.cancel()
        await asyncio.wait([saving])
    [(left, content)] = files(tmp_path).items()
    async with fetching(film(etag='"1"'), records=records) as stage:
        path = await stage.save(tmp_path / "v.mp4")

    assert left.startswith(".v.mp4.")
    assert content == FILM[:CUT]
    assert stage.ranges == [f"bytes={CUT}-"]
    assert stage.wire.seen[0].headers["if-range"] == '"1"'
    assert stage.resumed == [(CUT, len(FILM))]
    assert files(tmp_path) == {path.name: FILM}
    assert records.kept == {}


async def test_what_came_whole_before_a_kill_is_not_fetched_again(
    tmp_path: Path,
) -> None:
    records = Records()
    leave(tmp_path / "v.mp4", records, FILM)

    async with fetching(film(), records=records) as stage:
        await stage.save(tmp_path / "v.mp4")

    assert stage.wire.seen == []
    assert files(tmp_path) == {"v.mp4": FILM}


async def test_what_is_written_down_nowhere_goes_when_a_download_is_given_up(
    tmp_path: Path,
) -> None:
    unwritable = Records(is_writable=False)

    async with fetching(film(stop_at=CUT), records=unwritable) as stage:
        with pytest.raises(NotSavedError):
            await stage.save(tmp_path / "v.mp4")

    assert files(tmp_path) == {}


async def test_a_download_that_is_given_up_keeps_what_came(tmp_path: Path) -> None:
    records = Records()

    async with fetching(without_ranges(stop_at=CUT), records=records) as stage:
        with pytest.raises(NotSavedError):
            await stage.save(tmp_path / "v.mp4")

    assert list(files(tmp_path).values()) == [FILM[:CUT]]
    assert [path.name for path in records.kept] == list(files(tmp_path))


def swap_for_link(path: Path, precious: Path) -> None:
    path.unlink()
    path.symlink_to(precious)


def swap_for_fifo(path: Path, _: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def swap_for_folder(path: Path, _: Path) -> None:
    path.unlink()
    path.mkdir()


def swap_for_socket(path: Path, _: Path) -> None:
    path.unlink()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))


def swap_for_page(path: Path, _: Path) -> None:
    path.write_bytes(b"<html>not a film")


def swap_for_longer(path: Path, _: Path) -> None:
    path.write_bytes(FILM + b"more")


@pytest.mark.parametrize(
    ("swap", "is_removed"),
    [
        (swap_for_link, False),
        (swap_for_fifo, False),
        (swap_for_folder, False),
        (swap_for_socket, False),
        (swap_for_page, True),
        (swap_for_longer, True),
        pytest.param(lambda path, _: path.unlink(), True, id="gone"),
        pytest.param(lambda path, _: path.write_bytes(b""), True, id="empty"),
    ],
)
async def test_what_is_found_in_place_of_the_partial_file_is_not_gone_on_with(
    swap: Callable[[Path, Path], object], is_removed: bool, tmp_path: Path
) -> None:
    records, precious = Records(), tmp_path / "precious"
    precious.write_bytes(FILM[:CUT])
    path = leave(tmp_path / "v.mp4", records)
    swap(path, precious)

    async with fetching(film(etag='"1"'), records=records) as stage:
        await stage.save(tmp_path / "v.mp4")

    assert stage.ranges == [None]
    assert (tmp_path / "v.mp4").read_bytes() == FILM
    assert precious.read_bytes() == FILM[:CUT]
    assert (path.name in names(tmp_path)) != is_removed
    assert records.kept == {}


async def test_the_second_name_of_a_finished_file_goes_and_the_file_stays(
    tmp_path: Path,
) -> None:
    records, target = Records(), tmp_path / "v.mp4"
    path = leave(target, records, FILM)
    os.link(path, target)  # killed before the first name was removed

    async with fetching(film(), records=records) as stage:
        await stage.save(target)

    assert files(tmp_path) == {"v.mp4": FILM, "v-1.mp4": FILM}
    assert not target.samefile(tmp_path / "v-1.mp4")


async def test_a_part_without_tag_or_length_is_not_trusted(tmp_path: Path) -> None:
    records = Records()
    path = leave(tmp_path / "v.mp4", records)
    records.kept[path] = PartialRecord(path=path)

    async with fetching(film(), records=records) as stage:
        await stage.save(tmp_path / "v.mp4")

    assert stage.ranges == [None]
    assert files(tmp_path) == {"v.mp4": FILM}


async def test_a_part_in_another_folder_is_left_and_goes_when_the_file_is_here(
    tmp_path: Path,
) -> None:
    records = Records()
    (tmp_path / "there").mkdir()
    leave(tmp_path / "there" / "v.mp4", records)

    async with fetching(film(), records=records) as stage:
        await stage.save(tmp_path / "here" / "v.mp4")

    assert stage.ranges == [None]
    assert files(tmp_path / "here") == {"v.mp4": FILM}
    assert files(tmp_path / "there") == {}
    assert records.kept == {}


async def test_the_part_of_a_living_download_is_left_to_it(tmp_path: Path) -> None:
    records, target = Records(), tmp_path / "v.mp4"
    with PartialFile(target, records) as theirs:
        theirs.begin('"1"', len(FILM))
        theirs.write(FILM[:CUT])

        async with fetching(film(etag='"1"'), records=records) as stage:
            await stage.save(target)

        theirs.write(FILM[CUT:])
        path = theirs.put_in_place(is_forced=False)

    assert stage.ranges == [None]
    assert path == tmp_path / "v-1.mp4"
    assert files(tmp_path) == {"v.mp4": FILM, "v-1.mp4": FILM}


def test_a_part_somebody_has_made_in_its_place_is_not_removed(tmp_path: Path) -> None:
    records = Records()
    with PartialFile(tmp_path / "v.mp4", records) as part:
        part.begin(None, None)
        [path] = records.kept
        path.unlink()
        path.write_bytes(b"of somebody else")

    assert files(tmp_path) == {path.name: b"of somebody else"}


async def test_two_downloads_to_one_name_at_once_save_two_whole_files(
    tmp_path: Path,
) -> None:
    bodies = [MP4 + bytes([number]) * 50_000 for number in range(1, 9)]

    async def one(body: bytes) -> Path:
        async with fetching(film(body)) as stage:
            return await stage.save(tmp_path / "v.mp4")

    paths = await asyncio.gather(*map(one, bodies))

    assert len(set(paths)) == 8
    assert [path.read_bytes() for path in paths] == bodies
    assert set(files(tmp_path)) == {path.name for path in paths}


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
    reply = says(200, body, kind="video/mp4")
    async with fetching(reply, records=Records()) as stage:
        with (
            full_disk(10_000),
            pytest.raises(NotSavedError, match=r"v\.mp4 could not be written"),
        ):
            await stage.save(tmp_path / "v.mp4")

    assert files(tmp_path) == {}
