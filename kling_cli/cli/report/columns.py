"""Rows of cells as lines in columns: nothing is cut, and nothing acts on a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import TextWrapper

from kling_cli.cli.report.escape import one_line

GAP = "  "
MIN_ROOM = 20  # characters; narrower columns of words are worse than long lines
NOTHING = "-"  # an empty cell, so that a line has as many words as columns

Row = Sequence[str | None]


def columns(
    rows: Sequence[Row], *, headings: Sequence[str] = (), width: int | None = None
) -> Iterator[str]:
    """Yield one line a row; headings stand above them if there are rows at all.

    With a `width`, the words of a last column that is too long go on below, in it.
    """
    cells = [[one_line(cell) if cell else NOTHING for cell in row] for row in rows]
    if headings and cells:
        cells.insert(0, list(headings))
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        padded = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        line = GAP.join(padded).rstrip()
        indent = sum(widths[:-1]) + len(GAP) * (len(widths) - 1)
        yield from [line] if width is None else _wrapped(line, indent, width)


def _wrapped(line: str, indent: int, width: int) -> list[str]:
    """Return the line, or several when there is room for words right of `indent`."""
    room = width - indent
    if len(line) <= width or room < MIN_ROOM:
        return [line]
    words = TextWrapper(room, break_long_words=False, break_on_hyphens=False)
    first, *rest = words.wrap(line[indent:])
    return [line[:indent] + first, *(" " * indent + each for each in rest)]


def facts(pairs: Sequence[tuple[str, str | None]], *, indent: str = "") -> list[str]:
    """Return one line for each fact that is known: its name, then its value."""
    known = [(name, one_line(value)) for name, value in pairs if value]
    width = max((len(name) for name, _ in known), default=0)
    return [f"{indent}{name:<{width}}  {value}" for name, value in known]
