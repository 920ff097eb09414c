"""Destinations are tried before anything is spent; nothing is left behind."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kling_cli.errors import ExitCode, UsageError
from kling_cli.jobs.job import RunOptions
from kling_cli.jobs.outputs.destination import check_output
from tests.jobs.environment import job_environment


def options(output: str | None, **columns: bool) -> RunOptions:
    return RunOptions(command="text2video", output=output, **columns)  # type: ignore[arg-type]  # booleans alone


def a_fifo(here: Path) -> str:
    os.mkfifo(here / "pipe")
    return str(here / "pipe")


def a_link_to_a_fifo(here: Path) -> str:
    (here / "link").symlink_to(a_fifo(here))
    return str(here / "link")


def a_socket(here: Path) -> str:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(here / "socket"))
    return str(here / "socket")


def below_a_file(here: Path) -> str:
    (here / "file").write_text("in the way")
    return str(here / "file" / "boat.mp4")


def below_a_dangling_link(here: Path) -> str:
    (here / "dangling").symlink_to("nowhere")
    return str(here / "dangling" / "boat.mp4")


OUTPUTS = [
    pytest.param(lambda _: "-", "stdout gets its path", id="a dash"),
    pytest.param(lambda _: "/dev/stdout", "stdout", id="stdout"),
    pytest.param(lambda _: "/dev/fd/3", "stdout", id="a descriptor"),
    pytest.param(lambda _: "/dev/null", "is a device", id="/dev/null"),
    pytest.param(lambda _: "/proc/boat.mp4", "/proc", id="a folder of the kernel"),
    pytest.param(a_fifo, "is a FIFO", id="a FIFO"),
    pytest.param(a_link_to_a_fifo, "is a FIFO", id="a link to a FIFO"),
    pytest.param(a_socket, "is a socket", id="a socket"),
    pytest.param(below_a_file, "Not a directory", id="below a file"),
    pytest.param(
        below_a_dangling_link, "no file can be made", id="below a dangling link"
    ),
    pytest.param(lambda _: "a" * 256, "(?i)name too long", id="256 bytes"),
    pytest.param(lambda _: "漢" * 86, "(?i)name too long", id="86 x 3 bytes"),
    pytest.param(
        lambda _: "a" * 300 + "/v.mp4", "(?i)name too long", id="a long folder"
    ),
    pytest.param(lambda _: "{task_id}/" * 2500, "(?i)name too long", id="a long path"),
    pytest.param(lambda _: "a\0b", "null", id="a null byte"),
]


@pytest.mark.parametrize("is_forced", [False, True])
@pytest.mark.parametrize(("output", "why"), OUTPUTS)
def test_an_output_that_cannot_be_written_is_refused(
    tmp_path: Path, output: Callable[[Path], str], why: str, *, is_forced: bool
) -> None:
    name = output(tmp_path)
    before = set(tmp_path.rglob("*"))

    with pytest.raises(UsageError, match=why) as caught:
        check_output(options(name, is_forced=is_forced), tmp_path)

    assert caught.value.hint
    assert len(caught.value.message) < 600
    assert set(tmp_path.rglob("*")) == before


@contextmanager
def a_common_user() -> Iterator[None]:
    """Drop the privileges of root, which ignore permissions."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_folder_that_takes_no_files_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "closed"
    folder.mkdir()
    folder.chmod(0o555)
    monkeypatch.chdir(folder)

    with a_common_user(), pytest.raises(UsageError, match=str(folder)) as caught:
        check_output(options(None), Path())

    assert "Permission denied" in caught.value.message


@pytest.mark.parametrize(
    "output",
    [
        pytest.param(None, id="default"),
        pytest.param("new/folder/", id="folders to be made"),
        pytest.param("{external_id}/{task_id}-{index}.{ext}", id="a template"),
        pytest.param("a" * 251 + ".mp4", id="255 bytes"),
        pytest.param("漢" * 85, id="255 bytes of 85 characters"),
        pytest.param("there.mp4", id="a file that exists"),
        pytest.param("dangling", id="a dangling link"),
        pytest.param("./-", id="a file called -"),
        pytest.param(".", id="the folder"),
    ],
)
def test_an_output_that_can_be_written_is_taken_and_nothing_is_left_of_the_trial(
    tmp_path: Path, output: str | None
) -> None:
    (tmp_path / "there.mp4").write_bytes(b"old")
    (tmp_path / "dangling").symlink_to("nowhere")
    before = set(tmp_path.rglob("*"))

    check_output(options(output), tmp_path, {"external_id": "../e1"})

    assert set(tmp_path.rglob("*")) == before
    assert (tmp_path / "there.mp4").read_bytes() == b"old"


@pytest.mark.parametrize(
    ("output", "columns"),
    [
        pytest.param("-", {"is_downloading": False}, id="nothing is saved"),
        pytest.param(None, {"is_waiting": False}, id="saved by a later command"),
    ],
)
def test_what_is_not_written_now_is_not_tried(
    output: str | None, columns: dict[str, bool]
) -> None:
    check_output(options(output, **columns), Path("/proc"))

    with pytest.raises(UsageError):  # where it is written now
        check_output(options(output), Path("/proc"))


@pytest.mark.anyio
async def test_nothing_is_submitted_waited_for_or_fetched_for_such_an_output(
    tmp_path: Path,
) -> None:
    async with job_environment(tmp_path) as env:
        made = await env.submit()
        asked = env.counts["query"]

        for act in (
            env.generate(output="-"),
            env.submit(output="/dev/null"),
            env.wait(str(made.task_id), output="/dev/null"),
            env.download(str(made.task_id), output="-"),
        ):
            with pytest.raises(UsageError) as caught:
                await act
            assert caught.value.exit_code is ExitCode.USAGE

        assert env.counts["create"] == 1
        assert env.counts["query"] == asked
