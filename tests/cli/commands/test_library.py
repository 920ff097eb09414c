"""Selecting and deleting library items; the confirmation is tested in the scenarios."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from kling_cli.api.library import ELEMENTS, VOICES, LibraryItem, Owner, UnknownItemError
from kling_cli.cli.commands.library import (
    Deletion,
    LibraryFilterOptions,
    confirmation_question,
    fetch_items,
    select_items,
)
from kling_cli.errors import RefusedError
from tests.api.recording_fetcher import RecordingFetcher

ANN = LibraryItem(id="83", name="Ann", owner=Owner.OWN, links=(), task_id="88")
BEN = LibraryItem(id="84", name=None, owner=Owner.OWN, links=(), task_id="89")


def test_a_thing_is_picked_by_its_id_or_that_of_its_task() -> None:
    assert select_items([ANN, BEN], ["89", "83"], VOICES) == [BEN, ANN]


def test_all_that_are_missing_are_named() -> None:
    with pytest.raises(UnknownItemError, match="no voice 1, 2") as caught:
        select_items([ANN], ["1", "83", "2"], VOICES)

    assert "kling voices" in (caught.value.hint or "")


def test_deletion_asks_for_confirmation_by_name() -> None:
    assert confirmation_question(VOICES, [ANN]) == "Delete the voice Ann (83) for good?"
    assert confirmation_question(ELEMENTS, [ANN, BEN]) == (
        "Delete the 2 elements Ann (83), unnamed (84) for good?"
    )


@pytest.mark.parametrize(
    ("chosen", "owners"),
    [
        (LibraryFilterOptions(), {Owner.OWN, Owner.PRESET}),
        (LibraryFilterOptions(is_own=True), {Owner.OWN}),
        (LibraryFilterOptions(is_preset=True), {Owner.PRESET}),
        (LibraryFilterOptions(is_own=True, is_preset=True), {Owner.OWN, Owner.PRESET}),
    ],
)
def test_whose_things_are_wanted(
    chosen: LibraryFilterOptions, owners: set[Owner]
) -> None:
    assert chosen.owners == owners


def library(_said: Mapping[str, Any]) -> list[Any]:
    result = {"voices": [{"voice_id": "1", "owned_by": "10000001"}]}
    return [{"task_id": "8", "task_result": result}]


@pytest.mark.anyio
async def test_presets_are_not_asked_for_when_there_is_no_room_for_them() -> None:
    full = RecordingFetcher(lambda _: [*library({}), *library({})])

    found = await fetch_items(full, VOICES, set(Owner), limit=1)

    assert [each["path"] for each in full.requests] == ["/v1/general/custom-voices"]
    assert found.has_more


@pytest.mark.anyio
async def test_one_that_cannot_be_deleted_does_not_keep_the_others() -> None:
    class Refusing(RecordingFetcher):
        async def query(self, method: str, path: str, **printed: Any) -> Any:
            await super().query(method, path, **printed)
            if printed["json"]["voice_id"] == "2":
                raise RefusedError("Voice id not found", code=1201)

    client = Refusing(library)
    deletion = Deletion(kind=VOICES, ids=["1", "2", "3"], is_sure=True)

    await deletion.run(client)

    assert deletion.deleted == ["1", "3"]
    assert isinstance(deletion.error, UnknownItemError)
    assert [each["path"] for each in client.requests] == [
        "/v1/general/delete-voices"
    ] * 3
