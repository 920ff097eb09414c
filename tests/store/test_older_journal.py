"""A journal made by an older program, read by this one.

`data/journal_v3.db.gz` was written by the program of 2026-11-29 with four jobs on a
sandbox and a `kling listen` that forwarded mock callbacks; `data/journal_v3.json` is
what that program printed of it.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from kling_cli.store.database import FILE_NAME
from kling_cli.store.journal import Journal
from kling_cli.store.records import CallbackFilter, OutputKey, Stage
from tests.support.kling import Kling

DATA = Path(__file__).parent / "data"
PRINTED_API_BASE = "http://127.0.0.1:18231"  # nothing listens there
PRINTED: dict[str, Any] = json.loads((DATA / "journal_v3.json").read_text("utf-8"))


def unpack_into(state_dir: Path) -> None:
    state_dir.mkdir(parents=True, exist_ok=True)
    packed = (DATA / "journal_v3.db.gz").read_bytes()
    (state_dir / FILE_NAME).write_bytes(gzip.decompress(packed))


def reduced_to(expected: Any, found: Any) -> Any:
    """Return `found` without the keys that `expected` lacks: documents may grow."""
    if isinstance(expected, dict) and isinstance(found, dict):
        return {key: reduced_to(expected[key], found.get(key)) for key in expected}
    if isinstance(expected, list) and isinstance(found, list):
        pairs = zip(expected, found, strict=False)
        return [*(reduced_to(*pair) for pair in pairs), *found[len(expected) :]]
    return found


def test_jobs_callbacks_and_forwards_of_an_older_journal_are_read(
    tmp_path: Path,
) -> None:
    unpack_into(tmp_path)

    with Journal.open(tmp_path) as journal:
        jobs = journal.newest_jobs(9)
        unfinished = journal.unfinished_jobs()
        callbacks = journal.list_callbacks(CallbackFilter())
        forwards = journal.forwards_by_callback(callbacks)
        failed = journal.list_callbacks(CallbackFilter(is_failed=True))
        key = OutputKey(
            api_base=jobs[0].api_base, task_id="t1", file_index=1, is_watermark=False
        )

        assert journal.corrupt_backup is None
        assert journal.partial_files(key) == []  # the table is newer than the file

    stages = [Stage.SUBMITTED, Stage.SUCCEEDED, Stage.SUCCEEDED, Stage.FAILED]
    assert [job.stage for job in jobs] == stages
    assert [job.paths for job in jobs] == [(), ("lantern.png",), ("boat.mp4",), ()]
    assert [job.prompt for job in jobs][-1] == "A kite"
    assert [job.external_id for job in unfinished] == ["my-train"]
    assert [each.id for each in callbacks] == list(range(1, 15))
    taken = {number: len(each) for number, each in forwards.items() if each}
    assert taken == {2: 1, 10: 1, 11: 1, 12: 1, 13: 1}
    assert [each.id for each in failed] == [13]


@pytest.mark.parametrize(
    ("name", "args", "exit_code"),
    [
        pytest.param("list", ("list",), 0, id="list"),
        pytest.param("events list", ("events", "list"), 0, id="events"),
        pytest.param("status", ("status", "my-kite"), 6, id="status without the API"),
    ],
)
def test_commands_print_of_an_older_journal_what_the_older_program_printed(
    own_home: Path, name: str, args: tuple[str, ...], exit_code: int
) -> None:
    kling = Kling(own_home)
    unpack_into(kling.state_dir)
    env = {"KLING_API_BASE": PRINTED_API_BASE, "KLING_API_KEY": "any-key"}

    result = kling.run(*args, "--json", env=env)

    assert reduced_to(PRINTED[name], result.json()) == PRINTED[name]
    assert result.exit_code == exit_code
