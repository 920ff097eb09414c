"""The journal in one process; several processes are in test_journal_shared.py."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from kling_cli.api.tasks import Output, Task
from kling_cli.errors import UsageError
from kling_cli.store.database import JournalError
from kling_cli.store.journal import Journal
from kling_cli.store.records import OutputKey, PartialFileRecord, Stage
from tests.jobs.factories import NOON, SUCCEEDED, a_callback, a_record, a_video

SECOND = timedelta(seconds=1)
BASE = a_record().api_base


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal.open(tmp_path / "state") as journal:
        yield journal


def test_a_job_is_found_by_its_external_id_and_by_its_task_id(
    journal: Journal,
) -> None:
    entry = a_record("e1", task_id="t1")
    journal.add_job(entry)

    assert journal.find_job("e1") == entry
    assert journal.find_job("t1") == entry
    assert journal.find_job("t2") is None


def test_a_job_is_stored_after_closing(tmp_path: Path) -> None:
    with Journal.open(tmp_path) as journal:
        journal.add_job(a_record())

    with Journal.open(tmp_path) as again:
        assert again.find_job("e1") == a_record()
        assert again.corrupt_backup is None


def test_an_external_id_is_used_once(journal: Journal) -> None:
    journal.add_job(a_record())

    with pytest.raises(UsageError, match="e1 has been used") as caught:
        journal.add_job(a_record(command="image2video"))

    assert not isinstance(caught.value, JournalError)
    assert caught.value.hint == "kling status e1"
    assert journal.find_job("e1") == a_record()


def test_a_task_of_the_api_is_stored_with_its_urls(journal: Journal) -> None:
    journal.add_job(a_record())
    task = Task(
        id="t1",
        status=SUCCEEDED,
        message="done",
        created_at=NOON,
        updated_at=NOON + 40 * SECOND,
        outputs=(a_video(duration_s=5.041), Output(type="image")),
        units=4.0,
        request_id="r-1",
    )

    journal.record_task("e1", task)

    found = journal.find_job("t1")
    assert found is not None
    assert found.stage is Stage.SUCCEEDED
    assert found.as_task == replace(task, external_id="e1")


def test_only_the_columns_of_one_job_are_updated(journal: Journal) -> None:
    journal.add_job(a_record("e1"))
    journal.add_job(a_record("e2"))

    journal.update_job("e1", paths=("a.mp4",), stage=Stage.ABSENT, owner_pid=None)

    assert journal.find_job("e1") == a_record(
        "e1", paths=("a.mp4",), stage=Stage.ABSENT
    )
    assert journal.find_job("e2") == a_record("e2")


def test_open_jobs_and_unsaved_ones_are_unfinished_oldest_first(
    journal: Journal,
) -> None:
    for number, stage in enumerate(Stage):
        at = NOON - number * SECOND
        journal.add_job(a_record(stage.value, stage=stage, written_at=at))
    done: dict[str, Any] = {"stage": Stage.SUCCEEDED, "written_at": NOON}
    journal.add_job(a_record("saved", paths=("v.mp4",), **done))
    odd = 'a "".mp4'  # a name may hold what an empty one looks like
    journal.add_job(a_record("saved too", paths=(odd, "b.mp4"), **done))
    journal.add_job(a_record("not to save", is_downloading=False, **done))
    half: dict[str, Any] = {**done, "written_at": NOON + SECOND}
    journal.add_job(a_record("half saved", paths=("a.mp4", ""), **half))

    names = [entry.external_id for entry in journal.unfinished_jobs()]

    assert names == ["succeeded", "processing", "submitted", "sending", "half saved"]


def test_the_newest_jobs_come_first_up_to_the_limit(journal: Journal) -> None:
    for number in range(5):
        journal.add_job(a_record(f"e{number}", written_at=NOON))
    journal.add_job(a_record("late", written_at=NOON + SECOND))

    names = [entry.external_id for entry in journal.newest_jobs(3)]

    assert names == ["late", "e4", "e3"]


@pytest.mark.parametrize(
    ("times", "usual_s"),
    [
        pytest.param([], None, id="none"),
        pytest.param([10, 20], None, id="too few"),
        pytest.param([10, 99, 20], 20, id="the middle of three"),
        pytest.param([1] * 5 + [50] * 10, 50, id="the last ten only"),
        pytest.param([10, 20, 0, 0], None, id="times that cannot be"),
    ],
)
def test_the_usual_duration_is_the_median_of_the_last_ten(
    journal: Journal, times: list[int], usual_s: float | None
) -> None:
    for number, seconds in enumerate(times):
        journal.add_job(
            a_record(
                f"e{number}",
                stage=Stage.SUCCEEDED,
                written_at=NOON + number * SECOND,
                created_at=NOON,
                updated_at=NOON + seconds * SECOND,
            )
        )

    assert journal.usual_s("text2video", "kling-3.0-turbo", BASE) == usual_s


def test_the_usual_duration_is_that_of_succeeded_tasks_of_the_product_and_model(
    journal: Journal,
) -> None:
    others: list[dict[str, Any]] = [
        {"product": "image2video"},
        {"model": None},
        {"stage": Stage.FAILED},
    ]
    for number, other in enumerate(others * 3):
        took = {"created_at": NOON, "updated_at": NOON + 9 * SECOND}
        columns: dict[str, Any] = {"stage": Stage.SUCCEEDED, **took, **other}
        journal.add_job(a_record(f"e{number}", **columns))

    assert journal.usual_s("text2video", "kling-3.0-turbo", BASE) is None
    assert journal.usual_s("text2video", None, BASE) == 9


def test_a_callback_is_stored_to_the_byte_and_numbered(journal: Journal) -> None:
    first = journal.add_callback(a_callback())
    second = journal.add_callback(a_callback(task_id=None, status=None, raw=b""))

    stored = journal.callbacks_after(0, ["n1"])

    assert [one.id for one in stored] == [first, second]
    assert stored[0] == a_callback(id=first)
    assert stored[1].raw == b""


def test_callbacks_are_selected_by_nonce_and_number(journal: Journal) -> None:
    first = journal.add_callback(a_callback("n1"))
    journal.add_callback(a_callback("of another"))
    journal.add_callback(a_callback(None))
    last = journal.add_callback(a_callback("n2"))

    assert [one.id for one in journal.callbacks_after(0, {"n1", "n2"})] == [first, last]
    assert [one.id for one in journal.callbacks_after(first, {"n1", "n2"})] == [last]
    assert journal.callbacks_after(0, []) == []


def test_the_data_version_changes_with_writes_of_others_only(
    tmp_path: Path,
) -> None:
    with Journal.open(tmp_path) as ours, Journal.open(tmp_path) as theirs:
        before = ours.data_version()
        ours.add_callback(a_callback())
        after_us = ours.data_version()
        theirs.add_callback(a_callback())
        after_them = ours.data_version()

    assert before == after_us != after_them


def test_partial_files_are_found_by_their_output_until_removed(
    journal: Journal,
) -> None:
    place = OutputKey(api_base=BASE, task_id="t1", file_index=1, is_watermark=False)
    odd = PartialFileRecord(
        path=Path(os.fsdecode(b"/films/\xff")), etag='"1"', total_bytes=9
    )
    late = PartialFileRecord(path=Path("/films/b"))
    journal.add_partial_file(place, replace(odd, etag=None), written_at=NOON - SECOND)
    journal.add_partial_file(place, odd, written_at=NOON)
    journal.add_partial_file(place, late, written_at=NOON + SECOND)

    assert journal.partial_files(place) == [late, odd]
    assert journal.partial_files(replace(place, api_base="x")) == []
    assert journal.partial_files(replace(place, task_id="x")) == []
    assert journal.partial_files(replace(place, file_index=2)) == []
    assert journal.partial_files(replace(place, is_watermark=True)) == []
    assert journal.partial_files_before(NOON + SECOND) == [odd.path]
    journal.remove_partial_file(odd.path)
    assert journal.partial_files(place) == [late]
