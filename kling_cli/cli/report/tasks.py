"""The tasks of `kling list` as a person sees them on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from shutil import get_terminal_size
from types import MappingProxyType
from typing import TYPE_CHECKING

from kling_cli.cli.report.fit import Column, Paint, fitted
from kling_cli.cli.report.links import linked
from kling_cli.cli.report.styles import Style, style_for
from kling_cli.jobs.events import State
from kling_cli.jobs.naming import from_here

if TYPE_CHECKING:
    from kling_cli.jobs.entry import Entry

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


def in_color(state: State, style: Style) -> str:
    """Return a state's word in the colour that it has everywhere."""
    return style(state.value, _COLORS[state])


def drawn(
    entries: Sequence[Entry], now: datetime, *, is_colorless: bool
) -> Iterator[str]:
    """Yield a table that is as wide as the terminal at most."""
    style = style_for(sys.stdout, is_colorless=is_colorless)
    width = get_terminal_size().columns
    return table(entries, now, style=style, width=width, link=linked)


def table(
    entries: Sequence[Entry],
    now: datetime,
    *,
    style: Style,
    width: int,
    link: Paint | None = None,
) -> Iterator[str]:
    """Yield headings and one line a task: the prompt is shortened, an id never."""
    columns = (
        Column(heading="when", leaves=5),
        Column(heading="state", paint=lambda text, cell: style(text, _COLORS[cell])),
        Column(heading="task"),
        Column(heading="prompt", is_text=True),
        Column(heading="product", leaves=4),
        Column(heading="model", leaves=2),
        Column(heading="units", leaves=3),
        Column(heading="files", leaves=1, paint=link),
    )
    return fitted(columns, [_cells(entry, now) for entry in entries], width=width)


def _cells(entry: Entry, now: datetime) -> tuple[str | None, ...]:
    return (
        age(entry.written_at, now),
        entry.state.value,
        entry.task_id or entry.external_id,
        entry.prompt,
        entry.product,
        entry.model,
        None if entry.units is None else f"{entry.units:g}",
        " ".join(from_here(path) for path in entry.paths if path),
    )


def age(when: datetime, now: datetime) -> str:
    """Return `now`, `5m ago`, `3h ago`, `2d ago`, and older times as a date in UTC."""
    seconds = (now - when).total_seconds()
    if seconds < _MINUTE_S:
        return "now"
    for unit, length_s, next_s in _AGES:
        if seconds < next_s:
            return f"{int(seconds // length_s)}{unit} ago"
    return when.astimezone(UTC).strftime("%Y-%m-%d")
