"""The lock that shares one tunnel among the processes of a user."""

from __future__ import annotations

import errno
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kling_cli.errors import TunnelError
from kling_cli.tunnels.shared_lock import SharedTunnel, acquire_lock, find_shared_tunnel

HOLDER = """
import sys
from pathlib import Path
from kling_cli.tunnels.shared_lock import acquire_lock
lock = acquire_lock(Path(sys.argv[1]))
if lock is not None:
    lock.publish("https://a.example", 4711)
print("has it" if lock else "has it not", flush=True)
input()
"""


@contextmanager
def another_process(state_dir: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start a process that acquires the lock; return it and the outcome."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(state_dir)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        yield process, process.stdout.readline().strip()
        process.kill()


def test_the_first_to_acquire_the_lock_has_it(tmp_path: Path) -> None:
    with another_process(tmp_path) as (_, outcome):
        assert outcome == "has it"
        assert acquire_lock(tmp_path) is None


def test_the_others_see_where_it_is(tmp_path: Path) -> None:
    with another_process(tmp_path) as (process, _):
        shared = find_shared_tunnel(tmp_path)

    assert shared == SharedTunnel("https://a.example", 4711, process.pid)


def test_a_killed_owner_leaves_no_tunnel_and_no_lock(tmp_path: Path) -> None:
    with another_process(tmp_path) as (process, _):
        process.kill()
        process.wait()

        assert (tmp_path / "door.json").exists()
        assert find_shared_tunnel(tmp_path) is None
        lock = acquire_lock(tmp_path)

    assert lock is not None
    assert not (tmp_path / "door.json").exists()
    lock.release()


def test_a_released_lock_can_be_acquired_by_another(tmp_path: Path) -> None:
    lock = acquire_lock(tmp_path)
    assert lock is not None
    lock.publish("https://b.example", 1)

    lock.release()
    lock.release()

    assert find_shared_tunnel(tmp_path) is None
    with another_process(tmp_path) as (_, outcome):
        assert outcome == "has it"


def test_leaving_the_context_releases_it(tmp_path: Path) -> None:
    lock = acquire_lock(tmp_path)
    assert lock is not None
    with lock:
        assert acquire_lock(tmp_path) is None

    again = acquire_lock(tmp_path)
    assert again is not None
    again.release()


def test_a_tunnel_that_was_never_published_is_not_found(tmp_path: Path) -> None:
    lock = acquire_lock(tmp_path)

    assert find_shared_tunnel(tmp_path) is None
    assert lock is not None
    lock.release()


def test_a_withdrawn_tunnel_is_not_found_and_the_lock_stays(tmp_path: Path) -> None:
    lock = acquire_lock(tmp_path)
    assert lock is not None
    lock.publish("https://b.example", 1)
    lock.publish("https://c.example", 1)
    shared = find_shared_tunnel(tmp_path)

    lock.withdraw()

    assert shared is not None
    assert shared.public_url == "https://c.example"
    assert find_shared_tunnel(tmp_path) is None
    assert acquire_lock(tmp_path) is None
    lock.release()


def test_what_is_published_is_for_this_user_only(tmp_path: Path) -> None:
    lock = acquire_lock(tmp_path / "state")
    assert lock is not None
    lock.publish("https://b.example", 1)

    for path in (tmp_path / "state", *(tmp_path / "state").iterdir()):
        assert path.stat().st_mode & 0o077 == 0, path
    lock.release()


@pytest.mark.parametrize(
    "text", ["", "[]", json.dumps({"public_url": "https://a.example"})]
)
def test_a_damaged_record_is_no_tunnel(tmp_path: Path, text: str) -> None:
    (tmp_path / "door.json").write_text(text)

    assert find_shared_tunnel(tmp_path) is None


def test_a_disk_without_locks_is_said_to_be_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No such disk is at hand, so the system call itself is made to refuse."""

    def refuse(file: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", refuse)

    with pytest.raises(TunnelError, match="without locks: No locks") as caught:
        acquire_lock(tmp_path)

    assert "KLING_STATE_DIR" in str(caught.value.hint)
