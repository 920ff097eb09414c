from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.support.in_process import run_in_process
from tests.support.kling import Kling


@pytest.mark.parametrize(
    ("args", "stdin"),
    [
        pytest.param(("--version",), None, id="a result"),
        pytest.param(("frobnicate",), None, id="a wrong line"),
        pytest.param(("list", "--json"), None, id="JSON"),
        pytest.param(("text2video", "-", "--dry-run"), b"\xe6\xbc\xa2\n", id="stdin"),
        pytest.param(("text2video", "-", "--dry-run"), None, id="empty stdin"),
        pytest.param(("text2video", "x"), None, id="no account"),
        pytest.param(("api", "GET", "/x", "--dry-run"), None, id="a raw request"),
    ],
)
def test_a_run_in_process_ends_as_a_process_does(
    args: tuple[str, ...], stdin: bytes | None, own_home: Path
) -> None:
    kling = Kling(own_home)

    inside = kling.run(*args, stdin=stdin)
    outside = kling.run_process(*args, stdin=stdin)

    assert inside.stdout == outside.stdout
    assert inside.stderr == outside.stderr
    assert inside.exit_code == outside.exit_code


def test_a_run_in_process_leaves_the_test_process_as_it_was(own_home: Path) -> None:
    def state() -> list[object]:
        streams = [sys.stdin, sys.stdout, sys.stderr]
        files = [os.fstat(number) for number in range(3)]
        names = [(file.st_dev, file.st_ino) for file in files]
        return [dict(os.environ), Path.cwd(), sys.argv, time.tzname, streams, names]

    before = state()
    descriptors = psutil.Process().num_fds()

    Kling(own_home).run("list", env={"TZ": "Asia/Tokyo", "KLING_API_KEY": "x"})

    assert state() == before
    assert psutil.Process().num_fds() == descriptors


def test_a_program_started_by_a_run_in_process_writes_to_its_streams(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    env = {**os.environ, "KLING_STATE_DIR": str(tmp_path)}
    listen = ("listen", "--port", "0", "--no-token", "--tunnel", "none")

    result = run_in_process([*listen, "--", "sh", "-c", "echo heard"], env=env)

    assert "heard" in result.stdout + result.stderr
    assert capfd.readouterr() == ("", "")
