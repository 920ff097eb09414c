from __future__ import annotations

from kling_cli.api.tasks import Output, TaskStatus
from kling_cli.cli.output.views.jobs import status_details, status_words
from kling_cli.errors import UsageError
from kling_cli.store.records import SavedOutput
from tests.cli.output.examples import (
    EXTERNAL_ID,
    FILE,
    LINK,
    PROMPT,
    TASK_ID,
    a_result,
    an_output,
)

GOLDEN = f"""\
{TASK_ID}  succeeded
  what     text2video with kling-3.0-turbo
  prompt   {PROMPT}
  created  2026-10-04T12:00:00.250Z
  updated  2026-10-04T12:01:32.000Z
  units    4
  file     {FILE} (1.2 MB)
  video    {LINK}
  until    2026-11-03T12:00:00.000Z
"""


def test_a_finished_task_is_told_with_cost_and_places() -> None:
    lines = list(status_details([a_result()]))

    assert "".join(f"{line}\n" for line in lines) == GOLDEN


def test_of_a_running_task_it_is_told_how_to_go_on() -> None:
    running = a_result(
        status=TaskStatus.PROCESSING,
        product=None,
        model=None,
        prompt=None,
        created_at=None,
        updated_at=None,
        units=None,
        outputs=(),
        resume=f"kling wait {TASK_ID}",
    )

    assert list(status_details([running])) == [
        f"{TASK_ID}  processing",
        f"  go on    kling wait {TASK_ID}",
    ]


def test_the_reason_of_a_failure_is_told_harmlessly() -> None:
    failed = a_result(status=TaskStatus.FAILED, status_message="no\n\x1b[2J")

    assert "  reason   no\\n\\x1b[2J" in list(status_details([failed]))


def test_what_was_not_saved_has_its_link_alone() -> None:
    unsaved = a_result(outputs=(an_output(None),))

    lines = list(status_details([unsaved]))

    assert f"  video    {LINK}" in lines
    assert not any(line.startswith("  file") for line in lines)


def test_what_was_made_for_the_library_has_its_id() -> None:
    voice = SavedOutput(output=Output(type="voice", id="83", url=LINK))

    lines = list(status_details([a_result(outputs=(voice,))]))

    assert "  voice    83" in lines
    assert f"  sample   {LINK}" in lines


def test_an_unknown_task_has_its_error_alone() -> None:
    unknown = a_result(task_id=None, error=UsageError("no such task"))

    assert list(status_details([unknown])) == []


def test_a_job_that_was_never_submitted_is_told_by_its_external_id() -> None:
    refused = a_result(
        task_id=None,
        outputs=(),
        created_at=None,
        updated_at=None,
        status=TaskStatus.UNKNOWN,
        is_unsubmitted=True,
        error=UsageError("refused"),
    )

    assert list(status_words([refused])) == ["not-submitted"]
    assert next(status_details([refused])) == f"{EXTERNAL_ID}  not submitted"


def test_quiet_gives_one_word_a_task() -> None:
    failed = a_result(status=TaskStatus.FAILED)

    assert list(status_words([a_result(), failed])) == ["succeeded", "failed"]
