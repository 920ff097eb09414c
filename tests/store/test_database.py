"""The journal's database file: permissions, corruption, read-only folders."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from kling_cli.errors import ExitCode
from kling_cli.store.database import FILE_NAME, JournalError
from kling_cli.store.journal import Journal
from tests.jobs.factories import a_record

NO_DATABASE = b"this is no database, and long enough to be looked at\n" * 40


@pytest.fixture
def wide_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_only_the_owner_can_read_the_journal(tmp_path: Path, wide_umask: None) -> None:
    shared = tmp_path / "shared"
    shared.mkdir(mode=0o777)

    with Journal.open(shared) as journal:
        journal.add_job(a_record())
        modes = {path.name: mode(path) for path in shared.iterdir()}

    assert set(modes) == {FILE_NAME, f"{FILE_NAME}-wal", f"{FILE_NAME}-shm"}
    assert set(modes.values()) == {0o600}


def test_the_folder_is_created_for_its_owner_alone(
    tmp_path: Path, wide_umask: None
) -> None:
    with Journal.open(tmp_path / "a" / "state"):
        pass

    assert mode(tmp_path / "a" / "state") == 0o700


def test_a_file_that_is_not_a_database_is_renamed_and_preserved(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(NO_DATABASE)

    with Journal.open(tmp_path) as journal:
        journal.add_job(a_record())

    assert journal.corrupt_backup == tmp_path / f"{FILE_NAME}.corrupt-1"
    assert journal.corrupt_backup.read_bytes() == NO_DATABASE
    with Journal.open(tmp_path) as again:
        assert again.corrupt_backup is None
        assert again.find_job("e1") == a_record()


def test_every_corrupt_file_gets_its_own_name(tmp_path: Path) -> None:
    names = []
    for number in range(3):
        (tmp_path / FILE_NAME).write_bytes(NO_DATABASE + b"%d" % number)
        with Journal.open(tmp_path) as journal:
            assert journal.corrupt_backup is not None
            names.append(journal.corrupt_backup.name)

    assert names == [f"{FILE_NAME}.corrupt-{number}" for number in (1, 2, 3)]


def test_a_journal_whose_first_pages_are_corrupt_is_renamed(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    with Journal.open(tmp_path) as journal:
        for number in range(300):
            journal.add_job(a_record(f"e{number}"))
    raw = bytearray(path.read_bytes())
    raw[4096 : 4096 * 8] = b"\xee" * 4096 * 7
    path.write_bytes(raw)

    with Journal.open(tmp_path) as journal:
        journal.add_job(a_record())

    assert journal.corrupt_backup is not None
    assert journal.corrupt_backup.read_bytes() == raw


def test_corruption_found_later_is_an_error_with_a_hint(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    with Journal.open(tmp_path) as journal:
        for number in range(300):
            journal.add_job(a_record(f"e{number}"))
    raw = bytearray(path.read_bytes())
    raw[-4096:] = b"\xee" * 4096
    path.write_bytes(raw)

    with Journal.open(tmp_path) as journal, pytest.raises(JournalError) as caught:
        journal.newest_jobs(1000)

    assert caught.value.hint is not None
    assert str(path) in caught.value.hint
    assert "move" in caught.value.hint


@pytest.mark.parametrize(
    "content", [pytest.param(b"", id="empty"), pytest.param(None, id="not there")]
)
def test_a_new_journal_is_created_silently(
    tmp_path: Path, content: bytes | None
) -> None:
    if content is not None:
        (tmp_path / FILE_NAME).write_bytes(content)

    with Journal.open(tmp_path) as journal:
        assert journal.corrupt_backup is None
        assert journal.newest_jobs(1) == []


def test_a_database_of_another_program_is_not_changed(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    with sqlite3.connect(path) as foreign:
        foreign.execute("CREATE TABLE songs (name)")
        foreign.execute("PRAGMA user_version = 7")
    foreign.close()
    before = path.read_bytes()

    with pytest.raises(JournalError, match="no such table"):
        Journal.open(tmp_path)

    assert path.read_bytes() == before


@pytest.mark.parametrize("what", ["a file in place of the folder", "a folder"])
def test_an_unusable_folder_is_named_in_the_error(tmp_path: Path, what: str) -> None:
    state = tmp_path / "state"
    if what == "a folder":
        (state / FILE_NAME).mkdir(parents=True)
    else:
        state.write_text("")

    with pytest.raises(JournalError) as caught:
        Journal.open(state)

    assert str(state / FILE_NAME) in caught.value.message
    assert caught.value.exit_code is ExitCode.USAGE
    assert "KLING_STATE_DIR" in (caught.value.hint or "")


READ_ONLY = """
import os, sys
from pathlib import Path
from kling_cli.store.journal import Journal, ListenerJournal
from kling_cli.store.database import JournalError
from tests.jobs.factories import a_record
os.setuid(65534) if os.getuid() == 0 else None
for name in sys.argv[1:]:
    try:
        with Journal.open(Path(name)) as journal:
            print(*(each.external_id for each in journal.newest_jobs(9)))
            journal.add_job(a_record("e9"))
    except JournalError as exc:
        print(exc.message, "|", exc.hint)
    try:
        ListenerJournal.open(Path(name))
    except JournalError as exc:
        print(exc.message, "|", exc.hint)
"""


def test_an_unwritable_journal_is_opened_read_only(
    tmp_path: Path,
) -> None:
    states = [tmp_path / name for name in ("closed", "with a log", "of before", "none")]
    closed, logged, older, none = states
    with Journal.open(closed) as journal:
        journal.add_job(a_record("e1"))
    shutil.copytree(closed, older)
    with closing(sqlite3.connect(older / FILE_NAME)) as db:
        db.executescript(
            "ALTER TABLE jobs DROP COLUMN estimated_units; PRAGMA user_version = 2;"
        )
    logged.mkdir()
    with Journal.open(closed) as journal:
        journal.add_job(a_record("e2"))
        for suffix in ("", "-wal"):  # as a machine leaves it that lost its power
            shutil.copy(f"{closed / FILE_NAME}{suffix}", logged)
    none.mkdir()
    for path in tmp_path.rglob("*"):
        path.chmod(0o555 if path.is_dir() else 0o444)
    for path in (tmp_path, *tmp_path.parents[:3]):  # the child may be another user
        if mode(path) == 0o700:
            path.chmod(0o755)

    ran = subprocess.run(
        [sys.executable, "-c", READ_ONLY, *map(str, states)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip

    found = iter(ran.stdout.splitlines())
    for state, jobs in ((closed, "e2 e1"), (logged, "e2 e1"), (older, "e1")):
        assert next(found) == jobs
        for _ in ("a job", "a listener"):
            message = next(found)
            assert f"the journal {state / FILE_NAME} cannot be" in message
            assert "make the folder writable" in message
            assert "KLING_STATE_DIR" in message
    assert str(none / FILE_NAME) in next(found)
    assert {path.name for path in closed.iterdir()} == {FILE_NAME}


def test_an_older_journal_gets_the_newer_columns(tmp_path: Path) -> None:
    with Journal.open(tmp_path) as old:
        old.add_job(a_record("e1"))
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as db:
        db.executescript(
            "ALTER TABLE jobs DROP COLUMN estimated_units; PRAGMA user_version = 2;"
        )

    with Journal.open(tmp_path) as journal:
        journal.add_job(a_record("e2", estimated_units=4.5))
        found = {each.external_id: each for each in journal.newest_jobs(9)}

    assert journal.corrupt_backup is None
    assert found["e1"] == a_record("e1")
    assert found["e2"].estimated_units == 4.5
