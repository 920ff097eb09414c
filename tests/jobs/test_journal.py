"""The journal as one process sees it; many of them are in test_journal_shared.py."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from kling_cli.api.task import Output, Task
from kling_cli.errors import UsageError
from kling_cli.jobs.entry import Stage
from kling_cli.jobs.journal import Journal, PartialPlace
from kling_cli.jobs.journal_file import JournalError
from kling_cli.jobs.part import PartialRecord
from tests.jobs.made import NOON, SUCCEEDED, a_callback, a_video, an_entry

SECOND = timedelta(seconds=1)
BASE = an_entry().api_base


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal.open(tmp_path / "state") as journal:
        yield journal


def test_a_job_is_found_by_its_external_id_and_by_its_task_id(
    journal: Journal,
) -> None:
    entry = an_entry("e1", task_id="t1")
    journal.write_down(entry)

    assert journal.find("e1") == entry
    assert journal.find("t1") == entry
    assert journal.find("t2") is None


def test_what_was_written_is_there_after_closing(tmp_path: Path) -> None:
    with Journal.open(tmp_path) as journal:
        journal.write_down(an_entry())

    with Journal.open(tmp_path) as again:
        assert again.find("e1") == an_entry()
        assert again.set_aside is None


def test_an_external_id_is_taken_once(journal: Journal) -> None:
    journal.write_down(an_entry())

    with pytest.raises(UsageError, match="e1 has been used") as caught:
        journal.write_down(an_entry(command="image2video"))

    assert not isinstance(caught.value, JournalError)
    assert caught.value.hint == "kling status e1"
    assert journal.find("e1") == an_entry()


def test_what_the_api_said_is_stored_with_its_links(journal: Journal) -> None:
    journal.write_down(an_entry())
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

    journal.observe("e1", task)

    found = journal.find("t1")
    assert found is not None
    assert found.stage is Stage.SUCCEEDED
    assert found.as_task == replace(task, external_id="e1")


def test_columns_of_one_job_change_and_no_other(journal: Journal) -> None:
    journal.write_down(an_entry("e1"))
    journal.write_down(an_entry("e2"))

    journal.change("e1", paths=("a.mp4",), stage=Stage.ABSENT, owner_pid=None)

    assert journal.find("e1") == an_entry("e1", paths=("a.mp4",), stage=Stage.ABSENT)
    assert journal.find("e2") == an_entry("e2")


def test_open_jobs_and_unsaved_ones_are_unfinished_oldest_first(
    journal: Journal,
) -> None:
    for number, stage in enumerate(Stage):
        at = NOON - number * SECOND
        journal.write_down(an_entry(stage.value, stage=stage, written_at=at))
    done: dict[str, Any] = {"stage": Stage.SUCCEEDED, "written_at": NOON}
    journal.write_down(an_entry("saved", paths=("v.mp4",), **done))
    odd = 'a "".mp4'  # a name may hold what an empty one looks like
    journal.write_down(an_entry("saved too", paths=(odd, "b.mp4"), **done))
    journal.write_down(an_entry("not to save", is_downloading=False, **done))
    half: dict[str, Any] = {**done, "written_at": NOON + SECOND}
    journal.write_down(an_entry("half saved", paths=("a.mp4", ""), **half))

    names = [entry.external_id for entry in journal.unfinished()]

    assert names == ["succeeded", "processing", "submitted", "sending", "half saved"]


def test_the_newest_come_first_and_no_more_than_asked_for(journal: Journal) -> None:
    for number in range(5):
        journal.write_down(an_entry(f"e{number}", written_at=NOON))
    journal.write_down(an_entry("late", written_at=NOON + SECOND))

    names = [entry.external_id for entry in journal.newest(3)]

    assert names == ["late", "e4", "e3"]


@pytest.mark.parametrize(
    ("times", "usual_s"),
    [
        pytest.param([], None, id="none"),
        pytest.param([10, 20], None, id="two say nothing"),
        pytest.param([10, 99, 20], 20, id="the middle of three"),
        pytest.param([1] * 5 + [50] * 10, 50, id="the last ten only"),
        pytest.param([10, 20, 0, 0], None, id="times that cannot be"),
    ],
)
def test_the_usual_time_is_the_median_of_the_last_ten(
    journal: Journal, times: list[int], usual_s: float | None
) -> None:
    for number, seconds in enumerate(times):
        journal.write_down(
            an_entry(
                f"e{number}",
                stage=Stage.SUCCEEDED,
                written_at=NOON + number * SECOND,
                created_at=NOON,
                updated_at=NOON + seconds * SECOND,
            )
        )

    assert journal.usual_s("text2video", "kling-3.0-turbo", BASE) == usual_s


def test_the_usual_time_is_that_of_the_same_product_model_and_success(
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
        journal.write_down(an_entry(f"e{number}", **columns))

    assert journal.usual_s("text2video", "kling-3.0-turbo", BASE) is None
    assert journal.usual_s("text2video", None, BASE) == 9


def test_a_callback_is_kept_to_the_byte_and_numbered(journal: Journal) -> None:
    first = journal.keep_callback(a_callback())
    second = journal.keep_callback(a_callback(task_id=None, status=None, raw=b""))

    kept = journal.callbacks_after(0, ["n1"])

    assert [one.id for one in kept] == [first, second]
    assert kept[0] == a_callback(id=first)
    assert kept[1].raw == b""


def test_callbacks_are_given_out_by_capability_and_number(journal: Journal) -> None:
    first = journal.keep_callback(a_callback("n1"))
    journal.keep_callback(a_callback("of another"))
    journal.keep_callback(a_callback(None))
    last = journal.keep_callback(a_callback("n2"))

    assert [one.id for one in journal.callbacks_after(0, {"n1", "n2"})] == [first, last]
    assert [one.id for one in journal.callbacks_after(first, {"n1", "n2"})] == [last]
    assert journal.callbacks_after(0, []) == []


def test_the_version_changes_with_what_others_write_and_not_with_our_own(
    tmp_path: Path,
) -> None:
    with Journal.open(tmp_path) as ours, Journal.open(tmp_path) as theirs:
        before = ours.data_version()
        ours.keep_callback(a_callback())
        after_us = ours.data_version()
        theirs.keep_callback(a_callback())
        after_them = ours.data_version()

    assert before == after_us != after_them


def test_partial_files_are_known_by_their_output_until_they_are_forgotten(
    journal: Journal,
) -> None:
    place = PartialPlace(api_base=BASE, task_id="t1", file_index=1, is_watermark=False)
    odd = PartialRecord(
        path=Path(os.fsdecode(b"/films/\xff")), etag='"1"', total_bytes=9
    )
    late = PartialRecord(path=Path("/films/b"))
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
