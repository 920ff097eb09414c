from __future__ import annotations

from kling_cli.api.tasks import TaskStatus
from kling_cli.cli.output.live.progress import ProgressModel, Transfer, apply_event
from kling_cli.errors import UnreachableError
from kling_cli.jobs import events
from kling_cli.jobs.events import Event
from tests.cli.output.examples import (
    EXTERNAL_ID,
    FILE,
    TASK_ID,
    a_result,
    downloading,
    one_of_each,
    prepared,
    status_changed,
    submitted,
)


def progress_after(*history: Event, step_s: float = 1.0) -> ProgressModel:
    """Return the progress after these events, one every `step_s`, the first at 0."""
    progress = ProgressModel()
    for count, event in enumerate(history):
        progress = apply_event(progress, event, count * step_s)
    return progress


def test_a_job_is_one_row_from_its_preparation_to_its_end() -> None:
    progress = progress_after(*one_of_each())

    [row] = progress.rows
    assert (row.external_id, row.task_id) == (EXTERNAL_ID, TASK_ID)
    assert row.submitted_at == 6.0
    assert row.phase == "succeeded"
    assert row.is_done
    assert row.transfers == {}


def test_phases_say_what_is_being_done() -> None:
    slot = events.WaitingForSlot(external_id=EXTERNAL_ID, attempt=2, pause_s=1.5)
    doubt = events.OutcomeCheck(external_id=EXTERNAL_ID, reason="?")

    assert progress_after(prepared()).rows[0].phase == "submitting"
    assert (
        progress_after(prepared(), slot).rows[0].phase
        == "waiting for a slot, attempt 2"
    )
    assert progress_after(prepared(), slot).next_query_at == 1.0 + 1.5
    assert "finding out" in progress_after(prepared(), doubt).rows[0].phase
    assert progress_after(submitted(), downloading(1, 9)).rows[0].phase == "saving"


def test_an_opening_tunnel_is_shown_until_it_is_open_or_failed() -> None:
    opening = events.TunnelOpening(provider="ngrok")
    ready = events.CallbackPath(state="ready", via="ngrok")

    assert progress_after(opening).activity == "opening a tunnel with ngrok"
    assert progress_after(opening, ready).activity is None
    assert progress_after(opening, ready).path == "callbacks can come in through ngrok"


def test_tasks_that_are_waited_for_again_have_rows_of_their_own() -> None:
    progress = progress_after(
        submitted(task_id="1", external_id="e1"),
        submitted(task_id="2", external_id="e2"),
        status_changed(TaskStatus.PROCESSING, task_id="2"),
        status_changed(TaskStatus.PROCESSING, task_id="3"),
    )

    assert [row.task_id for row in progress.rows] == ["1", "2", "3"]
    assert [row.phase for row in progress.rows] == [
        "submitted",
        "processing",
        "processing",
    ]


def test_the_end_of_a_job_never_seen_makes_no_row() -> None:
    assert progress_after(events.Finished(result=a_result())).rows == ()


def test_a_job_without_a_task_id_ends_under_its_external_id() -> None:
    ended = events.Finished(result=a_result(task_id=None))

    assert progress_after(prepared(), ended).rows[0].is_done


def test_the_rate_of_a_download_is_what_came_since_it_was_first_seen() -> None:
    progress = progress_after(
        submitted(), downloading(1000, 9000), downloading(3000, 9000)
    )

    transfer = progress.rows[0].transfers[FILE]
    assert transfer.rate(now=3.0) == 2000 / 2
    assert transfer.left_s(now=3.0) == 6000 / 1000


def test_a_download_that_has_just_begun_promises_nothing() -> None:
    transfer = Transfer(
        name=FILE, done_bytes=10, total_bytes=None, started_at=0.0, start_bytes=0
    )

    assert transfer.rate(now=0.1) is None
    assert transfer.left_s(now=5.0) is None


def test_a_broken_download_says_when_it_goes_on() -> None:
    broke = events.DownloadRetry(task_id=TASK_ID, name=FILE, reason="?", retry_s=2.0)

    assert progress_after(submitted(), broke).rows[0].phase == "saving again in 2s"


def test_a_task_that_is_older_than_this_run_has_its_own_age() -> None:
    assert progress_after(submitted(age_s=20.0)).rows[0].submitted_at == -20.0


def test_trouble_is_known_until_the_api_answers() -> None:
    down = UnreachableError("the API cannot be reached")
    unsent = events.SendFailed(
        external_id=EXTERNAL_ID, error=down, attempt=2, most_attempts=6, retry_s=1.0
    )
    unasked = events.QueryFailed(error=down, retry_s=2.0, attempt=3)
    asking = events.Querying(task_ids=(TASK_ID,), in_s=2.0, failures=3)
    asked = events.Querying(task_ids=(TASK_ID,), in_s=9.0)

    sending = progress_after(prepared(), unsent)
    assert sending.api_error == ("the API cannot be reached", "try 2 of 6")
    assert sending.next_query_at == 2.0
    assert progress_after(prepared(), unsent, submitted()).api_error == ()
    assert progress_after(submitted(), unasked, asking).api_error == (
        "the API cannot be reached",
        "try 3",
    )
    assert progress_after(submitted(), unasked, asked).api_error == ()


def test_the_next_question_is_counted_down_from_when_it_was_announced() -> None:
    lost = events.QueryFailed(error=UnreachableError("no answer"), retry_s=2.0)

    assert (
        progress_after(events.Querying(task_ids=("1",), in_s=12.0)).next_query_at
        == 12.0
    )
    assert progress_after(prepared(), lost).next_query_at == 1.0 + 2.0
