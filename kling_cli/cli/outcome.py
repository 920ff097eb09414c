"""The end of a command: results on stdout, errors on stderr, one exit code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING

from kling_cli.cli.report.escape import one_line
from kling_cli.cli.report.quantities import units
from kling_cli.cli.report.streams import write_note, write_result
from kling_cli.errors import ExitCode, NotSavedError

if TYPE_CHECKING:
    from kling_cli.cli.options import Talk
    from kling_cli.cli.presentation import Presentation
    from kling_cli.jobs.events import JobResult


class Wanted(StrEnum):
    """What a command prints on stdout for a job."""

    FILES = "files"  # or the ids of what was made for the library
    SAVED = "saved"  # files alone
    LINKS = "links"
    IDS = "ids"  # of tasks


def conclude(  # noqa: PLR0913 -- one for each thing that a command decides
    results: Sequence[JobResult],
    *,
    command: str,
    talk: Talk,
    wanted: Wanted = Wanted.FILES,
    is_many: bool = False,
    presentation: Presentation | None = None,
) -> int:
    """Print what `results` made and return the exit code."""
    if presentation is not None:
        presentation.show(results, talk)
    shown = result_lines(results, wanted)
    code = conclude_with(shown, results, command=command, talk=talk, is_many=is_many)
    if presentation is not None:
        presentation.end(results, talk)
    return code


def conclude_with(
    shown: Iterable[str],
    results: Sequence[JobResult],
    *,
    command: str,
    talk: Talk,
    is_many: bool,
) -> int:
    """Print the lines `shown`, or the JSON of `results`, and return the exit code.

    `is_many` gives the JSON its `tasks` list, however many there are in the end.
    """
    if talk.is_json:
        print_documents(results, command=command, is_many=is_many)
    else:
        from kling_cli.cli.report.links import linked

        for line in shown:
            write_result(linked(line))
    say_failures(results, talk)
    if len(results) > 1 and not talk.is_quiet:
        write_note(total(results))
    return exit_code(results)


def total(results: Sequence[JobResult]) -> str:
    """Return one line about several tasks: how many stand how, and their cost."""
    counts = Counter(result.state.value for result in results)
    facts = [f"{len(results)} tasks"]
    facts += [f"{count} {state}" for state, count in counts.items()]
    known = [result.units for result in results if result.units is not None]
    if known:
        facts.append(units(round(sum(known), 4)))
    return "together: " + ", ".join(facts)


def say_failures(results: Sequence[JobResult], talk: Talk) -> None:
    """Tell stderr what did not end well, and how to go on."""
    for result in results:
        for line in failure_lines(result):
            say(line, is_colorless=talk.is_colorless)


def print_documents(
    results: Sequence[JobResult], *, command: str, is_many: bool
) -> None:
    """Print the one JSON object of a command."""
    from kling_cli.cli.report import document

    if is_many:
        write_result(document.dumps(document.of_results(command, results)))
    else:
        write_result(document.dumps(document.of_result(results[0])))


def result_lines(results: Sequence[JobResult], wanted: Wanted) -> Iterator[str]:
    """Yield the lines for stdout: paths, URLs, task ids, or ids of the library."""
    for result in results:
        if wanted is Wanted.IDS:
            yield from [result.task_id] if result.task_id else []
        elif wanted is not Wanted.SAVED and (made := _library_ids(result)):
            yield from made
        elif wanted is Wanted.LINKS:
            yield from _links(result)
        else:
            yield from (str(one.path) for one in result.outputs if one.path)


def _library_ids(result: JobResult) -> list[str]:
    """Return the ids by which what a job made is used from here on."""
    made = (one.output for one in result.outputs if one.output.is_of_library)
    return [one_line(output.id) for output in made if output.id]


def failure_lines(result: JobResult) -> Iterator[str]:
    """Yield what stderr says about a job that did not end well, with how to go on."""
    from kling_cli.cli.report.plain import error_lines

    if result.error is None:
        return
    said = list(error_lines(result.error))
    yield from said
    if isinstance(result.error, NotSavedError):
        yield from (f"url: {link}" for link in _unsaved_links(result))
    yield from (line for line in _way_back(result) if not _is_said(line, said))


def _way_back(result: JobResult) -> Iterator[str]:
    """Yield the ids and the command that go on with a job."""
    if result.task_id is not None:
        yield f"task id: {one_line(result.task_id)}"
    elif result.external_id is not None:
        yield f"external id: {one_line(result.external_id)}"
    if result.resume is not None:
        yield f"go on with: {one_line(result.resume)}"


def _is_said(line: str, said: Sequence[str]) -> bool:
    fact = line.split(": ", 1)[1]
    return any(fact in each for each in said)


def exit_code(results: Sequence[JobResult]) -> int:
    """Return 0 when all went well, otherwise the code of the first that did not."""
    errors = (result.error for result in results if result.error is not None)
    return int(next((error.exit_code for error in errors), ExitCode.DONE))


def say(text: str, *, is_colorless: bool) -> None:
    """Write a line of ours to stderr, in colours where they are wanted."""
    import os
    import sys

    from kling_cli.cli.report.choose import has_color, is_terminal
    from kling_cli.cli.report.plain import colored

    is_colored = has_color(
        is_colorless=is_colorless,
        is_terminal=is_terminal(sys.stderr),
        environ=os.environ,
    )
    write_note(colored(text) if is_colored else text)


def _links(result: JobResult) -> Iterator[str]:
    for one in result.outputs:
        if one.output.url:
            yield one_line(one.output.url)


def _unsaved_links(result: JobResult) -> Iterator[str]:
    for one in result.outputs:
        if one.output.url and one.path is None:
            yield one_line(one.output.url)
