"""What `kling trigger` says: a line a delivery, or one JSON object at the end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from kling_cli.cli.outcome import say
from kling_cli.cli.report.document import dumps, of_error
from kling_cli.cli.report.plain import error_lines
from kling_cli.cli.report.streams import write_result

if TYPE_CHECKING:
    from kling_cli.cli.options import Talk
    from kling_cli.errors import KlingError
    from kling_cli.listen.conformance import Answered
    from kling_cli.listen.courier import Outcome
    from kling_cli.listen.mock.scenarios import Delivery

SCHEMA: Final = 1


def show(number: int, one: Delivery, outcome: Outcome, talk: Talk) -> None:
    """Print one line about a delivery, as it is answered; with --quiet the status."""
    if talk.is_json:
        return
    if talk.is_quiet:
        write_result(str(outcome.status or "-"))
        return
    told = outcome.status if outcome.failure is None else outcome.failure.value
    write_result(f"#{number} {one.name} {told} {outcome.duration_s * 1000:.0f}ms")


def show_commands(commands: Sequence[str], talk: Talk) -> None:
    """Print curl commands, one a line, or in one JSON object."""
    if talk.is_json:
        write_result(dumps(_document([], None) | {"commands": list(commands)}))
        return
    for each in commands:
        write_result(each)


def conclude(
    judged: Sequence[Answered], talk: Talk, *, error: KlingError | None
) -> int:
    """Say what is wrong, if anything, and return the exit code."""
    if talk.is_json:
        write_result(dumps(_document(judged, error)))
    for each in error_lines(error) if error else ():
        say(each, is_colorless=talk.is_colorless)
    return int(error.exit_code) if error else 0


def _document(judged: Sequence[Answered], error: KlingError | None) -> dict[str, Any]:
    """Return the JSON; its keys are the same in every outcome."""
    return {
        "schema": SCHEMA,
        "ok": error is None,
        "command": "trigger",
        "deliveries": [_fields(each) for each in judged],
        "commands": None,
        "error": of_error(error) if error else None,
    }


def _fields(each: Answered) -> dict[str, Any]:
    outcome = each.outcome
    return {
        "number": each.number,
        "name": each.delivery.name,
        "status": outcome.status,
        "duration_s": round(outcome.duration_s, 6),
        "expected": each.expected,
        "is_met": not each.faults,
        "faults": [fault.text for fault in each.faults],
        "error": outcome.failure.value if outcome.failure else None,
        "excerpt": outcome.excerpt,
    }
