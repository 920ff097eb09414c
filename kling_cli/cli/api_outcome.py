"""The end of `kling api`: the API's answer on stdout, or what its task made."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from kling_cli.cli.json_source import strict_json
from kling_cli.cli.outcome import Wanted, exit_code, result_lines, say, say_failures
from kling_cli.cli.output.escape import one_line
from kling_cli.cli.output.streams import write_bytes, write_result
from kling_cli.cli.output.styles import is_terminal

if TYPE_CHECKING:
    from kling_cli.api.exchange import Answer
    from kling_cli.cli.options import Talk
    from kling_cli.jobs.events import JobResult
    from kling_cli.jobs.raw_request import RawCall


def conclude_call(
    call: RawCall, results: Sequence[JobResult], *, talk: Talk, wanted: Wanted | None
) -> int:
    """Print the answer and return the exit code.

    With `wanted`, tasks have been followed, and what they made is printed instead.
    """
    is_followed = wanted is not None and any(each.task_id for each in results)
    if talk.is_json:
        _print_document(call, results)
    elif wanted is not None and is_followed:
        for line in result_lines(results, wanted):
            write_result(line)
    else:
        _print_answer(results[0].answer)
        _tell_task(results[0], talk)
    say_failures(results, talk)
    return exit_code(results)


def pretty(answer: Answer) -> Iterator[str]:
    """Yield the lines of an answer as a person reads it, with nothing that acts."""
    text = answer.body.decode("utf-8", "replace")
    if answer.is_json:
        text = json.dumps(json.loads(answer.body), indent=2, ensure_ascii=False)
    return (one_line(line) for line in text.splitlines())


def _print_answer(answer: Answer | None) -> None:
    """Print it readably on a terminal, and in a pipe byte for byte."""
    if answer is None or not answer.body:
        return
    if is_terminal(sys.stdout):
        for line in pretty(answer):
            write_result(line)
        return
    end = b"" if answer.body.endswith(b"\n") else b"\n"
    write_bytes(answer.body + end)


def _tell_task(result: JobResult, talk: Talk) -> None:
    if result.resume is not None and not talk.is_quiet:
        say(f"go on with: {one_line(result.resume)}", is_colorless=talk.is_colorless)


def _print_document(call: RawCall, results: Sequence[JobResult]) -> None:
    """Print the document of every command with the answer as one more key."""
    from kling_cli.cli.output import document

    if len(results) == 1:
        shown = document.of_result(results[0])
    else:
        shown = document.of_results("api", results)
    shown["api"] = _said(call, results[0].answer)
    write_result(document.dumps(shown))


def _said(call: RawCall, answer: Answer | None) -> dict[str, Any]:
    return {
        "method": call.method,
        "path": call.path,
        "http": None if answer is None else answer.http,
        "answer": None if answer is None else _value(answer),
    }


def _value(answer: Answer) -> Any:
    """Return the JSON of an answer; what is none as a text."""
    try:
        return strict_json(answer.body)
    except ValueError:
        return answer.body.decode("utf-8", "replace") or None
