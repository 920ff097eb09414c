from __future__ import annotations

import json
from pathlib import Path

import pytest

from kling_cli.api.tasks import TaskStatus
from kling_cli.cli.options.shared import OutputOptions
from kling_cli.cli.output.job_results import (
    ResultKind,
    exit_code,
    failure_lines,
    print_results,
    result_lines,
)
from kling_cli.errors import (
    ContentRefusedError,
    NotSavedError,
    OutcomeUnknownError,
    StillRunningError,
    TaskFailedError,
)
from tests.cli.output.examples import (
    EXTERNAL_ID,
    FILE,
    LINK,
    TASK_ID,
    a_result,
    an_output,
)


@pytest.mark.parametrize(
    ("wanted", "lines"),
    [
        (ResultKind.FILES, [FILE]),
        (ResultKind.LINKS, [LINK]),
        (ResultKind.IDS, [TASK_ID]),
    ],
)
def test_stdout_has_one_line_for_each_result(
    wanted: ResultKind, lines: list[str]
) -> None:
    assert list(result_lines([a_result()], wanted)) == lines


def test_several_tasks_have_a_total(capsys: pytest.CaptureFixture[str]) -> None:
    results = [a_result(), a_result(), a_result(status=TaskStatus.FAILED, units=0.0)]

    print_results(results, command="wait", output_options=OutputOptions(), is_many=True)
    print_results(
        results[:1], command="wait", output_options=OutputOptions(), is_many=True
    )

    printed = capsys.readouterr().err
    assert printed == "together: 3 tasks, 2 succeeded, 1 failed, 8 units\n"


@pytest.mark.parametrize("wanted", list(ResultKind))
def test_what_is_not_there_makes_no_line(wanted: ResultKind) -> None:
    nothing = a_result(task_id=None, outputs=())

    assert list(result_lines([nothing], wanted)) == []


def test_a_path_is_given_as_it_is_and_a_link_is_made_harmless() -> None:
    path = Path("odd\tname.mp4")
    result = a_result(outputs=(an_output(path),))

    assert list(result_lines([result], ResultKind.FILES)) == ["odd\tname.mp4"]


def test_an_unsaved_file_leaves_its_link_on_stderr() -> None:
    error = NotSavedError("disk full", hint=f"kling download {TASK_ID}")
    result = a_result(
        error=error, outputs=(an_output(), an_output(None)), resume=error.hint
    )

    assert list(failure_lines(result)) == [
        "error: disk full",
        f"hint: kling download {TASK_ID}",
        f"url: {LINK}",
    ]


def test_every_exit_prints_the_id_and_how_to_resume() -> None:
    bare = StillRunningError("stopped waiting")
    result = a_result(error=bare, resume=f"kling wait {TASK_ID}")

    assert list(failure_lines(result)) == [
        "error: stopped waiting",
        f"task id: {TASK_ID}",
        f"go on with: kling wait {TASK_ID}",
    ]


def test_a_job_without_a_task_id_is_named_by_its_external_id() -> None:
    result = a_result(task_id=None, error=OutcomeUnknownError("nobody knows"))

    assert list(failure_lines(result))[-1] == f"external id: {EXTERNAL_ID}"


def test_success_leaves_stderr_alone() -> None:
    assert list(failure_lines(a_result())) == []


def test_the_first_failure_decides_the_exit_code() -> None:
    well = a_result()
    failed = a_result(error=TaskFailedError("no"), status=TaskStatus.FAILED)
    refused = a_result(error=ContentRefusedError("no"), status=TaskStatus.FAILED)

    assert exit_code([]) == 0
    assert exit_code([well, well]) == 0
    assert exit_code([well, failed, refused]) == 8
    assert exit_code([refused, failed]) == 10


def test_json_replaces_the_lines_and_errors_stay_on_stderr(
    capfd: pytest.CaptureFixture[str],
) -> None:
    failed = a_result(error=TaskFailedError("no"), status=TaskStatus.FAILED)

    code = print_results(
        [failed], command="text2video", output_options=OutputOptions(is_json=True)
    )

    printed = capfd.readouterr()
    assert code == 8
    assert json.loads(printed.out)["error"]["message"] == "no"
    assert printed.err.startswith("error: no\n")


def test_several_tasks_are_one_object(capfd: pytest.CaptureFixture[str]) -> None:
    output_options = OutputOptions(is_json=True)

    code = print_results(
        [a_result()], command="wait", output_options=output_options, is_many=True
    )

    document = json.loads(capfd.readouterr().out)
    assert code == 0
    assert document["command"] == "wait"
    assert [task["task_id"] for task in document["tasks"]] == [TASK_ID]


def test_forced_colours_reach_the_errors(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    failed = a_result(error=TaskFailedError("no"))

    print_results([failed], command="text2video", output_options=OutputOptions())

    assert capfd.readouterr().err.startswith("\033[31merror:\033[0m no\n")
