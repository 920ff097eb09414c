"""The renderer: the progress model as lines that fit a terminal of any width; pure.

A fact is never cut: one that does not fit beside another goes onto the next line, and
a bar is left out first. Only the prompt, which the user knows, is truncated.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.text import Text

from kling_cli.cli.output.live.progress import JobRow, ProgressModel, Transfer
from kling_cli.cli.output.tables import truncated
from kling_cli.cli.output.terminal.text import format_clock, format_size, one_line

_MIN_BAR = 8
_MAX_BAR = 40
_INDENT = "  "


@dataclass(frozen=True, slots=True)
class Glyphs:
    """The characters that the display is drawn with."""

    spinner: str
    full: str
    empty: str
    separator: str


UNICODE = Glyphs(spinner="⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏", full="━", empty="╌", separator=" · ")
ASCII = Glyphs(spinner="|/-\\", full="#", empty=".", separator=" - ")


@dataclass(frozen=True, slots=True)
class RenderOptions:
    """The size of the terminal in cells, the time in seconds, and the glyphs."""

    width: int
    height: int
    now: float
    glyphs: Glyphs = UNICODE


def render(progress: ProgressModel, options: RenderOptions) -> list[Text]:
    """Return the lines of the display, none wider than the terminal."""
    running = [row for row in progress.rows if not row.is_done]
    shared = _summary_lines(progress, options)
    room = max(1, options.height - len(shared) - 2)
    drawn: list[Text] = []
    for count, row in enumerate(running):
        block = _job_lines(row, options, is_alone=len(progress.rows) == 1)
        if drawn and len(drawn) + len(block) > room:
            drawn += _flow_lines([f"and {len(running) - count} more"], options)
            break
        drawn += block
    return drawn + shared


def _job_lines(row: JobRow, options: RenderOptions, *, is_alone: bool) -> list[Text]:
    """Return a job's lines: what it is, its phase, its downloads."""
    mark = options.glyphs.spinner[int(options.now * 8) % len(options.glyphs.spinner)]
    name = row.task_id or row.external_id or ""
    what = [row.product, row.model, name] if is_alone else [name, row.model]
    what.append(row.cost)
    title = [one_line(each) for each in what if each]
    lines = _flow_lines(title, options, start=f"{mark} ", style="bold")
    if row.prompt:
        room = options.width - len(_INDENT)
        lines.append(Text(_INDENT).append(truncated(row.prompt, room), "italic"))
    lines += _phase_lines(row, options)
    for transfer in row.transfers.values():
        lines += _transfer_lines(transfer, options)
    return lines


def _phase_lines(row: JobRow, options: RenderOptions) -> list[Text]:
    """Return the phase with the elapsed time against the usual time."""
    since = row.started_at if row.submitted_at is None else row.submitted_at
    elapsed = options.now - since
    if row.submitted_at is None or row.usual_s is None or row.transfers:
        return _flow_lines([row.phase, format_clock(elapsed)], options)
    share = min(elapsed / row.usual_s, 1.0)
    over = ", usually" if elapsed > row.usual_s else " of about"
    figures = f"{format_clock(elapsed)}{over} {format_clock(row.usual_s)}"
    return _with_bar(row.phase, share, [figures], options)


def _transfer_lines(transfer: Transfer, options: RenderOptions) -> list[Text]:
    facts = [format_size(transfer.done_bytes)]
    if transfer.total_bytes:
        facts = [
            f"{format_size(transfer.done_bytes)} of {format_size(transfer.total_bytes)}"
        ]
    rate, left_s = transfer.rate(options.now), transfer.left_s(options.now)
    if rate is not None:
        facts.append(f"{format_size(rate)}/s")
    if left_s is not None:
        facts.append(f"{format_clock(left_s)} left")
    name = _flow_lines([one_line(transfer.name)], options)
    if not transfer.total_bytes:
        return name + _flow_lines(facts, options)
    share = min(transfer.done_bytes / transfer.total_bytes, 1.0)
    return name + _with_bar("", share, facts, options)


def _summary_lines(progress: ProgressModel, options: RenderOptions) -> list[Text]:
    """Return the lines about what all jobs share."""
    n_done = sum(row.is_done for row in progress.rows)
    total = (
        f"{n_done} of {len(progress.rows)} tasks done"
        if len(progress.rows) > 1
        else None
    )
    facts = [total, progress.activity, progress.path]
    is_waiting = any(not (row.is_done or row.transfers) for row in progress.rows)
    is_asking = is_waiting or not progress.rows  # or the tasks are still being listed
    if is_asking and progress.next_query_at and progress.next_query_at > options.now:
        what = "trying again" if progress.api_error else "asking again"
        facts.append(f"{what} in {format_clock(progress.next_query_at - options.now)}")
    shown = [one_line(fact) for fact in facts if fact]
    lines = _flow_lines(shown, options, style="dim") if shown else []
    if progress.api_error and is_asking:
        api_error = [one_line(each) for each in progress.api_error]
        lines = _flow_lines(api_error, options, style="yellow") + lines
    return lines


def _with_bar(
    before: str, share: float, facts: Sequence[str], options: RenderOptions
) -> list[Text]:
    """Return one line with a progress bar if it fits, otherwise plain facts."""
    words = f"{_INDENT}{before} " if before else _INDENT
    figures = options.glyphs.separator.join(facts)
    room = options.width - cell_len(words) - cell_len(figures) - 1
    if room < _MIN_BAR:
        return _flow_lines([each for each in (before, *facts) if each], options)
    length = min(room, _MAX_BAR)
    full = round(share * length)
    line = Text(words)
    line.append(options.glyphs.full * full, "green")
    line.append(options.glyphs.empty * (length - full), "dim")
    line.append(f" {figures}")
    return [line]


def _flow_lines(
    facts: Sequence[str],
    options: RenderOptions,
    *,
    start: str = _INDENT,
    style: str = "",
) -> list[Text]:
    """Return facts side by side on as few lines as they need."""
    room = max(1, options.width - cell_len(start))
    lines = list(_joined_facts(facts, room, options.glyphs.separator))
    indents = [start, *([" " * cell_len(start)] * (len(lines) - 1))]
    return [
        Text(indent).append(line, style)
        for indent, line in zip(indents, lines, strict=True)
    ]


def _joined_facts(facts: Sequence[str], room: int, between: str) -> Iterator[str]:
    line = ""
    for piece in _split_facts(facts, room):
        if not line:
            line = piece
        elif cell_len(line + between + piece) <= room:
            line += between + piece
        else:
            yield line
            line = piece
    yield line


def _split_facts(facts: Iterable[str], room: int) -> Iterator[str]:
    """Yield the facts, those wider than the room in several pieces."""
    for fact in facts:
        piece = ""
        for char in fact:
            if cell_len(piece + char) > room:
                yield piece
                piece = ""
            piece += char
        yield piece
