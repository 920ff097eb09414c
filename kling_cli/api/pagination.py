"""Lists that come page by page, followed to their end or as far as is wanted."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, Protocol, TypeVar

from kling_cli.api.transport import ApiResponse
from kling_cli.errors import UnreachableError


class Identified(Protocol):
    """Something with an id that tells it from others."""

    @property
    def id(self) -> str: ...


T = TypeVar("T")
N = TypeVar("N", bound=Identified)

MAX_PAGE: Final = 1000  # Source: API reference 2.8, `pageNum`, read 2026-10-04


class PageFetcher(Protocol):
    """The part of the client that asking for lists needs."""

    async def ask(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        json: Any = None,
    ) -> ApiResponse: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PagedItems(Generic[T]):
    """What was found, and whether there is more than was wanted."""

    items: tuple[T, ...]
    has_more: bool = False


def take_first(
    items: Sequence[T], limit: int, *, has_more: bool = False
) -> PagedItems[T]:
    """Return the first `limit` of these, 0 being all of them."""
    shown = tuple(items[: limit or None])
    return PagedItems(items=shown, has_more=has_more or len(shown) < len(items))


async def numbered_pages(  # noqa: PLR0913 -- a list, and how far to follow it
    client: PageFetcher,
    path: str,
    read: Callable[[Any], Iterable[N]],
    *,
    limit: int,
    page_size: int,
    max_pages: int = MAX_PAGE,
) -> PagedItems[N]:
    """Return up to `limit` items (0: all) of a list whose pages are numbered.

    A page may have more rows than items: of what is being made there is a row and
    nothing yet. A page that is not full is the last, and so is one without news.

    Raises:
        UnreachableError: a page is no list, which is not the same as an empty one.
    """
    found: dict[str, N] = {}
    for page in range(1, max_pages + 1):
        params = {"pageNum": str(page), "pageSize": str(page_size)}
        rows = _rows(await client.ask("GET", path, params=params))
        known = len(found)
        found |= {item.id: item for item in read(rows)}
        is_repeated = page > 1 and len(found) == known
        if len(rows) < page_size or is_repeated:
            return take_first([*found.values()], limit)
        if limit and len(found) >= limit:
            break
    return take_first([*found.values()], limit, has_more=True)


def _rows(answer: ApiResponse) -> list[Any]:
    if isinstance(answer.data, list):
        return answer.data
    raise UnreachableError(
        "the API's answer has no list",
        hint="try again; if it stays so, check KLING_API_BASE",
        request_id=answer.request_id,
    )


async def cursor_pages(
    turn: Callable[[str | None], Awaitable[tuple[Sequence[T], str | None]]],
    *,
    limit: int,
) -> PagedItems[T]:
    """Return up to `limit` items (0: all) of a list in which cursors lead on.

    `turn` takes a cursor, None for the first page, and returns the items there and the
    cursor of the next page, None after the last.
    """
    found: list[T] = []
    seen: set[str | None] = set()
    cursor: str | None = None
    while cursor not in seen:
        seen.add(cursor)
        items, cursor = await turn(cursor)
        found += items
        if cursor is None or (limit and len(found) >= limit):
            return take_first(found, limit, has_more=cursor is not None)
    return take_first(found, limit)  # it leads in a circle
