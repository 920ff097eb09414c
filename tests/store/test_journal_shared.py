"""The journal shared by processes: killed ones, concurrent ones, a full disk."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from kling_cli.store.journal import Journal
from tests.jobs.factories import a_record

BEGINNING = """
import os, resource, signal, sys
from pathlib import Path
from kling_cli.store.journal import Journal
from kling_cli.store.database import JournalError
from tests.jobs.factories import a_callback, a_record

state, name = Path(sys.argv[1]), sys.argv[2]
"""
WRITE_AND_DIE = """
journal = Journal.open(state)
journal.add_job(a_record(name))
journal.add_callback(a_callback(name))
os.kill(os.getpid(), signal.SIGKILL)
"""
DIE_HALF_WAY = """
journal = Journal.open(state)
with journal._writing():
    journal._db.execute("DELETE FROM jobs")
    os.kill(os.getpid(), signal.SIGKILL)
"""
WRITE_MANY = """
with Journal.open(state) as journal:
    print("ready", flush=True)
    sys.stdin.readline()
    for number in range(25):
        journal.add_job(a_record(f"{name}-{number}"))
        journal.add_callback(a_callback(f"{name}-{number}"))
"""
FULL_DISK = """
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
journal = Journal.open(state)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
written = 0
try:
    while True:
        journal.add_job(a_record(f"{name}-{written}", request="x" * 5000))
        written += 1
except JournalError as exc:
    assert "KLING_STATE_DIR" in exc.hint
print(written)
"""


def child(program: str, state: Path, name: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", BEGINNING + program, str(state), name],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def ended(process: subprocess.Popen[str], stdin: str = "") -> str:
    """Return what the process printed until its end."""
    out, _ = process.communicate(stdin, timeout=60)
    return out


def test_committed_records_survive_a_killed_process(
    tmp_path: Path,
) -> None:
    process = child(WRITE_AND_DIE, tmp_path, "e1")
    ended(process)

    with Journal.open(tmp_path) as journal:
        assert process.returncode == -signal.SIGKILL
        assert journal.find_job("e1") == a_record("e1")
        assert len(journal.callbacks_after(0, ["e1"])) == 1


def test_an_open_transaction_of_a_killed_process_is_rolled_back(
    tmp_path: Path,
) -> None:
    with Journal.open(tmp_path) as journal:
        journal.add_job(a_record("e1"))

        ended(child(DIE_HALF_WAY, tmp_path, ""))

        assert journal.find_job("e1") == a_record("e1")
        journal.add_job(a_record("e2"))  # the lock is free


def test_many_processes_create_and_write_a_journal_at_once(tmp_path: Path) -> None:
    state = tmp_path / "state"
    writers = [child(WRITE_MANY, state, f"w{number}") for number in range(8)]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"

    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("\n")
        writer.stdin.flush()
    for writer in writers:
        ended(writer)

    names = {f"w{writer}-{number}" for writer in range(8) for number in range(25)}
    with Journal.open(state) as journal:
        assert [writer.returncode for writer in writers] == [0] * 8
        assert journal.corrupt_backup is None
        assert {one.external_id for one in journal.newest_jobs(1000)} == names
        stored = journal.callbacks_after(0, names)
        assert sorted(one.nonce or "" for one in stored) == sorted(names)
        assert len({one.id for one in stored}) == 200


def test_a_full_disk_is_an_error_and_loses_nothing_written(
    tmp_path: Path,
) -> None:
    process = child(FULL_DISK, tmp_path, "e")
    written = int(ended(process))

    with Journal.open(tmp_path) as journal:
        assert 0 < written < 60
        assert len(journal.newest_jobs(1000)) == written
        assert journal.corrupt_backup is None
