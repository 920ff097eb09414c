"""Rows of cells as lines in columns: nothing is cut, and nothing acts on a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import TextWrapper

from kling_cli.cli.output.text import one_line

GAP = "  "
MIN_ROOM = 20  # characters; narrower columns of words are worse than long lines
NOTHING = "-"  # an empty cell, so that a line has as many words as columns

Row = Sequence[str | None]


def columns(rows: Sequence[Row], *, headings: Sequence[str] = ()) -> Iterator[str]:
    """Yield one line a row; headings stand above them if there are rows at all."""
    cells = [[one_line(cell) if cell else NOTHING for cell in row] for row in rows]
    if headings and cells:
        cells.insert(0, list(headings))
    widths = [max(map(cells_of, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        padded = (
            cell + " " * (width - cells_of(cell))
            for cell, width in zip(row, widths, strict=True)
        )
        yield GAP.join(padded).rstrip()


def cells_of(text: str) -> int:
    """Return how many cells of a terminal `text` takes; most of Chinese is double."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def _wrapped(line: str, indent: int, width: int) -> list[str]:
    """Return the line, or several when there is room for words right of `indent`."""
    room = width - indent
    if len(line) <= width or room < MIN_ROOM:
        return [line]
    words = TextWrapper(room, break_long_words=False, break_on_hyphens=False)
    first, *rest = words.wrap(line[indent:])
    return [line[:indent] + first, *(" " * indent + each for each in rest)]


def facts(
    pairs: Sequence[tuple[str, str | None]],
    *,
    indent: str = "",
    width: int | None = None,
) -> list[str]:
    """Return one line for each fact that is known: its name, then its value.

    With a `width`, the words of a value that is too long go on below, under it.
    """
    known = [(name, one_line(value)) for name, value in pairs if value]
    longest = max((len(name) for name, _ in known), default=0)
    lines = [f"{indent}{name:<{longest}}{GAP}{value}" for name, value in known]
    if width is None:
        return lines
    before = len(indent) + longest + len(GAP)
    return [part for line in lines for part in _wrapped(line, before, width)]
