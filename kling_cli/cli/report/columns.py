"""Rows of cells as lines in columns: nothing is cut, and nothing acts on a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kling_cli.cli.report.escape import one_line

NOTHING = "-"  # an empty cell, so that a line has as many words as columns

Row = Sequence[str | None]


def columns(rows: Sequence[Row], *, headings: Sequence[str] = ()) -> Iterator[str]:
    """Yield one line a row; headings stand above them if there are rows at all."""
    cells = [[one_line(cell) if cell else NOTHING for cell in row] for row in rows]
    if headings and cells:
        cells.insert(0, list(headings))
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        padded = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(padded).rstrip()


def facts(pairs: Sequence[tuple[str, str | None]], *, indent: str = "") -> list[str]:
    """Return one line for each fact that is known: its name, then its value."""
    width = max((len(name) for name, _ in pairs), default=0)
    return [
        f"{indent}{name:<{width}}  {one_line(value)}" for name, value in pairs if value
    ]
