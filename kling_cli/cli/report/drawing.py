"""The board as lines of text that fit a terminal of any width; pure.

A fact is never cut to fit: what does not fit beside another goes onto the next line,
and a bar gives way first. The prompt alone, which the person knows, is shortened.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.text import Text

from kling_cli.cli.report.board import Board, Row, Transfer
from kling_cli.cli.report.escape import one_line
from kling_cli.cli.report.fit import shortened
from kling_cli.cli.report.quantities import clock_face, size

_SHORTEST_BAR = 8
_LONGEST_BAR = 40
_INDENT = "  "


@dataclass(frozen=True, slots=True)
class Marks:
    """The characters to draw with."""

    spinner: str
    full: str
    empty: str
    between: str


UNICODE = Marks(spinner="⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏", full="━", empty="╌", between=" · ")
ASCII = Marks(spinner="|/-\\", full="#", empty=".", between=" - ")


@dataclass(frozen=True, slots=True)
class Canvas:
    """Where and when a board is drawn: cells wide, lines high, seconds."""

    width: int
    height: int
    now: float
    marks: Marks = UNICODE


def draw(board: Board, canvas: Canvas) -> list[Text]:
    """Return the lines of the display, none wider than the canvas."""
    running = [row for row in board.rows if not row.is_done]
    shared = _shared(board, canvas)
    room = max(1, canvas.height - len(shared) - 2)
    drawn: list[Text] = []
    for count, row in enumerate(running):
        block = _row(row, canvas, is_alone=len(board.rows) == 1)
        if drawn and len(drawn) + len(block) > room:
            drawn += _packed([f"and {len(running) - count} more"], canvas)
            break
        drawn += block
    return drawn + shared


def _row(row: Row, canvas: Canvas, *, is_alone: bool) -> list[Text]:
    """Return a job's lines: what it is, how it stands, its downloads."""
    mark = canvas.marks.spinner[int(canvas.now * 8) % len(canvas.marks.spinner)]
    name = row.task_id or row.external_id or ""
    what = [row.product, row.model, name] if is_alone else [name, row.model]
    what.append(row.cost)
    title = [one_line(each) for each in what if each]
    lines = _packed(title, canvas, start=f"{mark} ", style="bold")
    if row.prompt:
        room = canvas.width - len(_INDENT)
        lines.append(Text(_INDENT).append(shortened(row.prompt, room), "italic"))
    lines += _progress(row, canvas)
    for transfer in row.transfers.values():
        lines += _transfer(transfer, canvas)
    return lines


def _progress(row: Row, canvas: Canvas) -> list[Text]:
    """Return the phase with the time it has taken against the usual time."""
    since = row.began_at if row.submitted_at is None else row.submitted_at
    elapsed = canvas.now - since
    if row.submitted_at is None or row.usual_s is None or row.transfers:
        return _packed([row.phase, clock_face(elapsed)], canvas)
    share = min(elapsed / row.usual_s, 1.0)
    over = ", usually" if elapsed > row.usual_s else " of about"
    figures = f"{clock_face(elapsed)}{over} {clock_face(row.usual_s)}"
    return _with_bar(row.phase, share, [figures], canvas)


def _transfer(transfer: Transfer, canvas: Canvas) -> list[Text]:
    facts = [size(transfer.done_bytes)]
    if transfer.total_bytes:
        facts = [f"{size(transfer.done_bytes)} of {size(transfer.total_bytes)}"]
    rate, left_s = transfer.rate(canvas.now), transfer.left_s(canvas.now)
    if rate is not None:
        facts.append(f"{size(rate)}/s")
    if left_s is not None:
        facts.append(f"{clock_face(left_s)} left")
    name = _packed([one_line(transfer.name)], canvas)
    if not transfer.total_bytes:
        return name + _packed(facts, canvas)
    share = min(transfer.done_bytes / transfer.total_bytes, 1.0)
    return name + _with_bar("", share, facts, canvas)


def _shared(board: Board, canvas: Canvas) -> list[Text]:
    """Return the lines about what all jobs share."""
    n_done = sum(row.is_done for row in board.rows)
    total = f"{n_done} of {len(board.rows)} tasks done" if len(board.rows) > 1 else None
    facts = [total, board.doing, board.path]
    is_waiting = any(not (row.is_done or row.transfers) for row in board.rows)
    is_asking = is_waiting or not board.rows  # which tasks there are, too
    if is_asking and board.next_ask_at and board.next_ask_at > canvas.now:
        what = "trying again" if board.trouble else "asking again"
        facts.append(f"{what} in {clock_face(board.next_ask_at - canvas.now)}")
    said = [one_line(fact) for fact in facts if fact]
    lines = _packed(said, canvas, style="dim") if said else []
    if board.trouble and is_asking:
        trouble = [one_line(each) for each in board.trouble]
        lines = _packed(trouble, canvas, style="yellow") + lines
    return lines


def _with_bar(
    before: str, share: float, facts: Sequence[str], canvas: Canvas
) -> list[Text]:
    """Return one line with a bar if there is room for one, otherwise plain facts."""
    words = f"{_INDENT}{before} " if before else _INDENT
    figures = canvas.marks.between.join(facts)
    room = canvas.width - cell_len(words) - cell_len(figures) - 1
    if room < _SHORTEST_BAR:
        return _packed([each for each in (before, *facts) if each], canvas)
    length = min(room, _LONGEST_BAR)
    full = round(share * length)
    line = Text(words)
    line.append(canvas.marks.full * full, "green")
    line.append(canvas.marks.empty * (length - full), "dim")
    line.append(f" {figures}")
    return [line]


def _packed(
    facts: Sequence[str], canvas: Canvas, *, start: str = _INDENT, style: str = ""
) -> list[Text]:
    """Return facts side by side on as few lines as they need."""
    room = max(1, canvas.width - cell_len(start))
    lines = list(_lines(facts, room, canvas.marks.between))
    indents = [start, *([" " * cell_len(start)] * (len(lines) - 1))]
    return [
        Text(indent).append(line, style)
        for indent, line in zip(indents, lines, strict=True)
    ]


def _lines(facts: Sequence[str], room: int, between: str) -> Iterator[str]:
    line = ""
    for piece in _pieces(facts, room):
        if not line:
            line = piece
        elif cell_len(line + between + piece) <= room:
            line += between + piece
        else:
            yield line
            line = piece
    yield line


def _pieces(facts: Iterable[str], room: int) -> Iterator[str]:
    """Yield the facts, those wider than the room in several pieces."""
    for fact in facts:
        piece = ""
        for char in fact:
            if cell_len(piece + char) > room:
                yield piece
                piece = ""
            piece += char
        yield piece
