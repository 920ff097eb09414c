"""Lists are followed page by page, as far as is wanted and never for ever."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from kling_cli.api.pagination import (
    PagedItems,
    cursor_pages,
    numbered_pages,
    take_first,
)
from kling_cli.errors import UnreachableError
from tests.api.recording_fetcher import RecordingFetcher

pytestmark = pytest.mark.anyio


@dataclass(frozen=True, slots=True)
class Row:
    id: str


def read(rows: Any) -> Iterator[Row]:
    """Return the rows that have an item; one that is being made has none."""
    return (Row(each) for each in rows if each)


def pages_of(names: Sequence[str]) -> RecordingFetcher:
    def page(said: Mapping[str, Any]) -> list[str]:
        number, size = int(said["pageNum"]), int(said["pageSize"])
        return list(names[(number - 1) * size : number * size])

    return RecordingFetcher(page)


async def numbered(client: RecordingFetcher, **options: Any) -> PagedItems[Row]:
    chosen = {"limit": 0, "page_size": 2, **options}
    return await numbered_pages(client, "/list", read, **chosen)


def names_of(found: PagedItems[Row]) -> str:
    return "".join(each.id for each in found.items)


async def test_a_page_that_is_not_full_is_the_last() -> None:
    client = pages_of("abcde")

    found = await numbered(client)

    assert (names_of(found), found.has_more) == ("abcde", False)
    assert [each["pageNum"] for each in client.requests] == ["1", "2", "3"]


async def test_no_page_beyond_the_limit_is_fetched() -> None:
    client = pages_of("abcdef")

    found = await numbered(client, limit=3)

    assert (names_of(found), found.has_more) == ("abc", True)
    assert len(client.requests) == 2


async def test_rows_without_items_do_not_count_against_the_limit() -> None:
    found = await numbered(pages_of(["", "a", "", "b", "c"]), limit=2)

    assert (names_of(found), found.has_more) == ("ab", True)


async def test_an_endlessly_repeated_page_ends_the_list() -> None:
    client = RecordingFetcher(lambda _: ["a", "b"])

    found = await numbered(client)

    assert (names_of(found), found.has_more) == ("ab", False)
    assert len(client.requests) == 2


async def test_no_more_pages_than_allowed_are_fetched() -> None:
    client = pages_of("abcdefgh")

    found = await numbered(client, max_pages=2)

    assert (names_of(found), found.has_more) == ("abcd", True)


@pytest.mark.parametrize("data", [None, {}, "[]"])
async def test_a_response_without_a_list_is_an_error(data: Any) -> None:
    with pytest.raises(UnreachableError, match="no list"):
        await numbered(RecordingFetcher(lambda _: data))


async def by_cursor(pages: Mapping[str | None, Any], limit: int = 0) -> PagedItems[str]:
    async def turn(cursor: str | None) -> tuple[str, str | None]:
        return pages[cursor]  # type: ignore[no-any-return]  # a test's own table

    return await cursor_pages(turn, limit=limit)


async def test_cursors_are_followed_to_the_end() -> None:
    found = await by_cursor({None: ("ab", "1"), "1": ("", "2"), "2": ("c", None)})

    assert found == PagedItems(items=("a", "b", "c"))


async def test_cursors_are_followed_no_further_than_the_limit() -> None:
    found = await by_cursor({None: ("ab", "1"), "1": ("cd", "2")}, limit=3)

    assert found == PagedItems(items=("a", "b", "c"), has_more=True)


async def test_a_repeated_cursor_ends_the_list() -> None:
    found = await by_cursor({None: ("a", "1"), "1": ("b", "1")})

    assert found == PagedItems(items=("a", "b"))


@pytest.mark.parametrize(
    ("limit", "shown", "has_more"), [(0, 3, False), (2, 2, True), (3, 3, False)]
)
def test_a_truncated_list_has_more(limit: int, shown: int, has_more: bool) -> None:
    found = take_first("abc", limit)

    assert (len(found.items), found.has_more) == (shown, has_more)
