"""Voices and elements as the API has them. Source: API reference 2.8, 7 and 8."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, strategies as st

from kling_cli.api.client import KlingClient
from kling_cli.api.credentials import ApiKey
from kling_cli.api.http import new_http
from kling_cli.api.library import (
    ELEMENTS,
    VOICES,
    ItemKind,
    Link,
    Owner,
    UnknownItemError,
    delete_item,
    items_from_wire,
    library_items,
)
from kling_cli.clock import SystemClock
from kling_cli.errors import CredentialsError, RefusedError, UnreachableError
from kling_cli.secret import Secret
from tests.support import wire_server as wire
from tests.support.wire_server import Reply, Seen, envelope

HUGE = 9_007_199_254_740_993  # 2**53 + 1, which no float can hold
VOICE = {
    "voice_id": "830000000000000301",
    "voice_name": "Ann",
    "trial_url": "https://cdn.example.com/v.mp3",
    "owned_by": "10000001",
}
ELEMENT = {
    "element_id": HUGE,
    "element_name": "Hero",
    "element_description": "red coat",
    "reference_type": "image_refer",
    "element_image_list": {
        "frontal_image": "https://cdn.example.com/f.png",
        "refer_images": [{"image_url": "https://cdn.example.com/r1.png"}],
    },
    "element_video_list": {"refer_videos": []},
    "element_voice_info": {"voice_id": "", "voice_name": "", "trial_url": ""},
    "tag_list": [{"id": "o_102", "name": "Character", "description": "Character"}],
    "owned_by": "10000001",
    "status": "succeed",
}


def row(kind: str, **item: Any) -> dict[str, Any]:
    return {
        "task_id": "880000000000000001",
        "task_status": "succeed",
        "task_result": {kind: [item]},
        "created_at": 1793000000000,
    }


async def fetch(shelf: ItemKind, *replies: Reply, wanted: str = "list") -> Any:
    """Ask over a real connection, and return what came and what was sent."""
    async with (
        wire.wire_server(*replies) as server,
        new_http(server.base_url) as http,
    ):
        client = KlingClient(http, ApiKey(Secret("k")), SystemClock())
        if wanted == "list":
            return await library_items(client, shelf, Owner.OWN, limit=0)
        await delete_item(client, shelf, wanted)
        return server.seen


@pytest.mark.anyio
async def test_the_id_of_an_element_keeps_every_digit() -> None:
    found = await fetch(ELEMENTS, envelope([row("elements", **ELEMENT)]))

    (element,) = found.items
    assert element.id == "9007199254740993"


def test_an_element_is_parsed_completely() -> None:
    (found,) = items_from_wire([row("elements", **ELEMENT)], ELEMENTS, Owner.OWN)

    assert (found.name, found.description, found.kind) == (
        "Hero",
        "red coat",
        "image_refer",
    )
    assert (found.tags, found.voice_id) == (("Character",), None)
    assert found.links == (
        Link(role="frontal", url="https://cdn.example.com/f.png"),
        Link(role="refer", url="https://cdn.example.com/r1.png"),
    )


def test_voice_and_video_of_an_element_are_parsed() -> None:
    item = {
        **ELEMENT,
        "element_video_list": {"refer_videos": [{"video_url": "https://c.example/v"}]},
        "element_image_list": {},
        "element_voice_info": {"voice_id": "83", "trial_url": "https://c.example/a"},
        "tag_list": [{"id": "o_109"}, {}],
    }

    (found,) = items_from_wire([row("elements", **item)], ELEMENTS, Owner.OWN)

    assert (found.voice_id, found.tags) == ("83", ("o_109",))
    assert [link.role for link in found.links] == ["refer", "voice"]


@pytest.mark.parametrize(
    ("owned_by", "listed_as", "owner"),
    [
        ("kling", Owner.OWN, Owner.PRESET),
        ("kling", Owner.PRESET, Owner.PRESET),
        ("10000001", Owner.OWN, Owner.OWN),
        (None, Owner.PRESET, Owner.PRESET),
    ],
)
def test_the_owner_of_a_voice_is_parsed(
    owned_by: Any, listed_as: Owner, owner: Owner
) -> None:
    rows = [row("voices", **{**VOICE, "owned_by": owned_by})]

    (found,) = items_from_wire(rows, VOICES, listed_as)

    assert found.owner is owner
    assert found.links == (Link(role="sample", url=VOICE["trial_url"]),)


@pytest.mark.parametrize(
    "rows",
    [
        [{"task_id": "1", "task_status": "processing", "task_result": {}}],
        [row("voices", **{**VOICE, "status": "DELETED"})],
        [row("voices", voice_name="nobody")],
        [row("elements", **ELEMENT)],
    ],
    ids=["being made", "deleted", "without an id", "of another kind"],
)
def test_entries_that_are_no_voices_are_left_out(rows: Any) -> None:
    assert [*items_from_wire(rows, VOICES, Owner.OWN)] == []


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(
            ["task_result", "voices", "elements", "voice_id", "element_id", "tag_list",
             "element_image_list", "refer_images", "element_voice_info", "status"]
        ), inner, max_size=4),
    max_leaves=20,
))  # fmt: skip
def test_no_json_crashes_the_parser(data: Any) -> None:
    found = [
        item
        for kind in (VOICES, ELEMENTS)
        for item in items_from_wire(data, kind, Owner.OWN)
    ]

    assert all(item.id and item.owner is Owner.OWN for item in found)


@pytest.mark.anyio
@pytest.mark.parametrize("data", [{"task_id": "1", "task_status": "succeed"}, None])
@pytest.mark.parametrize("shelf", [VOICES, ELEMENTS], ids=lambda shelf: shelf.noun)
async def test_a_deletion_is_sent_once_with_a_text_as_id(
    shelf: ItemKind, data: Any
) -> None:
    """The answer may come without data (observed, section 2.8)."""
    (seen,) = await fetch(shelf, envelope(data), wanted=str(HUGE))

    assert isinstance(seen, Seen)
    assert seen.json == {f"{shelf.noun}_id": str(HUGE)}
    assert seen.path == f"/v1/general/delete-{shelf.noun}s"


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("83 already be deleted", "voice 83 has been deleted before"),
        ("Voice id not found", "no voice 83 of your own"),
    ],
)
async def test_a_refused_deletion_is_explained(said: str, told: str) -> None:
    reply = envelope(code=1201, http=400, message=said)

    with pytest.raises(UnknownItemError, match=told) as caught:
        await fetch(VOICES, reply, wanted="83")

    assert "kling voices --own" in (caught.value.hint or "")
    assert caught.value.exit_code == 2


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (envelope(code=1203, http=404, message="no such path"), RefusedError),
        (envelope(code=1103, http=403, message="no right"), CredentialsError),
        (wire.reset, UnreachableError),
    ],
    ids=["no path", "no right", "no answer"],
)
async def test_other_errors_of_a_deletion_stay_as_they_are(
    reply: Reply, error: type[Exception]
) -> None:
    with pytest.raises(error) as caught:
        await fetch(VOICES, reply, wanted="83")

    assert not isinstance(caught.value, UnknownItemError)
