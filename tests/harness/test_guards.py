from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import anyio.to_thread
import pytest

from tests.support import home, leaks
from tests.support.startup import loopback_only


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost", None])
def test_loopback_is_let_through(host: str | None) -> None:
    assert loopback_only.is_loopback(host)


@pytest.mark.parametrize("host", ["192.0.2.1", "example.com", "::", b"kling.ai"])
def test_everything_else_is_not(host: object) -> None:
    assert not loopback_only.is_loopback(host)


def test_a_server_open_to_the_whole_network_is_a_breach(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(loopback_only.LOG_VARIABLE)

    with socket.socket() as server, pytest.raises(loopback_only.OffLoopbackError):
        server.bind(("", 0))

    assert loopback_only.breaches == ["socket.bind ''"]
    loopback_only.breaches.clear()


def test_a_program_that_leaves_loopback_is_stopped_and_reported(tmp_path: Path) -> None:
    log = tmp_path / "log"
    code = "import socket; socket.create_connection(('192.0.2.1', 80), timeout=1)"

    ended = subprocess.run(
        [sys.executable, "-c", code],
        env=home.environment(tmp_path) | {loopback_only.LOG_VARIABLE: str(log)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert "OffLoopbackError" in ended.stderr
    assert "192.0.2.1" in log.read_text("utf-8")


def test_a_test_does_not_see_the_home_it_runs_in(own_home: Path) -> None:
    assert Path.home() == own_home
    assert not [name for name in home.foreign(os.environ) if name.startswith("KLING")]


def test_a_process_left_behind_is_found_and_ended() -> None:
    before = leaks.Running.now()
    command = [sys.executable, "-c", "input()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        found = leaks.left_behind(before, grace_s=0)

        assert [str(process.pid) in line for line in found] == [True]
        assert process.wait(5) != 0


def test_a_thread_left_behind_is_found() -> None:
    before = leaks.Running.now()
    go_on = threading.Event()
    thread = threading.Thread(target=go_on.wait, name="stray")
    thread.start()

    found = leaks.left_behind(before, grace_s=0)

    go_on.set()
    thread.join()
    assert found == ["thread stray"]


@pytest.mark.parametrize("is_older", [True, False], ids=["older", "of the test"])
def test_a_pooled_thread_belongs_to_whoever_runs_its_event_loop(is_older: bool) -> None:
    is_running, wants_thread, has_thread, is_over = (threading.Event() for _ in "1234")

    async def use_a_thread_when_told() -> None:
        is_running.set()
        while not wants_thread.is_set():  # noqa: ASYNC110 -- set by another thread
            await anyio.sleep(0.01)
        await anyio.to_thread.run_sync(has_thread.set)
        while not is_over.is_set():  # noqa: ASYNC110 -- the same
            await anyio.sleep(0.01)

    before = leaks.Running.now()
    runner = threading.Thread(target=anyio.run, args=(use_a_thread_when_told,))
    runner.start()
    assert is_running.wait(5)
    if is_older:
        before = leaks.Running.now()
    wants_thread.set()
    assert has_thread.wait(5)

    found = leaks.left_behind(before, grace_s=0)

    is_over.set()
    runner.join()
    assert ("thread AnyIO worker thread" in found) is not is_older
