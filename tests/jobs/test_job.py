from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from kling_cli.api.tasks import Output, Task
from kling_cli.errors import (
    ContentRefusedError,
    NotSavedError,
    StillRunningError,
    TaskFailedError,
)
from kling_cli.jobs.job import Job, cost_difference, expires_at, task_error
from kling_cli.jobs.waiting.state_machine import Source, initial_state
from kling_cli.store.records import SavedOutput, Stage
from tests.jobs.factories import (
    FAILED,
    NOON,
    PROCESSING,
    SUBMITTED,
    SUCCEEDED,
    UNKNOWN,
    a_record,
    a_task,
    a_video,
)


def a_job(task: Task | None = None, **columns: Any) -> Job:
    record = a_record(**columns)
    state = initial_state(task) if task else None
    return Job(command="wait", record=record, state=state)


@pytest.mark.parametrize("status", [SUBMITTED, PROCESSING, SUCCEEDED, UNKNOWN])
def test_only_a_failed_task_is_a_failure(status: Any) -> None:
    assert task_error(a_task(status=status)) is None


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("Internal generation error", TaskFailedError),
        (None, TaskFailedError),
        ("Failure to pass the risk control system", ContentRefusedError),
        ("CONTENT SAFETY: no", ContentRefusedError),
    ],
)
def test_the_failure_has_the_task_s_own_reason(
    message: str | None, kind: type[Exception]
) -> None:
    error = task_error(a_task(status=FAILED, message=message))

    assert type(error) is kind
    assert (message or "no reason was given") in str(error)


def test_the_first_reason_to_fail_stays() -> None:
    job = a_job()
    first, second = StillRunningError("1"), NotSavedError("2")

    job.fail(first, 1.0)
    job.fail(second, 2.0)

    assert (job.error, job.ended_at) == (first, 2.0)


def link(expires: str) -> Output:
    return a_video(f"http://h/v.mp4?Expires={expires}&sig=1")


@pytest.mark.parametrize(
    ("outputs", "expected"),
    [
        pytest.param([link("1793000000")], 1793000000, id="as the link says"),
        pytest.param([link("1793000009"), link("1793000001")], 1793000001, id="first"),
        pytest.param([link("soon")], None, id="no number"),
        pytest.param([link("9" * 11)], None, id="no time"),
        pytest.param([a_video("http://[h")], None, id="no link"),
        pytest.param([Output(type="video")], None, id="without a link"),
        pytest.param([], None, id="nothing"),
    ],
)
def test_links_expire_as_announced_or_with_the_task_after_thirty_days(
    outputs: list[Output], expected: int | None
) -> None:
    task = a_task(status=SUCCEEDED, outputs=tuple(outputs), created_at=NOON)

    moment = NOON + timedelta(days=30)
    if expected is not None:
        moment = datetime.fromtimestamp(expected, UTC)
    assert expires_at(task) == moment


def test_a_task_without_links_or_date_has_no_end() -> None:
    assert expires_at(a_task(status=SUCCEEDED)) is None
    assert expires_at(a_task(status=PROCESSING, created_at=NOON)) is None


@pytest.mark.parametrize(
    ("job", "resume"),
    [
        pytest.param(a_job(a_task("t1")), "kling wait t1", id="running"),
        pytest.param(a_job(task_id="t2"), "kling wait t2", id="known from the journal"),
        pytest.param(a_job(), "kling wait e1", id="not settled"),
        pytest.param(a_job(route=""), None, id="an unknown name"),
        pytest.param(a_job(stage=Stage.REFUSED), None, id="refused"),
        pytest.param(a_job(a_task(status=FAILED)), None, id="failed"),
        pytest.param(a_job(a_task(status=SUCCEEDED)), None, id="done"),
    ],
)
def test_unfinished_jobs_have_a_resume_command(job: Job, resume: str | None) -> None:
    assert job.result().resume == resume


def test_a_failed_save_has_a_download_command() -> None:
    job = a_job(a_task("t1", SUCCEEDED))
    job.fail(NotSavedError("no"), 1.0)

    assert job.result().resume == "kling download t1"


def test_a_result_without_an_answer_is_that_of_the_journal() -> None:
    known: dict[str, Any] = {
        "task_id": "t1",
        "stage": Stage.SUCCEEDED,
        "units": 4.0,
        "message": "ok",
    }

    result = a_job(outputs=(a_video(),), request_id="r", **known).result()

    assert (result.task_id, result.status, result.units) == ("t1", SUCCEEDED, 4.0)
    assert (result.status_message, result.request_id) == ("ok", "r")
    assert result.outputs == (SavedOutput(output=a_video()),)
    assert (result.elapsed_s, result.completed_by, result.callbacks) == (None, None, 0)


@pytest.mark.parametrize(
    ("charged", "estimated", "surprise"),
    [
        (5.0, 4.0, "charged 5 units, estimated 4: task t1"),
        (3.2, 4.0, "charged 3.2 units, estimated 4: task t1"),
        (4.0, 4.0, None),
        (4.004, 4.0, None),
        (None, 4.0, None),
        (4.0, None, None),
    ],
)
def test_a_price_other_than_estimated_is_reported(
    charged: float | None, estimated: float | None, surprise: str | None
) -> None:
    task = replace(a_task("t1", SUCCEEDED), units=charged)

    job = a_job(task, estimated_units=estimated)

    assert cost_difference(job) == surprise
    assert job.result().estimated_units == estimated


def test_a_job_without_a_task_has_no_cost_difference() -> None:
    assert cost_difference(a_job(estimated_units=4.0)) is None


def test_a_result_counts_the_queries_of_every_step() -> None:
    job = a_job(a_task())
    job.queries = 2
    assert job.state is not None
    job.state = replace(job.state, queries=3, callbacks=1)
    job.started_at, job.ended_at = 10.0, 12.3456

    result = job.result()

    assert (result.query_requests, result.callbacks) == (5, 1)
    assert result.elapsed_s == 2.346


@pytest.mark.parametrize(
    ("by", "said"),
    [
        (Source.CALLBACK, "callback"),
        (Source.POLL, "poll"),
        (Source.CREATE, "poll"),
        (None, None),
    ],
)
def test_a_job_is_completed_by_a_callback_or_by_asking(
    by: Source | None, said: str | None
) -> None:
    job = a_job(a_task())
    assert job.state is not None
    job.state = replace(job.state, completed_by=by)

    assert job.result().completed_by == said


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        pytest.param(("a.mp4", "b.mp4"), [Path("a.mp4"), Path("b.mp4")], id="all"),
        pytest.param(("a.mp4",), [None, None], id="fewer paths than outputs"),
        pytest.param((), [None, None], id="none"),
        pytest.param(("", "b.mp4"), [None, Path("b.mp4")], id="one of them"),
    ],
)
def test_paths_of_an_earlier_run_are_used_when_they_match_the_outputs(
    paths: tuple[str, ...], expected: list[Path | None]
) -> None:
    task = a_task(status=SUCCEEDED, outputs=(a_video(), a_video()))

    result = a_job(task, paths=paths).result()

    assert [one.path for one in result.outputs] == expected
