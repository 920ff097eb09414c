"""The output of `kling trigger`: lines as answers arrive, or one JSON document.

With `--assert`, PASS or FAIL for each expectation follows the answers; with `--all`,
each scenario is a row of a table.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from kling_cli.cli.output.json_document import error_object, print_document
from kling_cli.cli.output.plain_lines import error_lines
from kling_cli.cli.output.terminal.capabilities import styler_for
from kling_cli.cli.output.terminal.streams import print_message, write_result
from kling_cli.cli.output.terminal.text import one_line

if TYPE_CHECKING:
    from kling_cli.cli.options.shared import OutputOptions
    from kling_cli.errors import KlingError
    from kling_cli.listener.forwarding.delivery import DeliveryOutcome
    from kling_cli.mock.conformance import CheckedDelivery, PromiseResult
    from kling_cli.mock.scenarios import MockDelivery
    from kling_cli.mock.sender import MockRuns

SCHEMA: Final = 1
_MAX_NUMBERS: Final = 3  # of failed deliveries that a line names
_WIDTH: Final = 17  # of the longest scenario's name
_WHY_SKIPPED: Final = "needs KLING_WEBHOOK_SECRET, as your handler has it"


def print_commands(commands: Sequence[str], output_options: OutputOptions) -> None:
    """Print curl commands, one a line, or in one JSON object."""
    if output_options.is_json:
        print_document(_document() | {"commands": list(commands)})
        return
    for each in commands:
        write_result(each)


class MockReport:
    """The report of a run of mock callbacks."""

    def __init__(self, output_options: OutputOptions, *, is_asserting: bool) -> None:
        self._output_options = output_options
        self._is_asserting = is_asserting
        self._mock_runs: MockRuns | None = None
        self._results: list[tuple[str | None, Sequence[CheckedDelivery]]] = []
        self._style = styler_for(sys.stdout, is_colorless=output_options.is_colorless)

    @property
    def checked(self) -> list[CheckedDelivery]:
        """Every checked answer so far."""
        return [each for _, checked in self._results for each in checked]

    @property
    def n_answers(self) -> int:
        return len(self.checked)

    @property
    def _is_all(self) -> bool:
        return self._mock_runs is not None and self._mock_runs.is_all

    @property
    def _skipped(self) -> Sequence[str]:
        return () if self._mock_runs is None else self._mock_runs.skipped

    def begin(self, mock_runs: MockRuns) -> None:
        """Print the head of the table of `--all`."""
        self._mock_runs = mock_runs
        is_short = self._output_options.is_json or self._output_options.is_quiet
        if self._is_all and not is_short:
            head = f"{'scenario':<{_WIDTH}}  result  answers  slowest"
            write_result(self._style(head, "bold"))

    def show(self, number: int, one: MockDelivery, outcome: DeliveryOutcome) -> None:
        """Print one line about an answer as it arrives; with --quiet its status."""
        if self._output_options.is_json or self._is_all:
            return
        if self._output_options.is_quiet:
            write_result(str(outcome.status or "-"))
            return
        outcome_text = (
            outcome.status if outcome.failure is None else outcome.failure.value
        )
        write_result(
            f"#{number} {one.name} {outcome_text} {outcome.duration_s * 1000:.0f}ms"
        )

    def add(self, scenario: str | None, checked: Sequence[CheckedDelivery]) -> None:
        """Add the answers of one run; with `--all`, print its row."""
        self._results.append((scenario, checked))
        if self._is_all and not self._output_options.is_json:
            self._print_row(scenario or "", checked)

    def conclude(self, error: KlingError | None) -> int:
        """Print PASS or FAIL where requested, and the error; return the exit code.

        Without an answer there is no verdict.
        """
        if self._output_options.is_json:
            print_document(self._full_document(error))
        elif self._is_asserting and any(self._is_answered(e) for e in self.checked):
            self._print_verdict(error)
        for each in error_lines(error) if error else ():
            print_message(each, is_colorless=self._output_options.is_colorless)
        return int(error.exit_code) if error else 0

    @staticmethod
    def _is_answered(each: CheckedDelivery) -> bool:
        return each.outcome.status is not None or not each.has_no_answer

    def _print_row(self, scenario: str, checked: Sequence[CheckedDelivery]) -> None:
        unmet = [each for each in checked if each.faults]
        result = self._result(is_met=not unmet)
        if self._output_options.is_quiet:
            write_result(f"{result} {scenario}")
            return
        slowest_ms = max((each.outcome.duration_s for each in checked), default=0) * 1e3
        facts = f"{len(checked):>7}  {slowest_ms:.0f}ms"
        why = f"  {one_line(unmet[0].faults[0].text)}" if unmet else ""
        write_result(f"{scenario:<{_WIDTH}}  {result}    {facts}{why}")

    def _print_verdict(self, error: KlingError | None) -> None:
        """Print the rows of what was skipped, the promises and the sum."""
        for name in () if self._output_options.is_quiet else self._skipped:
            skip = self._style("SKIP", "yellow")
            write_result(f"{name:<{_WIDTH}}  {skip}    {_WHY_SKIPPED}")
        for each in self._judgements():
            line = f"{self._result(is_met=each.is_met)} {each.text}: {_met_share(each)}"
            write_result(line)
        write_result(f"{self._result(is_met=error is None)}: {self._sum(error)}")

    def _sum(self, error: KlingError | None) -> str:
        from kling_cli.errors import StoppedError

        met = [each.is_met for each in self._judgements()]
        words = f"{sum(met)} of {len(met)} promises kept"
        if self._is_all:
            runs = [checked for _, checked in self._results]
            n_passed = sum(not any(each.faults for each in one) for one in runs)
            words = f"{n_passed} of {len(runs)} scenarios passed, {words}"
            if self._skipped:
                words += f", {len(self._skipped)} skipped"
        return f"{words}, not finished" if isinstance(error, StoppedError) else words

    def _judgements(self) -> list[PromiseResult]:
        from kling_cli.mock.conformance import promise_results

        if self._mock_runs is None or not self._is_asserting:
            return []
        return promise_results(self.checked, self._mock_runs.expectations)

    def _result(self, *, is_met: bool) -> str:
        return self._style("PASS", "green") if is_met else self._style("FAIL", "red")

    def _full_document(self, error: KlingError | None) -> dict[str, Any]:
        return _document(error) | {
            "deliveries": [
                _delivery_object(each, scenario)
                for scenario, checked in self._results
                for each in checked
            ],
            "promises": [
                {
                    "promise": each.promise.value,
                    "text": each.text,
                    "is_met": each.is_met,
                    "tested": each.n_tested,
                    "broken_by": list(each.broken_by),
                }
                for each in self._judgements()
            ],
            "scenarios": self._scenarios() if self._is_all else None,
        }

    def _scenarios(self) -> list[dict[str, Any]]:
        run_results = [
            {
                "scenario": name,
                "result": "fail" if any(e.faults for e in checked) else "pass",
                "reason": None,
            }
            for name, checked in self._results
        ]
        return run_results + [
            {"scenario": name, "result": "skip", "reason": _WHY_SKIPPED}
            for name in self._skipped
        ]


def _met_share(each: PromiseResult) -> str:
    """Return `3 of 3`, or how many and which deliveries broke a promise."""
    if each.is_met:
        return f"{each.n_tested} of {each.n_tested}"
    numbers = [f"#{number}" for number in each.broken_by[:_MAX_NUMBERS]]
    more = ", …" if len(each.broken_by) > _MAX_NUMBERS else ""
    n_broken = len(each.broken_by)
    return f"not in {n_broken} of {each.n_tested} ({', '.join(numbers)}{more})"


def _document(error: KlingError | None = None) -> dict[str, Any]:
    """Return the JSON document; its keys are the same in every outcome."""
    return {
        "schema": SCHEMA,
        "ok": error is None,
        "command": "trigger",
        "deliveries": [],
        "promises": [],
        "scenarios": None,
        "commands": None,
        "error": error_object(error) if error else None,
    }


def _delivery_object(each: CheckedDelivery, scenario: str | None) -> dict[str, Any]:
    outcome = each.outcome
    return {
        "number": each.number,
        "scenario": scenario,
        "name": each.delivery.name,
        "status": outcome.status,
        "duration_s": round(outcome.duration_s, 6),
        "expected": each.expected,
        "is_met": not each.faults,
        "faults": [fault.text for fault in each.faults],
        "error": outcome.failure.value if outcome.failure else None,
        "excerpt": outcome.excerpt,
    }
