"""Results of jobs: stdout, failures on stderr, previews, notifications."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kling_cli.cli.output.terminal import capabilities
from kling_cli.cli.output.terminal.capabilities import is_terminal
from kling_cli.cli.output.terminal.streams import (
    print_message,
    write_message,
    write_result,
)
from kling_cli.cli.output.terminal.text import format_units, one_line
from kling_cli.errors import ExitCode, KlingError, NotSavedError, StoppedError

if TYPE_CHECKING:
    from kling_cli.cli.options.shared import OutputOptions, PresentationOptions
    from kling_cli.jobs.events import JobResult
    from kling_cli.settings import Settings
    from kling_cli.store import SavedOutput

NOTIFY_AFTER_S: Final = 60.0  # after so long the user no longer watches the terminal
_MAX_PREVIEWS: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Presentation:
    """Which previews, notifications and opened files follow; None decides by itself."""

    is_opening: bool = False
    is_previewing: bool | None = None
    is_notifying: bool | None = None

    @classmethod
    def of(
        cls, presentation_options: PresentationOptions, settings: Settings
    ) -> Presentation:
        """Return the typed options, completed by the settings."""
        preview, notify = (
            presentation_options.is_previewing,
            presentation_options.is_notifying,
        )
        return cls(
            is_opening=presentation_options.is_opening,
            is_previewing=settings.is_previewing if preview is None else preview,
            is_notifying=settings.is_notifying if notify is None else notify,
        )

    def show_previews(
        self, results: Sequence[JobResult], output_options: OutputOptions
    ) -> None:
        """Draw previews of the saved files, where the terminal can show images."""
        how = capabilities.image_protocol(os.environ)
        if how is None or not self._is_drawing(output_options):
            return
        from kling_cli.cli.output.terminal.preview import preview

        for path in list(_saved_paths(results))[:_MAX_PREVIEWS]:
            picture = preview(path, how)
            if picture is not None:
                _write_to_terminal(picture)

    def _is_drawing(self, output_options: OutputOptions) -> bool:
        if self.is_previewing is False or not is_terminal(sys.stderr):
            return False
        on_terminal = is_terminal(sys.stdout) and not (
            output_options.is_quiet or output_options.is_json
        )
        return bool(self.is_previewing) or on_terminal

    def notify_and_open(
        self, results: Sequence[JobResult], output_options: OutputOptions
    ) -> None:
        """Notify that a long job has ended, and open its files."""
        if is_terminal(sys.stderr) and self.is_notification_due(results):
            _write_to_terminal(
                capabilities.notification_sequence(
                    notification_text(results), os.environ
                )
            )
        if not self.is_opening:
            return
        from kling_cli.cli.output.terminal.file_opener import open_file

        for path in _saved_paths(results):
            try:
                open_file(path)
            except KlingError as exc:
                print_message(
                    f"warning: {exc.message}", is_colorless=output_options.is_colorless
                )
                return

    def is_notification_due(self, results: Sequence[JobResult]) -> bool:
        """Return whether a notification is due: by option, or after a long wait."""
        if any(isinstance(result.error, StoppedError) for result in results):
            return False
        longest_s = max((result.elapsed_s or 0.0 for result in results), default=0.0)
        is_long = longest_s >= NOTIFY_AFTER_S and self.is_notifying is None
        return bool(results) and (is_long or bool(self.is_notifying))


def notification_text(results: Sequence[JobResult]) -> str:
    """Return the text of a notification: how the job ended, and its prompt."""
    if len(results) != 1:
        return summary_line(results)
    [result] = results
    what = result.product or result.task_id or result.command
    words = f"{what} {result.state.value}"
    return f"{words}: {result.prompt}" if result.prompt else words


def _saved_paths(results: Sequence[JobResult]) -> Iterator[Path]:
    for result in results:
        yield from (one.path for one in result.outputs if one.path is not None)


def _write_to_terminal(text: str) -> None:
    """Write to the terminal without a line break."""
    if not text or sys.stderr is None:
        return
    with suppress(OSError, ValueError):
        sys.stderr.write(text)
        sys.stderr.flush()


class ResultKind(StrEnum):
    """What a command prints on stdout for a job."""

    FILES = "files"  # or the ids of what was made for the library
    SAVED = "saved"  # files alone
    LINKS = "links"
    IDS = "ids"  # of tasks


def print_results(  # noqa: PLR0913 -- one for each decision of a command
    results: Sequence[JobResult],
    *,
    command: str,
    output_options: OutputOptions,
    result_kind: ResultKind = ResultKind.FILES,
    is_many: bool = False,
    presentation: Presentation | None = None,
) -> int:
    """Print the results of jobs and return the exit code."""
    if presentation is not None:
        presentation.show_previews(results, output_options)
    lines = result_lines(results, result_kind)
    code = print_result_lines(
        lines, results, command=command, output_options=output_options, is_many=is_many
    )
    if presentation is not None:
        presentation.notify_and_open(results, output_options)
    return code


def print_result_lines(
    lines: Iterable[str],
    results: Sequence[JobResult],
    *,
    command: str,
    output_options: OutputOptions,
    is_many: bool,
) -> int:
    """Print the lines `lines`, or the JSON of `results`, and return the exit code.

    `is_many` gives the JSON its `tasks` list, however many there are in the end.
    """
    if output_options.is_json:
        print_json(results, command=command, is_many=is_many)
    else:
        for line in lines:
            write_result(capabilities.hyperlink_on_stdout(line))
    print_failures(results, output_options)
    if len(results) > 1 and not output_options.is_quiet:
        write_message(summary_line(results))
    return exit_code(results)


def summary_line(results: Sequence[JobResult]) -> str:
    """Return one line about several tasks: how many in which state, and their cost."""
    counts = Counter(result.state.value for result in results)
    facts = [f"{len(results)} tasks"]
    facts += [f"{count} {state}" for state, count in counts.items()]
    known = [result.units for result in results if result.units is not None]
    if known:
        facts.append(format_units(round(sum(known), 4)))
    return "together: " + ", ".join(facts)


def print_failures(results: Sequence[JobResult], output_options: OutputOptions) -> None:
    """Print on stderr which jobs failed, and how to resume them."""
    for result in results:
        for line in failure_lines(result):
            print_message(line, is_colorless=output_options.is_colorless)


def print_json(results: Sequence[JobResult], *, command: str, is_many: bool) -> None:
    """Print the JSON document of a command."""
    from kling_cli.cli.output.json_document import (
        print_document,
        result_document,
        results_document,
    )

    print_document(
        results_document(command, results) if is_many else result_document(results[0])
    )


def result_lines(
    results: Sequence[JobResult], result_kind: ResultKind
) -> Iterator[str]:
    """Yield the lines for stdout: paths, URLs, task ids, or ids of the library."""
    for result in results:
        if result_kind is ResultKind.IDS:
            yield from [result.task_id] if result.task_id else []
        elif result_kind is not ResultKind.SAVED and (made := _library_ids(result)):
            yield from made
        elif result_kind is ResultKind.LINKS:
            yield from _urls(result.outputs)
        else:
            yield from (str(one.path) for one in result.outputs if one.path)


def _library_ids(result: JobResult) -> list[str]:
    """Return the ids of the library items that a job made."""
    made = (one.output for one in result.outputs if one.output.is_of_library)
    return [one_line(output.id) for output in made if output.id]


def failure_lines(result: JobResult) -> Iterator[str]:
    """Yield the lines for stderr about a failed job, with how to resume it."""
    from kling_cli.cli.output.plain_lines import error_lines

    if result.error is None:
        return
    printed = list(error_lines(result.error))
    yield from printed
    if isinstance(result.error, NotSavedError):
        unsaved = (each for each in result.outputs if each.path is None)
        yield from (f"url: {link}" for link in _urls(unsaved))
    yield from (
        line for line in _resume_lines(result) if not _is_mentioned(line, printed)
    )


def _resume_lines(result: JobResult) -> Iterator[str]:
    """Yield the ids of a job and the command that resumes it."""
    if result.task_id is not None:
        yield f"task id: {one_line(result.task_id)}"
    elif result.external_id is not None:
        yield f"external id: {one_line(result.external_id)}"
    if result.resume is not None:
        yield f"go on with: {one_line(result.resume)}"


def _is_mentioned(line: str, printed: Sequence[str]) -> bool:
    fact = line.split(": ", 1)[1]
    return any(fact in each for each in printed)


def exit_code(results: Sequence[JobResult]) -> int:
    """Return 0 if no job failed, otherwise the exit code of the first failure."""
    errors = (result.error for result in results if result.error is not None)
    return int(next((error.exit_code for error in errors), ExitCode.DONE))


def _urls(outputs: Iterable[SavedOutput]) -> Iterator[str]:
    return (one_line(each.output.url) for each in outputs if each.output.url)
