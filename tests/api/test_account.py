"""Packs and bills. Source: API reference 2.11."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, strategies as st

from kling_cli.api.account import (
    PACKAGE_PATH,
    deductions,
    deductions_from_wire,
    packs,
    packs_from_wire,
)
from kling_cli.errors import AccountError
from tests.api.recording_fetcher import RecordingFetcher

LONG_AGO = datetime(2025, 1, 1, tzinfo=UTC)
LATER = datetime(2026, 1, 1, tzinfo=UTC)
COMMON = {
    "task_id": "930000000000000001",
    "api_key_name": "prod",
    "product_function": "Image to Video",
    "model_name": "kling-3.0",
    "resolution": "1080p",
    "duration": "5.04",
    "refer_video_input": False,
    "video_sound": "native",
    "voice_control": False,
    "deduction_time": "1793000041000",
}
UNITS = {
    **COMMON,
    "package_id": "pack1",
    "product_type": "video",
    "unit_before_deduction": 871.4,
    "deduction_amount": 6.0,
    "unit_after_deduction": 865.4,
}
CASH = {
    **COMMON,
    "cash_type": "balance",
    "balance_before_deduction": 100.0,
    "deduction_amount": 0.84,
    "balance_after_deduction": 99.16,
    "list_price": 0.84,
    "currency": "USD",
}


@pytest.mark.anyio
async def test_packs_are_queried_once_for_the_window() -> None:
    pack = {
        "resource_pack_id": "pack1",
        "resource_pack_name": "P",
        "total_quantity": 10,
        "remaining_quantity": 2.5,
        "invalid_time": 1796000000000,
        "status": "online",
    }
    data = {"code": 0, "msg": "", "resource_pack_subscribe_infos": [pack]}
    client = RecordingFetcher(lambda _: data)

    (found,) = await packs(client, LONG_AGO, LATER)

    (asked,) = client.requests
    assert (asked["start_time"], asked["end_time"]) == (
        "1735689600000",
        "1767225600000",
    )
    assert (found.id, found.name, found.status) == ("pack1", "P", "online")
    assert (found.total_units, found.left_units) == (10.0, 2.5)
    assert found.ends_at == datetime.fromtimestamp(1796000000, UTC)


@pytest.mark.anyio
async def test_costs_that_fail_inside_a_success_are_an_error() -> None:
    client = RecordingFetcher(lambda _: {"code": 1101, "msg": "arrears"})

    with pytest.raises(AccountError, match="arrears"):
        await packs(client, LONG_AGO, LATER)


def test_packs_are_parsed_as_far_as_known() -> None:
    (pack,) = packs_from_wire({"resource_pack_subscribe_infos": [{"status": "online"}]})

    assert (pack.name, pack.status, pack.left_units) == ("unnamed", "online", None)
    assert packs_from_wire(None) == ()


@pytest.mark.parametrize(
    ("row", "unit", "amount", "before", "after"),
    [
        (UNITS, "units", 6.0, 871.4, 865.4),
        (CASH, "USD", 0.84, 100.0, 99.16),
        ({**CASH, "currency": None}, "cash", 0.84, 100.0, 99.16),
    ],
    ids=["units", "cash", "cash of no currency"],
)
def test_a_deduction_has_its_amount_and_unit(
    row: Any, unit: str, amount: float, before: float, after: float
) -> None:
    (found,) = deductions_from_wire({"result": {"detail": [row]}})

    assert (found.unit, found.amount) == (unit, amount)
    assert (found.left_before, found.left_after) == (before, after)
    assert (found.model, found.duration_s) == ("kling-3.0", 5.04)
    assert found.deducted_at == datetime.fromtimestamp(1793000041, UTC)


def paged(said: Mapping[str, Any]) -> Any:
    """Answer two pages, a row each; the cursor of the second overrides all."""
    is_first = "cursor" not in said
    return {
        "result": {"detail": [{**UNITS, "task_id": "1" if is_first else "2"}]},
        "next_cursor": "c2" if is_first else "",
        "has_more": is_first,
    }


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("limit", "ids", "has_more"), [(0, ["1", "2"], False), (1, ["1"], True)]
)
async def test_a_bill_is_paginated_within_the_limit(
    limit: int, ids: list[str], has_more: bool
) -> None:
    client = RecordingFetcher(paged)

    found = await deductions(
        client,
        PACKAGE_PATH,
        LONG_AGO,
        LATER,
        filters={"product_type": ["video"], "api_key_name": []},
        limit=limit,
    )

    assert [row.task_id for row in found.items] == ids
    assert found.has_more is has_more
    assert client.requests[0]["filters"] == [
        {"key": "product_type", "values": ["video"]}
    ]
    assert client.requests[0]["limit"] == (limit or 500)
    assert [each.get("cursor") for each in client.requests[1:]] == ["c2"][
        : len(ids) - 1
    ]


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=4),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["result", "detail", *UNITS, *CASH]), inner, max_size=4
            )
        ),
        max_leaves=20,
    )
)
def test_no_json_crashes_the_parsers(data: Any) -> None:
    deductions, packs = deductions_from_wire(data), packs_from_wire(data)

    amounts = [one.amount for one in deductions]
    assert all(amount is None or math.isfinite(amount) for amount in amounts)
    json.dumps([(one.id, one.name) for one in packs], ensure_ascii=False).encode()
