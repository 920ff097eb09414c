"""Views of library items: voices and elements."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from kling_cli.cli.output.tables import (
    Column,
    labelled_lines,
    stdout_table,
)
from kling_cli.cli.output.terminal.text import one_line, optional_timestamp

if TYPE_CHECKING:
    from kling_cli.api import ItemKind, LibraryItem

_COLUMNS = {
    "voice": (
        Column(heading="voice"),
        Column(heading="owner", drop_order=1),
        Column(heading="name"),
    ),
    "element": (
        Column(heading="element"),
        Column(heading="owner", drop_order=3),
        Column(heading="kind", drop_order=2),
        Column(heading="tags", drop_order=1),
        Column(heading="name"),
        Column(heading="description", drop_order=4, is_text=True),
    ),
}


def item_document(one: LibraryItem, kind: ItemKind) -> dict[str, Any]:
    """Return the JSON object of an item; an element's has more keys."""
    common = {
        "id": one.id,
        "name": one.name,
        "owner": one.owner.value,
        "task_id": one.task_id,
        "created_at": optional_timestamp(one.created_at),
        "urls": [{"role": link.role, "url": link.url} for link in one.links],
    }
    if kind.noun == "voice":
        return common
    own = {"description": one.description, "kind": one.kind, "tags": list(one.tags)}
    return {**common, **own, "voice_id": one.voice_id}


def item_table(found: Sequence[LibraryItem], kind: ItemKind) -> Iterator[str]:
    """Yield one line an item; headings on a terminal only."""
    rows = [_cells(one, kind) for one in found]
    return stdout_table(_COLUMNS[kind.noun], rows)


def _cells(one: LibraryItem, kind: ItemKind) -> tuple[str | None, ...]:
    if kind.noun == "voice":
        return one.id, one.owner.value, one.name
    tags = ",".join(one.tags)
    return one.id, one.owner.value, one.kind, tags, one.name, one.description


def item_details(found: Sequence[LibraryItem], kind: ItemKind) -> Iterator[str]:
    """Yield a few lines an item, and how it is used."""
    for one in found:
        yield f"{one_line(one.id)}  {one_line(one.name or '-')}"
        yield from labelled_lines(
            [
                ("owner", one.owner.value),
                ("what", one.description),
                ("kind", one.kind),
                ("tags", ", ".join(one.tags)),
                ("voice", one.voice_id),
                ("created", optional_timestamp(one.created_at)),
                ("task", one.task_id),
                *((link.role, link.url) for link in one.links),
                ("use it", f"--{kind.noun} NAME={one.id}"),
            ],
            indent="  ",
        )
