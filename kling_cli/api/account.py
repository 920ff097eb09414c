"""Queries the account: its resource packs, and deductions from packs or in cash.

Source: API reference 2.11, read 2026-10-04. The figures may be 12 hours old.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from kling_cli.api.error_codes import error_from_code
from kling_cli.api.json_values import (
    as_datetime,
    as_integer,
    as_number,
    as_object,
    as_objects,
    as_text,
    to_unix_ms,
)
from kling_cli.api.pagination import PagedItems, PageFetcher, cursor_pages

MAX_ROWS: Final = 500  # of a page
UNITS: Final = "units"  # what a pack pays in; the balance pays in a currency
PACKAGE_PATH: Final = "/account/billing/package"
BALANCE_PATH: Final = "/account/billing/balance"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """A resource pack and what is left of it; amounts in units.

    `status` is `toBeOnline`, `online`, `expired`, `runOut`, or a newer word.
    """

    id: str | None
    name: str
    type: str | None
    status: str | None
    total_units: float | None
    left_units: float | None
    bought_at: datetime | None
    begins_at: datetime | None
    ends_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deduction:
    """The charge for one task. `unit` is `units`, or a currency such as `USD`."""

    task_id: str | None
    amount: float | None
    unit: str
    deducted_at: datetime | None
    product: str | None
    model: str | None
    resolution: str | None
    duration_s: float | None
    sound: str | None
    has_video_input: bool
    has_voice_control: bool
    left_before: float | None
    left_after: float | None
    api_key_name: str | None
    product_type: str | None
    pack_id: str | None
    cash_type: str | None
    list_price: float | None


async def packs(
    client: PageFetcher, start: datetime, end: datetime
) -> tuple[Pack, ...]:
    """Return the resource packs bought between `start` and `end`.

    The API asks for at most one such request a second.

    Raises:
        KlingError: refused; this call can report that inside a successful response.
    """
    params = {"start_time": str(to_unix_ms(start)), "end_time": str(to_unix_ms(end))}
    response = await client.query("GET", "/account/costs", params=params)
    inner = as_integer(as_object(response.data).get("code"))
    if inner:
        message = as_text(as_object(response.data).get("msg"))
        raise error_from_code(response.http, inner, message, response.request_id)
    return packs_from_wire(response.data)


def packs_from_wire(data: Any) -> tuple[Pack, ...]:
    """Return the packs in a response of `GET /account/costs`."""
    infos = as_object(data).get("resource_pack_subscribe_infos")
    return tuple(
        Pack(
            id=as_text(item.get("resource_pack_id")),
            name=as_text(item.get("resource_pack_name")) or "unnamed",
            type=as_text(item.get("resource_pack_type")),
            status=as_text(item.get("status")),
            total_units=as_number(item.get("total_quantity")),
            left_units=as_number(item.get("remaining_quantity")),
            bought_at=as_datetime(item.get("purchase_time")),
            begins_at=as_datetime(item.get("effective_time")),
            ends_at=as_datetime(item.get("invalid_time")),
        )
        for item in as_objects(infos)
    )


async def deductions(  # noqa: PLR0913 -- one per filter of a bill
    client: PageFetcher,
    path: str,
    start: datetime,
    end: datetime,
    *,
    filters: Mapping[str, Sequence[str]],
    limit: int,
) -> PagedItems[Deduction]:
    """Return up to `limit` rows (0: all) of a bill, newest first.

    `filters` are the values wanted by key; a key without values is no filter.
    """
    query = {
        "start_time": to_unix_ms(start),
        "end_time": to_unix_ms(end),
        "limit": min(limit, MAX_ROWS) or MAX_ROWS,
        "filters": [{"key": k, "values": [*v]} for k, v in filters.items() if v],
    }

    async def fetch_page(
        cursor: str | None,
    ) -> tuple[tuple[Deduction, ...], str | None]:
        body = query if cursor is None else {"cursor": cursor}
        data = as_object((await client.query("POST", path, json=body)).data)
        more = (
            as_text(data.get("next_cursor")) if data.get("has_more") is True else None
        )
        return deductions_from_wire(data), more

    return await cursor_pages(fetch_page, limit=limit)


def deductions_from_wire(data: Any) -> tuple[Deduction, ...]:
    """Return the rows of a page of a bill."""
    detail = as_object(as_object(data).get("result")).get("detail")
    return tuple(_deduction(row) for row in as_objects(detail))


def _deduction(row: Mapping[str, Any]) -> Deduction:
    is_cash = "cash_type" in row or "currency" in row
    left = "balance" if is_cash else "unit"
    return Deduction(
        task_id=as_text(row.get("task_id")),
        amount=as_number(row.get("deduction_amount")),
        unit=(as_text(row.get("currency")) or "cash") if is_cash else UNITS,
        deducted_at=as_datetime(row.get("deduction_time")),
        product=as_text(row.get("product_function")),
        model=as_text(row.get("model_name")),
        resolution=as_text(row.get("resolution")),
        duration_s=as_number(row.get("duration")),
        sound=as_text(row.get("video_sound")),
        has_video_input=row.get("refer_video_input") is True,
        has_voice_control=row.get("voice_control") is True,
        left_before=as_number(row.get(f"{left}_before_deduction")),
        left_after=as_number(row.get(f"{left}_after_deduction")),
        api_key_name=as_text(row.get("api_key_name")),
        product_type=as_text(row.get("product_type")),
        pack_id=as_text(row.get("package_id")),
        cash_type=as_text(row.get("cash_type")),
        list_price=as_number(row.get("list_price")),
    )
