from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from kling_cli.api.library import ELEMENTS, VOICES, LibraryItem, Link, Owner
from kling_cli.cli.output.views.library_items import (
    item_details,
    item_document,
    item_table,
)

MADE = datetime(2026, 10, 4, 12, 0, tzinfo=UTC)
SAMPLE = Link(role="sample", url="https://cdn.example.com/v.mp3")


def an_item(item_id: str = "83", **changes: Any) -> LibraryItem:
    facts: dict[str, Any] = {"name": "Ann", "owner": Owner.OWN, "links": (SAMPLE,)}
    return LibraryItem(id=item_id, **{**facts, **changes})


HERO = an_item(
    "32",
    name="Hero",
    description="red coat",
    kind="image_refer",
    tags=("Character", "Hottest"),
    voice_id="83",
    task_id="88",
    created_at=MADE,
)


def test_items_are_lines_in_columns() -> None:
    assert list(item_table([an_item(), an_item("8", owner=Owner.PRESET)], VOICES)) == [
        "83  own     Ann",
        "8   preset  Ann",
    ]
    assert list(item_table([HERO], ELEMENTS)) == [
        "32  own  image_refer  Character,Hottest  Hero  red coat"
    ]


def test_words_of_others_are_harmless() -> None:
    evil = an_item("\x1b[2J", name="a\nb", links=(Link(role="sample", url="x\x07"),))

    printed = [*item_table([evil], VOICES), *item_details([evil], VOICES)]

    assert all(line.isprintable() for line in printed)


def test_a_description_says_how_it_is_used() -> None:
    assert list(item_details([HERO], ELEMENTS)) == [
        "32  Hero",
        "  owner    own",
        "  what     red coat",
        "  kind     image_refer",
        "  tags     Character, Hottest",
        "  voice    83",
        "  created  2026-10-04T12:00:00.000Z",
        "  task     88",
        "  sample   https://cdn.example.com/v.mp3",
        "  use it   --element NAME=32",
    ]


def test_a_voice_without_a_name_is_told_too() -> None:
    lines = list(item_details([an_item(name=None)], VOICES))

    assert lines[0] == "83  -"
    assert lines[-1] == "  use it  --voice NAME=83"


def test_an_element_has_keys_that_a_voice_has_not() -> None:
    voice, element = item_document(an_item(), VOICES), item_document(HERO, ELEMENTS)

    own = set(element) - set(voice)
    assert own == {"description", "kind", "tags", "voice_id"}
    assert voice["created_at"] is None
    assert element["created_at"] == "2026-10-04T12:00:00.000Z"
    assert voice["urls"] == [{"role": "sample", "url": SAMPLE.url}]
