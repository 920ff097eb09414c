"""Tables of text: plain columns for a pipe, fitted columns for a terminal.

Nothing in a cell acts on a terminal. Widths are in cells: a Chinese character takes
two.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from shutil import get_terminal_size
from textwrap import TextWrapper, wrap

from kling_cli.cli.output.terminal.capabilities import is_terminal
from kling_cli.cli.output.terminal.text import one_line

COLUMN_GAP = "  "
MIN_WRAP_WIDTH = 20  # characters; narrower columns of words are worse than long lines
EMPTY_CELL = "-"  # an empty cell, so that a line has as many words as columns

Row = Sequence[str | None]


def plain_table(rows: Sequence[Row], *, headings: Sequence[str] = ()) -> Iterator[str]:
    """Yield one line a row in columns; headings come first if there are rows."""
    cells = [[one_line(cell) if cell else EMPTY_CELL for cell in row] for row in rows]
    if headings and cells:
        cells.insert(0, list(headings))
    widths = [max(map(cell_width, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        padded = (
            cell + " " * (width - cell_width(cell))
            for cell, width in zip(row, widths, strict=True)
        )
        yield COLUMN_GAP.join(padded).rstrip()


def cell_width(text: str) -> int:
    """Return how many terminal cells `text` takes; most Chinese characters take two."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def resized_cell(text: str, width: int) -> str:
    """Return `text` padded with blanks or cut to `width` cells."""
    if text.isascii():
        return text[:width].ljust(width)
    from rich.cells import set_cell_size

    return set_cell_size(text, width)


def _wrapped_value(line: str, indent: int, width: int) -> list[str]:
    """Return the line, or several with the words wrapped right of `indent`."""
    room = width - indent
    if len(line) <= width or room < MIN_WRAP_WIDTH:
        return [line]
    words = TextWrapper(room, break_long_words=False, break_on_hyphens=False)
    first, *rest = words.wrap(line[indent:])
    return [line[:indent] + first, *(" " * indent + each for each in rest)]


def labelled_lines(
    pairs: Sequence[tuple[str, str | None]],
    *,
    indent: str = "",
    width: int | None = None,
) -> list[str]:
    """Return one `label  value` line for each pair whose value is known.

    With a `width`, the words of a long value are wrapped below its beginning.
    """
    known = [(name, one_line(value)) for name, value in pairs if value]
    longest = max((len(name) for name, _ in known), default=0)
    lines = [f"{indent}{name:<{longest}}{COLUMN_GAP}{value}" for name, value in known]
    if width is None:
        return lines
    before = len(indent) + longest + len(COLUMN_GAP)
    return [part for line in lines for part in _wrapped_value(line, before, width)]


_ELLIPSIS = "…"
_MIN_TEXT_WIDTH = 20  # cells; below that, other columns are dropped first
_MIN_LONE_TEXT_WIDTH = 8  # cells, where there are no others

# Returns a padded cell with styles, given the padded text and the cell's value.
CellStyler = Callable[[str, str], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a fitted table.

    `drop_order` is the order in which columns are dropped where the table is too wide,
    0 for never. A column that `is_text` is truncated before any column is dropped; one
    that `is_wrapped` continues on the next line.
    """

    heading: str
    drop_order: int = 0
    is_text: bool = False
    is_wrapped: bool = False
    styler: CellStyler | None = None


def fitted_table(
    columns: Sequence[Column], rows: Sequence[Row], *, width: int
) -> Iterator[str]:
    """Yield the headings and one line a row, no wider than `width` if possible.

    Cells that may be neither truncated nor dropped are written in full.
    """
    if not rows:
        return
    cells = [[one_line(cell) if cell else EMPTY_CELL for cell in row] for row in rows]
    longest = [max(map(cell_width, column)) for column in zip(*cells, strict=True)]
    chosen, widths = _fit_columns(columns, longest, width)
    shown, sizes = [columns[index] for index in chosen], [widths[i] for i in chosen]
    yield _row_line([each.heading for each in shown], sizes, ())
    for row in cells:
        for line in _wrapped_cells(shown, [row[index] for index in chosen], sizes):
            yield _row_line(line, sizes, [each.styler for each in shown])


def stdout_table(
    columns: Sequence[Column], rows: Sequence[Row], *, plain_rows: Sequence[Row] = ()
) -> Iterator[str]:
    """Yield the rows fitted to the terminal; for a pipe whole and without headings.

    A pipe gets `plain_rows` where its cells are written differently.
    """
    if is_terminal(sys.stdout):
        return fitted_table(columns, rows, width=get_terminal_size().columns)
    return plain_table(plain_rows or rows)


def _wrapped_cells(
    columns: Sequence[Column], cells: Sequence[str], widths: Sequence[int]
) -> Iterator[list[str]]:
    """Yield a row's cells, line by line: several where a text is wrapped."""
    parts = [
        wrap(cell, width, break_on_hyphens=False) if column.is_wrapped else [cell]
        for column, cell, width in zip(columns, cells, widths, strict=True)
    ]
    yield from map(list, zip_longest(*parts, fillvalue=""))


def _fit_columns(
    columns: Sequence[Column], longest: Sequence[int], width: int
) -> tuple[list[int], dict[int, int]]:
    """Return which columns are shown, and how wide each is."""
    chosen = list(range(len(columns)))
    order = sorted((c.drop_order, i) for i, c in enumerate(columns) if c.drop_order)
    while True:
        widths = {i: max(longest[i], len(columns[i].heading)) for i in chosen}
        missing = sum(widths.values()) + len(COLUMN_GAP) * (len(chosen) - 1) - width
        texts = [i for i in chosen if columns[i].is_text or columns[i].is_wrapped]
        spare = sum(max(0, widths[i] - _MIN_TEXT_WIDTH) for i in texts)
        if missing <= spare or not order:
            least = _MIN_TEXT_WIDTH if missing <= spare else _MIN_LONE_TEXT_WIDTH
            return chosen, _shrink_texts(widths, texts, missing, least)
        chosen.remove(order.pop(0)[1])


def _shrink_texts(
    widths: dict[int, int], texts: Sequence[int], missing: int, least: int
) -> dict[int, int]:
    for index in sorted(texts, key=lambda each: -widths[each]):
        given = min(max(missing, 0), max(0, widths[index] - least))
        widths[index] -= given
        missing -= given
    return widths


def _row_line(
    cells: Sequence[str], widths: Sequence[int], paints: Sequence[CellStyler | None]
) -> str:
    shown = [truncated(cell, width) for cell, width in zip(cells, widths, strict=True)]
    padded = [resized_cell(cell, w) for cell, w in zip(shown, widths, strict=True)]
    padded[-1] = shown[-1]
    if not paints:
        return COLUMN_GAP.join(padded).rstrip()
    return COLUMN_GAP.join(
        paint(text, cell) if paint and cell else text
        for text, cell, paint in zip(padded, cells, paints, strict=True)
    ).rstrip()


def truncated(text: str, room: int) -> str:
    """Return `text` on one line of at most `room` cells, cut with an ellipsis."""
    line = one_line(" ".join(text.split()))
    if cell_width(line) <= room:
        return line
    return resized_cell(line, max(0, room - 1)).rstrip() + _ELLIPSIS
