"""PASS, FAIL and SKIP: the report of `kling trigger --assert` and `--all`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kling_cli.cli.commands.trigger import MockOptions, parse_mock_runs
from kling_cli.cli.options.shared import OutputOptions
from kling_cli.cli.output.views.mock_results import MockReport
from kling_cli.errors import ExitCode, StoppedError
from kling_cli.listener.forwarding.delivery import DeliveryFailure, DeliveryOutcome
from kling_cli.mock.conformance import (
    CheckedDelivery,
    check_deliveries,
    conformance_error,
)
from kling_cli.mock.scenarios import scenario_names
from kling_cli.mock.sender import MockRun, MockRuns
from tests.support.clock import FakeClock

NEED_SECRET = {"bad-signature", "old-timestamp"}


@pytest.fixture
def series(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MockRuns:
    """Return all that `kling trigger --all` sends without a secret."""
    monkeypatch.setenv("KLING_STATE_DIR", str(tmp_path))
    monkeypatch.delenv("KLING_WEBHOOK_SECRET", raising=False)
    return parse_mock_runs(
        None, MockOptions(is_all=True, expectations="2xx,5s,idempotent", to="3000")
    )


def outcome(status: int | None, **changes: Any) -> DeliveryOutcome:
    facts: dict[str, Any] = {"sent_at": FakeClock().now(), "duration_s": 0.012}
    return DeliveryOutcome(status=status, **facts | changes)


def tried(trial: MockRun, n_before: int, refusal: int = 400) -> list[CheckedDelivery]:
    """Return the answers of a handler that refuses invalid callbacks with `refusal`."""
    sent = [one for volley in trial.batches for one in volley]
    statuses = [200 if one.expected == "2xx" else refusal for one in sent]
    answers = {
        n_before + number: (one, outcome(status))
        for number, (one, status) in enumerate(zip(sent, statuses, strict=True), 1)
    }
    return check_deliveries(answers, trial.expectations, is_signed=False)


def report_of(
    series: MockRuns, output_options: OutputOptions, refusal: int
) -> tuple[MockReport, int]:
    report = MockReport(output_options, is_asserting=True)
    report.begin(series)
    for trial in series.runs:
        report.add(trial.scenario, tried(trial, report.n_answers, refusal))
    return report, report.conclude(conformance_error(report.checked))


def test_every_scenario_is_tried_as_a_task_of_its_own(series: MockRuns) -> None:
    tried_names = [trial.scenario for trial in series.runs]
    bodies = {
        trial.scenario: json.loads(trial.batches[0][0].raw)["id"]
        for trial in series.runs
        if trial.scenario in ("duplicate", "lifecycle")
    }

    assert {*tried_names, *series.skipped} == set(scenario_names())
    assert set(series.skipped) == NEED_SECRET
    assert bodies == {
        "duplicate": "mock-task-1-duplicate",
        "lifecycle": "mock-task-1-lifecycle",
    }


def test_a_table_of_all_scenarios_ends_in_promises_and_a_sum(
    series: MockRuns, capsys: pytest.CaptureFixture[str]
) -> None:
    _, code = report_of(series, OutputOptions(), refusal=500)

    lines = capsys.readouterr().out.splitlines()
    assert code == 8
    assert lines[0] == "scenario           result  answers  slowest"
    assert lines[1] == "submitted          PASS          2  12ms"
    assert "malformed          FAIL          3  12ms  answered 500, should be 4xx" in (
        lines
    )
    skipped = [line.split()[:2] for line in lines if " SKIP " in line]
    assert skipped == [["bad-signature", "SKIP"], ["old-timestamp", "SKIP"]]
    assert [line[:4] for line in lines[-6:]] == [
        "PASS", "FAIL", "PASS", "PASS", "PASS", "FAIL",
    ]  # fmt: skip
    assert lines[-1] == (
        "FAIL: 14 of 17 scenarios passed, 4 of 5 promises kept, 2 skipped"
    )
    assert (
        "FAIL answers invalid callbacks with 4xx: not in 6 of 6 (#43, #44, #46, …)"
        in lines
    )
    assert [line for line in lines if len(line) > 79] == []


def test_json_of_all_scenarios_says_which_passed(
    series: MockRuns, capsys: pytest.CaptureFixture[str]
) -> None:
    _, code = report_of(series, OutputOptions(is_json=True), refusal=400)

    found = json.loads(capsys.readouterr().out)
    results = {one["scenario"]: one["result"] for one in found["scenarios"]}
    assert (code, found["ok"]) == (0, True)
    assert {name for name in results if results[name] == "skip"} == NEED_SECRET
    assert set(results.values()) == {"pass", "skip"}
    assert {one["scenario"] for one in found["deliveries"]} == set(scenario_names()) - (
        NEED_SECRET
    )
    numbers = [one["number"] for one in found["deliveries"]]
    assert numbers == list(range(1, len(numbers) + 1))
    assert all(one["is_met"] for one in found["promises"])


def test_no_answer_keeps_no_promise(
    series: MockRuns, capsys: pytest.CaptureFixture[str]
) -> None:
    trial = series.runs[0]
    [first, second] = (volley[0] for volley in trial.batches)
    silent = outcome(None, failure=DeliveryFailure.TIMEOUT)
    report = MockReport(OutputOptions(), is_asserting=True)
    report.begin(MockRuns(runs=(trial,), expectations=trial.expectations))
    answers = {1: (first, outcome(200)), 2: (second, silent)}
    report.add(
        "submitted", check_deliveries(answers, trial.expectations, is_signed=False)
    )

    report.conclude(conformance_error(report.checked))

    assert capsys.readouterr().out.splitlines() == [
        "FAIL answers with 2xx: not in 1 of 2 (#2)",
        "FAIL answers within 5 s: not in 1 of 2 (#2)",
        "FAIL answers a repeat as the first: not in 1 of 1 (#2)",
        "FAIL: 0 of 3 promises kept",
    ]


def test_a_test_that_was_stopped_has_not_passed(
    series: MockRuns, capsys: pytest.CaptureFixture[str]
) -> None:
    report = MockReport(OutputOptions(), is_asserting=True)
    report.begin(series)
    report.add("submitted", tried(series.runs[0], 0))

    report.conclude(StoppedError("interrupted", exit_code=ExitCode.INTERRUPTED))

    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("FAIL: 1 of 1 scenarios passed")
    assert last.endswith("not finished")


def test_where_nobody_was_reached_nothing_passes_or_fails(
    series: MockRuns, capsys: pytest.CaptureFixture[str]
) -> None:
    trial = series.runs[0]
    [first, _] = (volley[0] for volley in trial.batches)
    refused = outcome(None, failure=DeliveryFailure.REFUSED)
    report = MockReport(OutputOptions(), is_asserting=True)
    report.begin(MockRuns(runs=(trial,), expectations=trial.expectations))
    report.add(
        "submitted",
        check_deliveries({1: (first, refused)}, trial.expectations, is_signed=False),
    )

    code = report.conclude(conformance_error(report.checked))

    printed = capsys.readouterr()
    assert (code, printed.out) == (6, "")
    assert "no handler could be reached" in printed.err
