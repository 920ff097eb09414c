from __future__ import annotations

import typing

import pytest

from kling_cli.api.tasks import TaskStatus
from kling_cli.cli.output.plain_lines import (
    callback_path_text,
    error_lines,
    event_line,
    is_warning,
    result_summary,
)
from kling_cli.cli.output.terminal.capabilities import with_colored_prefix
from kling_cli.errors import RefusedError, UsageError
from kling_cli.jobs import events
from kling_cli.jobs.events import Event
from tests.cli.output.examples import (
    EXTERNAL_ID,
    FILE,
    TASK_ID,
    a_result,
    one_of_each,
    prepared,
    status_changed,
    submitted,
)

GOLDEN = f"""\
text2video with kling-3.0-turbo, about 4 units, $0.56 (kling-01f7)
opening a tunnel with ngrok
callbacks can come in through ngrok
waiting for a slot, attempt 2; again in 1.5s
could not submit, try 1 of 6: the API cannot be reached; again in 0.5s
not sure the API took the job (the connection broke); asking for kling-01f7
submitted {TASK_ID}: text2video with kling-3.0-turbo, usually 1m 30s
could not ask: the API answered 502; again in 2s
callback: {TASK_ID} processing (via the secret URL); checking with the API
{TASK_ID} processing
warning: the tunnel is slow (never mind)
2 faces found (0.05 units)
resuming {FILE} after 87.9 KB of 1.2 MB
{FILE}: the connection broke; again in 1s
saved {FILE} (1.2 MB)
{TASK_ID} succeeded, took 1m 32s, 4 units, notified by callback
"""


def test_every_kind_of_event_has_a_formatter() -> None:
    kinds = set(typing.get_args(Event))

    assert {type(event) for event in one_of_each()} == kinds


def test_a_run_reads_as_one_plain_line_for_each_change() -> None:
    printed = [event_line(event) for event in one_of_each()]

    assert "".join(f"{text}\n" for text in printed if text is not None) == GOLDEN


@pytest.mark.parametrize(
    ("event", "text"),
    [
        pytest.param(
            prepared(units=None, usd=None),
            "text2video with kling-3.0-turbo (kling-01f7)",
            id="no estimate",
        ),
        pytest.param(
            prepared(units=None, at_most_units=27.0, usd=3.78),
            "text2video with kling-3.0-turbo, at most 27 units, $3.78 (kling-01f7)",
            id="a bound",
        ),
        pytest.param(
            submitted(model=None, usual_s=None),
            f"submitted {TASK_ID}: text2video",
            id="nothing known of the model",
        ),
        pytest.param(
            events.CallbackPath(
                state="none", detail="ngrok has no token", hint="kling doctor"
            ),
            "no callbacks; polling: ngrok has no token (kling doctor)",
            id="no tunnel",
        ),
        pytest.param(
            status_changed(TaskStatus.PROCESSING, message="soon"),
            f"{TASK_ID} processing: soon",
            id="status with a message",
        ),
        pytest.param(status_changed(TaskStatus.FAILED), None, id="final status"),
        pytest.param(
            events.CallbackArrived(task_id=None, status="failed", trust="token"),
            "callback: a task failed (via the secret URL); checking with the API",
            id="callback without an id",
        ),
    ],
)
def test_a_line_has_the_known_facts(event: Event, text: str | None) -> None:
    assert event_line(event) == text


def test_words_of_the_api_cannot_act_on_the_terminal() -> None:
    event = status_changed(TaskStatus.PROCESSING, message="\x1b[2J\nfake line")

    assert event_line(event) == f"{TASK_ID} processing: \\x1b[2J\\nfake line"


@pytest.mark.parametrize(
    ("state", "via", "words"),
    [
        ("ready", "shared", "callbacks can come in through another kling"),
        ("ready", "loopback", "callbacks can come in on this machine"),
        ("back", "url", "the way for callbacks is back through your URL"),
        ("proven", "ngrok", "callbacks arrive; polling less"),
        ("lost", "ngrok", "the way for callbacks is lost; polling more"),
        ("unheard of", None, "unheard of"),
    ],
)
def test_each_state_of_the_callback_path_has_a_text(
    state: str, via: str | None, words: str
) -> None:
    assert callback_path_text(events.CallbackPath(state=state, via=via)) == words


def test_a_job_that_is_still_running_is_not_reported_as_ended() -> None:
    left = a_result(
        status=TaskStatus.UNKNOWN,
        task_id=None,
        elapsed_s=None,
        units=None,
        completed_by=None,
    )

    assert result_summary(left) == "kling-01f7 not finished"


def test_our_own_errors_may_have_several_lines_and_the_apis_words_may_not() -> None:
    ours = UsageError("one\ntwo", hint="type\nthis")
    theirs = RefusedError("one\ntwo", code=1201)

    assert list(error_lines(ours)) == ["error: one", "       two", "hint: type this"]
    assert list(error_lines(theirs)) == ["error: one\\ntwo"]
    assert list(error_lines(UsageError(""))) == ["error: usage"]


def test_only_the_word_at_the_start_is_coloured() -> None:
    assert with_colored_prefix("error: no") == "\033[31merror:\033[0m no"
    assert with_colored_prefix("832 processing") == "832 processing"


def test_a_brief_reporter_prints_warnings() -> None:
    warnings = [type(event) for event in one_of_each() if is_warning(event)]

    assert warnings == [events.QueryFailed, events.Notice]


def test_a_job_that_never_was_a_task_ends_with_its_error_alone() -> None:
    refused = events.JobResult(
        command="text2video",
        status=TaskStatus.UNKNOWN,
        external_id="kling-01f7",
        error=UsageError("no"),
    )

    assert event_line(events.Finished(result=refused)) is None


def test_a_task_has_its_own_time_and_one_without_any_that_of_the_run() -> None:
    waited = a_result(elapsed_s=0.2)
    running = a_result(status=TaskStatus.PROCESSING, elapsed_s=0.2, units=None)

    assert "took 1m 32s" in result_summary(waited)
    assert result_summary(running) == (
        f"{TASK_ID} processing, after 0.2s, notified by callback"
    )


def test_a_task_that_was_complete_at_once_has_no_time_and_was_not_polled_for() -> None:
    at_once = a_result(updated_at=None, completed_by="poll", query_requests=0)

    assert result_summary(at_once) == f"{TASK_ID} succeeded, 4 units"


def test_a_job_without_a_task_is_not_submitted_and_one_in_doubt_not_finished() -> None:
    nothing = {"task_id": None, "elapsed_s": None, "units": None, "completed_by": None}
    refused = a_result(status=TaskStatus.UNKNOWN, is_unsubmitted=True, **nothing)
    in_doubt = a_result(status=TaskStatus.UNKNOWN, **nothing)

    assert result_summary(refused) == f"{EXTERNAL_ID} not submitted"
    assert result_summary(in_doubt) == f"{EXTERNAL_ID} not finished"
