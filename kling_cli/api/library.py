"""Lists and deletes items of an account's library: voices and elements, own and preset.

Source: API reference 2.8 and 7, read 2026-10-04. The id of an element is a JSON number
that may exceed the precision of a float: it is read as an integer, and is a text from
there on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from kling_cli.api.json_values import as_datetime, as_object, as_objects, as_text
from kling_cli.api.pagination import PagedItems, PageFetcher, numbered_pages
from kling_cli.errors import RefusedError, UsageError

_PRESET_OWNER: Final = "kling"
_DELETED: Final = "deleted"
_BAD_VALUE: Final = 1201


class Owner(StrEnum):
    """Whether an item of the library is the account's own or a preset."""

    OWN = "own"
    PRESET = "preset"


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemKind:
    """A kind of library item, and the API's paths for it.

    Of the two documented paths that delete an element both act on the same library.
    """

    noun: str
    own_path: str
    preset_path: str
    delete_path: str
    page_size: int

    @property
    def plural(self) -> str:
        """The plural of the noun, for us and for the API."""
        return f"{self.noun}s"


VOICES: Final = ItemKind(
    noun="voice",
    own_path="/v1/general/custom-voices",
    preset_path="/v1/general/presets-voices",
    delete_path="/v1/general/delete-voices",
    page_size=1000,
)
ELEMENTS: Final = ItemKind(
    noun="element",
    own_path="/v1/general/advanced-custom-elements",
    preset_path="/v1/general/advanced-presets-elements",
    delete_path="/v1/general/delete-elements",
    page_size=500,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A file of an item: `role` is `sample`, `frontal`, `refer` or `voice`.

    `url` is a signed link and never logged.
    """

    role: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LibraryItem:
    """A voice or an element. `kind`, `tags` and `voice_id` are an element's.

    `kind` is what it was made from, `image_refer` or `video_refer`; `task_id` is that
    of the task that made it.
    """

    id: str
    name: str | None
    owner: Owner
    links: tuple[Link, ...]
    description: str | None = None
    kind: str | None = None
    tags: tuple[str, ...] = ()
    voice_id: str | None = None
    task_id: str | None = None
    created_at: datetime | None = None


class UnknownItemError(UsageError):
    """There is no item of this id, or none that is the account's own."""


async def library_items(
    client: PageFetcher, kind: ItemKind, owner: Owner, *, limit: int
) -> PagedItems[LibraryItem]:
    """Return up to `limit` items of a kind (0: all), in the API's order."""
    is_own = owner is Owner.OWN
    return await numbered_pages(
        client,
        kind.own_path if is_own else kind.preset_path,
        lambda rows: items_from_wire(rows, kind, owner),
        limit=limit,
        page_size=min(limit, kind.page_size) or kind.page_size,
    )


async def delete_item(client: PageFetcher, kind: ItemKind, item_id: str) -> None:
    """Delete an item of one's own. A repeated deletion is refused and changes nothing.

    Raises:
        UnknownItemError: it does not exist, or no longer.
    """
    body = {f"{kind.noun}_id": item_id}
    try:
        await client.query("POST", kind.delete_path, json=body)
    except RefusedError as exc:
        if exc.code != _BAD_VALUE:
            raise
        raise _unknown_item_error(kind, item_id, exc) from exc


def _unknown_item_error(
    kind: ItemKind, item_id: str, exc: RefusedError
) -> UnknownItemError:
    is_gone = "already" in exc.message.lower()
    what = (
        f"{kind.noun} {item_id} has been deleted before"
        if is_gone
        else f"there is no {kind.noun} {item_id} of your own to delete"
    )
    return exc.converted_to(
        UnknownItemError,
        what if is_gone else f"{what} ({exc.message})",
        hint=f"`kling {kind.plural} --own` lists those that there are",
    )


def items_from_wire(rows: Any, kind: ItemKind, owner: Owner) -> Iterator[LibraryItem]:
    """Yield the items in the tasks of a list; one that is still being made has none."""
    for row in as_objects(rows):
        result = as_object(row.get("task_result"))
        for item in as_objects(result.get(kind.plural)):
            item_id = as_text(item.get(f"{kind.noun}_id"))
            status = as_text(item.get("status")) or ""
            if item_id is not None and status.lower() != _DELETED:
                yield _item(item_id, item, row, kind, owner)


def _item(
    item_id: str,
    item: Mapping[str, Any],
    row: Mapping[str, Any],
    kind: ItemKind,
    owner: Owner,
) -> LibraryItem:
    is_preset = item.get("owned_by") == _PRESET_OWNER
    voice = as_object(item.get("element_voice_info"))
    return LibraryItem(
        id=item_id,
        name=as_text(item.get(f"{kind.noun}_name")),
        owner=Owner.PRESET if is_preset else owner,
        links=tuple(_links(item, voice)),
        description=as_text(item.get("element_description")),
        kind=as_text(item.get("reference_type")),
        tags=tuple(_tags(item)),
        voice_id=as_text(voice.get("voice_id")),
        task_id=as_text(row.get("task_id")),
        created_at=as_datetime(row.get("created_at")),
    )


def _tags(item: Mapping[str, Any]) -> Iterator[str]:
    for tag in as_objects(item.get("tag_list")):
        name = as_text(tag.get("name")) or as_text(tag.get("id"))
        if name is not None:
            yield name


def _links(item: Mapping[str, Any], voice: Mapping[str, Any]) -> Iterator[Link]:
    pictures = as_object(item.get("element_image_list"))
    films = as_object(item.get("element_video_list"))
    found = [
        ("sample", item.get("trial_url")),
        ("frontal", pictures.get("frontal_image")),
        *(
            ("refer", o.get("image_url"))
            for o in as_objects(pictures.get("refer_images"))
        ),
        *(("refer", o.get("video_url")) for o in as_objects(films.get("refer_videos"))),
        ("voice", voice.get("trial_url")),
    ]
    for role, value in found:
        if (url := as_text(value)) is not None:
            yield Link(role=role, url=url)
