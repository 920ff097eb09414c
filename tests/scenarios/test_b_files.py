"""Scenarios B1 to B4: files appear whole or not at all, and where they were wanted."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from kling_cli.cli.output.terminal.text import format_size as size_text
from tests.scenarios.assertions import (
    CONTROL,
    PROMPT,
    document,
    is_whole_video,
    one_task,
    saved,
)
from tests.support.kling import Kling
from tests.support.program import Program
from tests.support.sandbox_server import SandboxServer

LIMIT_KIB = 512  # of any one file: room for the journal, none for the video
LARGE = ("-d", "15", "--resolution", "1080p")


def statuses(sandbox: SandboxServer) -> list[int | None]:
    return [one["status"] for one in sandbox.requests("download")]


def test_b01_a_failing_download_is_tried_again(
    kling: Kling, sandbox: SandboxServer
) -> None:
    sandbox.faults("download:500x2")

    saved(kling, kling.run_process(*PROMPT))

    assert statuses(sandbox) == [500, 500, 200]


def test_b01_a_broken_download_is_resumed(kling: Kling, sandbox: SandboxServer) -> None:
    sandbox.faults("download:cut")

    saved(kling, kling.run_process(*PROMPT))

    assert statuses(sandbox)[-1] == 206


def test_b01_an_expired_link_is_renewed_by_asking_again(
    kling: Kling, sandbox: SandboxServer
) -> None:
    sandbox.faults("download:403")

    result = kling.run_process(*PROMPT)

    saved(kling, result)
    order = [one["kind"] for one in sandbox.state()["requests"]]
    assert order[-3:] == ["download", "query", "download"]


def test_b01_downloads_carry_no_credentials(
    kling: Kling, sandbox: SandboxServer
) -> None:
    saved(kling, kling.run_process(*PROMPT))

    assert [one["has_authorization"] for one in sandbox.requests("download")] == [False]


def test_b01_a_file_that_was_lost_can_be_had_again(
    kling: Kling, sandbox: SandboxServer
) -> None:
    saved(kling, kling.run(*PROMPT)).unlink()

    again = kling.run_process("download", one_task(sandbox)["id"])

    saved(kling, again)
    assert sandbox.counts["create"] == 1


@pytest.mark.parametrize("fault", ["html", "short", "empty"])
def test_b02_what_is_no_video_never_gets_its_name(
    fault: str, kling: Kling, sandbox: SandboxServer
) -> None:
    sandbox.faults(f"download:{fault}x0")

    result = kling.run_process(*PROMPT, "--json", "--timeout", "20")

    found = document(result)
    assert result.exit_code == 9
    assert found["error"]["type"] == "download"
    assert found["status"] == "succeeded"
    (output,) = found["outputs"]
    assert output["path"] is None
    assert output["url"].startswith(sandbox.base_url)
    assert kling.files("*.mp4") == []


def test_b02_the_link_is_printed_for_a_person_too(
    kling: Kling, sandbox: SandboxServer
) -> None:
    sandbox.faults("download:htmlx0")

    result = kling.run_process(*PROMPT, "--timeout", "20")

    assert result.exit_code == 9
    assert sandbox.base_url in result.stderr
    assert one_task(sandbox)["id"] in result.stderr


def test_b03_a_full_disk_leaves_nothing_half_written(
    kling: Kling, sandbox: SandboxServer
) -> None:
    command = shlex.join(kling.command(*PROMPT, *LARGE, "--json"))
    limited = ("bash", "-c", f"ulimit -f {LIMIT_KIB}; exec {command}")

    with Program(limited, env=kling.env, cwd=kling.here) as program:
        result = program.finish()
    kling.results.append(result)
    again = kling.run_process("wait")
    nothing = kling.run("wait")

    assert result.exit_code == 9
    assert document(result)["error"]["hint"]
    assert is_whole_video(kling.here / again.lines[0])
    assert (kling.here / again.lines[0]).stat().st_size > LIMIT_KIB * 1024
    assert (nothing.exit_code, nothing.stdout) == (0, "")
    assert "there is nothing to wait for" in nothing.stderr
    assert "hint: kling list" in nothing.stderr


def test_b01_an_interrupted_download_goes_on_where_it_was(
    kling: Kling, sandbox: SandboxServer
) -> None:
    sandbox.faults("download:slow")
    (kling.here / "boat.mp4.part").write_text("precious")
    (kling.here / ".boat.mp4.0123456789abcdef.part").write_text("precious")
    mine = set(kling.here.iterdir())

    with kling.start(*PROMPT, "-o", "boat.mp4", "--json") as program:
        sandbox.wait_until(lambda _: _bytes_of(set(kling.here.iterdir()) - mine) > 0)
        program.press_ctrl_c()
        stopped = program.finish(20)
    [left] = set(kling.here.iterdir()) - mine
    size = left.stat().st_size
    found, task = document(stopped), one_task(sandbox)
    again = kling.run_process("download", task["id"])

    assert stopped.exit_code == 130
    assert found["status"] == "succeeded"
    assert found["error"]["type"] == "interrupted"
    assert "its result is ready" in found["error"]["message"]
    assert found["error"]["hint"] == found["resume"] == f"kling download {task['id']}"
    assert again.exit_code == 0
    assert f"resuming boat.mp4 after {size_text(size)} of " in again.stderr
    assert [one["status"] for one in sandbox.requests("download")][-1] == 206
    assert is_whole_video(kling.here / "boat.mp4")
    assert set(kling.here.iterdir()) - mine == {kling.here / "boat.mp4"}
    assert {path.read_text() for path in mine} == {"precious"}


def _bytes_of(paths: set[Path]) -> int:
    return sum(path.stat().st_size for path in paths)


def a_file(here: Path) -> Path:
    (here / "blocked").write_text("no folder")
    return here / "blocked" / "boat.mp4"


def a_read_only_folder(here: Path) -> Path:
    folder = here / "blocked"
    folder.mkdir()
    folder.chmod(0o500)
    if os.access(folder, os.W_OK):
        pytest.skip("whoever runs this may write everywhere")
    return folder / "boat.mp4"


def a_folder_of_the_kernel(_: Path) -> Path:
    if not Path("/proc/self").exists():
        pytest.skip("there is no /proc here")
    return Path("/proc/boat.mp4")


@pytest.mark.parametrize("place", [a_file, a_read_only_folder, a_folder_of_the_kernel])
def test_b03_a_folder_that_takes_no_files_is_named(
    place: Callable[[Path], Path], kling: Kling, sandbox: SandboxServer
) -> None:
    target = place(kling.here)

    result = kling.run_process(*PROMPT, "-o", str(target), "--json")

    assert result.exit_code == 2
    error = document(result)["error"]
    assert str(target.parent) in error["message"]
    assert error["hint"]
    assert sandbox.tasks == []


def test_b03_a_file_that_exists_is_kept(kling: Kling, sandbox: SandboxServer) -> None:
    old = kling.here / "boat.mp4"
    old.write_text("precious")

    result = kling.run_process(*PROMPT, "-o", "boat.mp4")

    assert old.read_text() == "precious"
    assert saved(kling, result) == kling.here / "boat-1.mp4"


def test_b03_force_overwrites(kling: Kling, sandbox: SandboxServer) -> None:
    old = kling.here / "boat.mp4"
    old.write_text("precious")

    result = kling.run_process(*PROMPT, "-o", "boat.mp4", "--force")

    assert saved(kling, result) == old


@pytest.mark.parametrize(
    "output",
    [None, "videos/", "{task_id}-{index}.{ext}", "{external_id}/{task_id}.mp4"],
    ids=["default", "folder", "template", "template with a folder"],
)
def test_b04_no_name_from_the_api_leaves_the_folder(
    output: str | None, kling: Kling, sandbox: SandboxServer
) -> None:
    sandbox.faults("task:evil-namesx0")
    outside = kling.here / "inside"
    outside.mkdir()
    around = {path for path in kling.home.iterdir() if path != kling.here}

    result = kling.run_process(*PROMPT, *(("-o", output) if output else ()))

    saved(kling, result)
    assert not CONTROL.search(result.stdout + result.stderr)
    appeared = {path for path in kling.home.iterdir() if path != kling.here} - around
    assert appeared <= {kling.state_dir, kling.config_dir, kling.home / ".cache"}
    (video,) = [path for path in kling.home.rglob("*") if path.suffix == ".mp4"]
    assert video.is_relative_to(kling.here)
    assert video.name.isprintable()
