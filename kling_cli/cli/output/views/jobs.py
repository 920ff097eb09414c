"""Views of jobs: the tables of `kling list`, the details of `kling status`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from shutil import get_terminal_size
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from kling_cli.cli.output.tables import CellStyler, Column, fitted_table, plain_table
from kling_cli.cli.output.terminal.capabilities import (
    Styler,
    hyperlink_on_stdout,
    is_terminal,
    styler_for,
    unstyled,
)
from kling_cli.cli.output.terminal.text import format_size, one_line
from kling_cli.clock import format_timestamp
from kling_cli.jobs.outputs.naming import relative_to_cwd
from kling_cli.store import State

if TYPE_CHECKING:
    from kling_cli.jobs.events import JobResult
    from kling_cli.store import JobRecord, SavedOutput

_COLORS: Mapping[str, str] = MappingProxyType(
    {
        State.NOT_SUBMITTED: "dim",
        State.SUBMITTED: "cyan",
        State.PROCESSING: "cyan",
        State.SUCCEEDED: "green",
        State.FAILED: "red",
        State.UNKNOWN: "yellow",
    }
)

_MINUTE_S, _HOUR_S, _DAY_S = 60, 3600, 86_400
_AGES = (
    ("m", _MINUTE_S, _HOUR_S),
    ("h", _HOUR_S, _DAY_S),
    ("d", _DAY_S, 7 * _DAY_S),
)


def colored_state(state: State, style: Styler) -> str:
    """Return the name of a state in its colour."""
    return style(state.value, _COLORS[state])


def job_lines(
    jobs: Sequence[JobRecord], now: datetime, *, is_colorless: bool
) -> Iterator[str]:
    """Yield a table as wide as the terminal at most, or plain columns for a pipe."""
    if not is_terminal(sys.stdout):
        return plain_job_table(jobs)
    style = styler_for(sys.stdout, is_colorless=is_colorless)
    width = get_terminal_size().columns
    return job_table(jobs, now, style=style, width=width, link=hyperlink_on_stdout)


def job_table(
    jobs: Sequence[JobRecord],
    now: datetime,
    *,
    style: Styler,
    width: int,
    link: CellStyler | None = None,
) -> Iterator[str]:
    """Yield headings and one line a job: the prompt is shortened, an id never."""
    columns = (
        Column(heading="when", drop_order=5),
        Column(heading="state", styler=lambda text, cell: style(text, _COLORS[cell])),
        Column(heading="task"),
        Column(heading="prompt", is_text=True),
        Column(heading="product", drop_order=4),
        Column(heading="model", drop_order=2),
        Column(heading="units", drop_order=3),
        Column(heading="files", drop_order=1, styler=link),
    )
    return fitted_table(
        columns, [_terminal_cells(job, now) for job in jobs], width=width
    )


def _terminal_cells(job: JobRecord, now: datetime) -> tuple[str | None, ...]:
    return (
        format_age(job.written_at, now),
        job.state.value,
        job.task_id or job.external_id,
        job.prompt,
        job.product,
        job.model,
        None if job.units is None else f"{job.units:g}",
        " ".join(relative_to_cwd(path) for path in job.paths if path),
    )


def format_age(when: datetime, now: datetime) -> str:
    """Return `now`, `5m ago`, `3h ago`, `2d ago`, and older times as a date in UTC."""
    seconds = (now - when).total_seconds()
    if seconds < _MINUTE_S:
        return "now"
    for unit, length_s, next_s in _AGES:
        if seconds < next_s:
            return f"{int(seconds // length_s)}{unit} ago"
    return when.astimezone(UTC).strftime("%Y-%m-%d")


def status_words(results: Sequence[JobResult]) -> Iterator[str]:
    """Yield the state of each task in one word."""
    return (result.state.slug for result in results)


def status_details(
    results: Sequence[JobResult], style: Styler = unstyled
) -> Iterator[str]:
    """Yield a few lines a task: what it is, its state, cost and files."""
    for result in results:
        name = result.task_id or (result.is_unsubmitted and result.external_id)
        if not name:
            continue  # only the error is known, and printed on stderr
        yield f"{one_line(name)}  {colored_state(result.state, style)}"
        for fact in _status_facts(result):
            value = one_line(fact.value)
            if fact.target is not None:
                value = hyperlink_on_stdout(value, fact.target)
            yield f"  {fact.word:<9}{value}"


class StatusFact(NamedTuple):
    """One line about a task; `target` is the URL or path that it links to."""

    word: str
    value: str
    target: str | None = None


def _status_facts(result: JobResult) -> Iterator[StatusFact]:
    what = [word for word in (result.product, result.model) if word]
    if what:
        yield StatusFact("what", " with ".join(what))
    if result.prompt:
        yield StatusFact("prompt", result.prompt)
    if result.status_message:
        yield StatusFact("reason", result.status_message)
    if result.created_at:
        yield StatusFact("created", format_timestamp(result.created_at))
    if result.updated_at and result.updated_at != result.created_at:
        yield StatusFact("updated", format_timestamp(result.updated_at))
    if result.units is not None:
        yield StatusFact("units", f"{result.units:g}")
    yield from _file_facts(result)
    if result.resume:
        yield StatusFact("go on", result.resume)


def _file_facts(result: JobResult) -> Iterator[StatusFact]:
    for one in result.outputs:
        yield from _output_locations(one)
    if result.outputs and result.expires_at:
        yield StatusFact("until", format_timestamp(result.expires_at))


def _output_locations(one: SavedOutput) -> Iterator[StatusFact]:
    output, path = one.output, one.path
    if output.is_of_library and output.id:
        yield StatusFact(output.type, output.id)
    if path is not None:
        about = f" ({format_size(one.total_bytes)})" if one.total_bytes else ""
        yield StatusFact("file", f"{path}{about}", str(path))
    if output.url:
        word = "sample" if output.is_of_library else output.type
        yield StatusFact(word, output.url, output.url)
    if output.watermark_url:
        yield StatusFact("marked", output.watermark_url, output.watermark_url)


def plain_job_table(jobs: Sequence[JobRecord]) -> Iterator[str]:
    """Yield one line a job for a pipe, in columns; nothing is cut.

    The prompt, which has blanks, is last.
    """
    return plain_table([_job_cells(job) for job in jobs])


def _job_cells(job: JobRecord) -> tuple[str | None, ...]:
    return (
        job.written_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        job.state.slug,
        job.task_id or job.external_id,
        job.product,
        job.model,
        None if job.units is None else f"{job.units:g}",
        " ".join(relative_to_cwd(path) for path in job.paths if path),
        job.prompt,
    )
