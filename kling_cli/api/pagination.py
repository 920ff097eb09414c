"""Follows paginated lists to their end, or as far as is wanted."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, Protocol, TypeVar

from kling_cli.api.transport import ApiResponse
from kling_cli.errors import UnreachableError


class Identified(Protocol):
    """An item with an id that is unique in its list."""

    @property
    def id(self) -> str: ...


T = TypeVar("T")
N = TypeVar("N", bound=Identified)

MAX_PAGE: Final = 1000  # Source: API reference 2.8, `pageNum`, read 2026-10-04


class PageFetcher(Protocol):
    """The part of the client that lists need."""

    async def query(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        json: Any = None,
    ) -> ApiResponse: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PagedItems(Generic[T]):
    """The items found, and whether there are more than were wanted."""

    items: tuple[T, ...]
    has_more: bool = False


def take_first(
    items: Sequence[T], limit: int, *, has_more: bool = False
) -> PagedItems[T]:
    """Return the first `limit` items; 0 is all of them."""
    shown = tuple(items[: limit or None])
    return PagedItems(items=shown, has_more=has_more or len(shown) < len(items))


async def numbered_pages(  # noqa: PLR0913 -- a list, and how far to follow it
    client: PageFetcher,
    path: str,
    parse: Callable[[Any], Iterable[N]],
    *,
    limit: int,
    page_size: int,
    max_pages: int = MAX_PAGE,
) -> PagedItems[N]:
    """Return up to `limit` items (0: all) of a list with numbered pages.

    A page may have more rows than items: an item that is being made has a row and no
    item yet. A page that is not full is the last, and so is one without new items.

    Raises:
        UnreachableError: a page is no list, which is not the same as an empty one.
    """
    found: dict[str, N] = {}
    for page in range(1, max_pages + 1):
        params = {"pageNum": str(page), "pageSize": str(page_size)}
        rows = _rows(await client.query("GET", path, params=params))
        n_before = len(found)
        found |= {item.id: item for item in parse(rows)}
        is_repeated = page > 1 and len(found) == n_before
        if len(rows) < page_size or is_repeated:
            return take_first([*found.values()], limit)
        if limit and len(found) >= limit:
            break
    return take_first([*found.values()], limit, has_more=True)


def _rows(response: ApiResponse) -> list[Any]:
    if isinstance(response.data, list):
        return response.data
    raise UnreachableError(
        "the API's answer has no list",
        hint="try again; if it stays so, check KLING_API_BASE",
        request_id=response.request_id,
    )


async def cursor_pages(
    fetch_page: Callable[[str | None], Awaitable[tuple[Sequence[T], str | None]]],
    *,
    limit: int,
) -> PagedItems[T]:
    """Return up to `limit` items (0: all) of a list that is followed by cursors.

    `fetch_page` takes a cursor, None for the first page, and returns the items there
    and the cursor of the next page, None after the last.
    """
    found: list[T] = []
    seen: set[str | None] = set()
    cursor: str | None = None
    while cursor not in seen:
        seen.add(cursor)
        items, cursor = await fetch_page(cursor)
        found += items
        if cursor is None or (limit and len(found) >= limit):
            return take_first(found, limit, has_more=cursor is not None)
    return take_first(found, limit)  # it leads in a circle
