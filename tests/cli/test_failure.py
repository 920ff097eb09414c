from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer

from kling_cli.cli.failure import as_kling_error, report_failure
from kling_cli.errors import ExitCode, NoSlotError, StoppedError, UsageError


def test_our_own_errors_pass_as_they_are() -> None:
    error = NoSlotError("no slot")

    assert as_kling_error(error) is error


def test_the_one_error_of_a_task_group_is_found() -> None:
    error = NoSlotError("no slot")

    group = ExceptionGroup("outer", [ExceptionGroup("inner", [error])])

    assert as_kling_error(group) is error


def test_two_errors_at_once_are_a_bug() -> None:
    group = ExceptionGroup("both", [NoSlotError("a"), NoSlotError("b")])

    assert as_kling_error(group).exit_code is ExitCode.BUG


def test_what_typer_complains_of_is_wrong_usage() -> None:
    error = as_kling_error(typer.BadParameter("not a number"))

    assert isinstance(error, UsageError)
    assert error.message == "Invalid value: not a number"
    assert error.hint == "kling --help"


@pytest.mark.parametrize("exc", [KeyboardInterrupt(), typer.Abort()])
def test_an_interruption_before_any_job_is_130(exc: BaseException) -> None:
    error = as_kling_error(exc)

    assert isinstance(error, StoppedError)
    assert error.exit_code == 130


def test_a_bug_says_what_and_where_the_traceback_is(own_home: Path) -> None:
    error = as_kling_error(KeyError("what"))

    assert error.exit_code is ExitCode.BUG
    assert "KeyError: 'what'" in error.message
    assert str(own_home) in (error.hint or "")


def test_json_is_given_when_it_was_asked_for(
    capfd: pytest.CaptureFixture[str],
) -> None:
    code = report_failure(NoSlotError("no slot"), ["text2video", "x", "--json"])

    printed = capfd.readouterr()
    document = json.loads(printed.out)
    assert code == 7
    assert document["command"] == "text2video"
    assert document["error"]["message"] == "no slot"
    assert printed.err == "error: no slot\n"


@pytest.mark.parametrize(
    "arguments", [["text2video", "x"], ["text2video", "--", "--json"], []]
)
def test_json_is_not_given_otherwise(
    arguments: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    report_failure(NoSlotError("no slot"), arguments)

    assert capfd.readouterr().out == ""


def test_without_a_command_the_document_is_klings(
    capfd: pytest.CaptureFixture[str],
) -> None:
    report_failure(UsageError("no"), ["--json"])

    assert json.loads(capfd.readouterr().out)["command"] == "kling"


@pytest.mark.parametrize(("status", "code"), [(None, 0), (3, 3), ("words", 1)])
def test_the_exit_code_of_an_exit_is_preserved(status: object, code: int) -> None:
    assert report_failure(SystemExit(status), []) == code
