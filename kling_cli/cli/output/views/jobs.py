"""The table of `kling list` on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from shutil import get_terminal_size
from types import MappingProxyType
from typing import TYPE_CHECKING

from kling_cli.cli.output.tables import CellStyler, Column, fitted_table
from kling_cli.cli.output.terminal.capabilities import (
    Styler,
    hyperlink_on_stdout,
    styler_for,
)
from kling_cli.jobs.outputs.naming import relative_to_cwd
from kling_cli.store import State

if TYPE_CHECKING:
    from kling_cli.store import JobRecord

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


def terminal_job_table(
    jobs: Sequence[JobRecord], now: datetime, *, is_colorless: bool
) -> Iterator[str]:
    """Yield a table as wide as the terminal at most."""
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
    return fitted_table(columns, [_cells(job, now) for job in jobs], width=width)


def _cells(job: JobRecord, now: datetime) -> tuple[str | None, ...]:
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
