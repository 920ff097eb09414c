from __future__ import annotations

from dataclasses import fields
from datetime import timedelta

import pytest

from kling_cli.api.tasks import Output, TaskStatus
from kling_cli.store.records import COLUMNS, JobRecord, Stage, from_row, to_row
from tests.jobs.factories import NOON, UNKNOWN, a_record

FULL = a_record(
    task_id="t1",
    stage=Stage.SUCCEEDED,
    message="done",
    units=4.5,
    usual_s=90.0,
    created_at=NOON,
    updated_at=NOON + timedelta(seconds=41.25),
    outputs=(Output(type="video", id="1", url="http://h/v.mp4", duration_s=5.041),),
    output="{task_id}.{ext}",
    is_downloading=False,
    has_watermark=True,
    is_forced=True,
    paths=("a.mp4", "b.mp4"),
    owner_pid=77,
    owner_started_at=1.5,
    request_id="r-1",
)


@pytest.mark.parametrize(
    "entry", [pytest.param(FULL, id="all"), pytest.param(a_record(), id="least")]
)
def test_a_job_survives_encoding_as_a_row(entry: JobRecord) -> None:
    assert from_row(to_row(entry)) == entry


def test_every_field_has_a_column() -> None:
    assert (
        tuple(to_row(FULL)) == COLUMNS == tuple(one.name for one in fields(JobRecord))
    )


@pytest.mark.parametrize(
    ("stage", "is_open"),
    [
        (Stage.SENDING, True),
        (Stage.SUBMITTED, True),
        (Stage.PROCESSING, True),
        (Stage.SUCCEEDED, False),
        (Stage.FAILED, False),
        (Stage.REFUSED, False),
        (Stage.ABSENT, False),
    ],
)
def test_a_stage_is_open_until_the_task_is_final(stage: Stage, is_open: bool) -> None:
    assert stage.is_open is is_open


@pytest.mark.parametrize("status", list(TaskStatus))
def test_every_status_has_a_stage_that_is_open_until_final(
    status: TaskStatus,
) -> None:
    assert Stage.of(status).is_open is not status.is_final


def test_a_status_is_unknown_until_the_job_is_settled() -> None:
    assert a_record(stage=Stage.SENDING).status is UNKNOWN
    assert a_record(stage=Stage.FAILED).status is TaskStatus.FAILED


def test_a_job_is_a_task_once_the_task_id_is_known() -> None:
    task = FULL.as_task

    assert a_record().as_task is None
    assert task is not None
    assert (task.id, task.status, task.outputs) == (
        "t1",
        TaskStatus.SUCCEEDED,
        FULL.outputs,
    )
    assert (task.updated_at, task.units, task.message) == (FULL.updated_at, 4.5, "done")
