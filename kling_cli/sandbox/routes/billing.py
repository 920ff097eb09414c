"""Account endpoints: packs and their costs, and the billing of packs and balance.

The sandbox pays in units only, so that the balance has no rows.
Source: API reference, section 2.11, read 2026-10-04.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from kling_cli.sandbox.media.outputs import Json, Video
from kling_cli.sandbox.routes.queries import invalid_value, parse_integer
from kling_cli.sandbox.routes.responses import Refusal, refusal
from kling_cli.sandbox.state.account import PACKS, ChargedCall, pack_id

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kling_cli.sandbox.state.sandbox_state import SandboxState
    from kling_cli.sandbox.state.tasks import SandboxTask

MAX_LIMIT = 500
KEY_NAME = "sandbox"
PRODUCT_TYPES = {"video": "video", "image": "image", "try_on": "try-on"}
_AREAS = {"720p": 1280 * 720, "1080p": 1920 * 1080, "4k": 3840 * 2160}
_TRAITS = {
    "api_key_name": "api_key_name",
    "product_type": "product_type",
    "package_id": "package_id",
    "package_name": "package_name",
}


def costs(state: SandboxState, params: Mapping[str, str]) -> dict[str, Any] | Refusal:
    """Return the packs bought in the window asked about, and what is left in them."""
    bounds = []
    for name in ("start_time", "end_time"):
        bound = parse_integer(params.get(name), 0)
        if bound is None:
            return invalid_value(name, params.get(name))
        bounds.append(bound)
    now, wanted = state.clock.now_s(), params.get("resource_pack_name")
    charged = [*state.charged()]
    packs = [state.account.pack_info(pack, charged, now) for pack in PACKS]
    listed = [
        pack
        for pack in packs
        if bounds[0] <= pack["purchase_time"] <= bounds[1]
        and wanted in (None, pack["resource_pack_name"])
    ]
    return {"code": 0, "msg": "", "resource_pack_subscribe_infos": listed}


def package(state: SandboxState, body: Any) -> Json | Refusal:
    """Return a page of what the packs paid, newest first."""
    return _page(body, list(_rows(state))[::-1], tuple(_TRAITS))


def balance(state: SandboxState, body: Any) -> Json | Refusal:
    """Return a page of what the balance paid: nothing."""
    del state
    return _page(body, [], ("api_key_name",))


def _page(body: Any, rows: list[Json], keys: tuple[str, ...]) -> Json | Refusal:
    query = _resumed(body) if isinstance(body, dict) else None
    if query is None:
        return refusal(1200) if not isinstance(body, dict) else _bad_cursor(body)
    start, end = (
        parse_integer(query.get(name), 0) for name in ("start_time", "end_time")
    )
    if start is None or end is None:
        name = "start_time" if start is None else "end_time"
        return invalid_value(name, query.get(name))
    limit = parse_integer(query.get("limit", MAX_LIMIT), 1, MAX_LIMIT)
    if limit is None:
        return invalid_value("limit", query.get("limit"))
    wanted = _filters(query.get("filters") or [], keys)
    if isinstance(wanted, Refusal):
        return wanted
    matching = [
        row
        for row in rows
        if start <= int(row["deduction_time"]) <= end
        and all(row[key] in values for key, values in wanted.items())
    ]
    return _answer(matching, query, limit)


def _answer(matching: list[Json], query: Mapping[str, Any], limit: int) -> Json:
    skipped = int(query.get("skip") or 0)
    shown = matching[skipped : skipped + limit]
    has_more = len(matching) > skipped + limit
    follow = {**query, "skip": skipped + limit}
    detail = [{k: v for k, v in row.items() if k != "package_name"} for row in shown]
    return {
        "result": {"detail": detail},
        "count": len(detail),
        "next_cursor": _cursor(follow) if has_more else "",
        "has_more": has_more,
    }


def _filters(filters: Any, keys: tuple[str, ...]) -> dict[str, list[Any]] | Refusal:
    """Return the wanted values by key: any of one key's, something of each key."""
    if not isinstance(filters, list):
        return invalid_value("filters", filters)
    wanted: dict[str, list[Any]] = {}
    for each in filters:
        key = each.get("key") if isinstance(each, dict) else None
        if key not in keys:
            return invalid_value("filters.key", key)
        values = each.get("values")
        if not isinstance(values, list) or not values:
            return invalid_value("filters.values", values)
        wanted.setdefault(str(key), []).extend(values)
    if {"package_id", "package_name"} <= wanted.keys():
        return refusal(1201, "package_name and package_id exclude each other")
    return wanted


def _rows(state: SandboxState) -> Iterator[Json]:
    """Yield the rows, oldest first."""
    now = state.clock.now_s()
    left = dict.fromkeys(PRODUCT_TYPES, state.account.units)
    tasks = [(t.times.ended_at, t) for t in state.tasks if t.charge_at(now)]
    calls = [(call.made_at, call) for call in state.calls]
    paid: list[tuple[float, SandboxTask | ChargedCall]] = [*tasks, *calls]
    for moment, each in sorted(paid, key=lambda pair: pair[0]):
        before, amount = left[each.pack], each.charge_at(now)
        left[each.pack] = round(max(0.0, before - amount), 4)
        name = state.account.pack_info(each.pack, (), now)["resource_pack_name"]
        what = _of_call(each) if isinstance(each, ChargedCall) else _of_task(each)
        yield {
            "task_id": each.id,
            "api_key_name": KEY_NAME,
            **what,
            "deduction_time": str(int(moment * 1000)),
            "package_id": pack_id(each.pack),
            "package_name": name,
            "product_type": PRODUCT_TYPES[each.pack],
            "unit_before_deduction": before,
            "deduction_amount": amount,
            "unit_after_deduction": left[each.pack],
        }


def _of_call(call: ChargedCall) -> Json:
    return _about(call.name.rpartition("/")[2], "")


def _of_task(task: SandboxTask) -> Json:
    row = _about(task.plan.product.name, task.plan.wire_model)
    clips = [each.clip for each in task.outputs if isinstance(each, Video)]
    for clip in clips:
        area = clip.width * clip.height
        row["resolution"] = min(_AREAS, key=lambda name: abs(_AREAS[name] - area))
        row["duration"] = f"{int(clip.duration_s * 100) / 100:.2f}"
        row["video_sound"] = "native" if clip.has_sound else "off"
    return row


def _about(name: str, model: str) -> Json:
    return {
        "product_function": name.replace("2", " to ").replace("-", " ").title(),
        "model_name": model,
        "resolution": "",
        "duration": "",
        "refer_video_input": False,
        "video_sound": "off",
        "voice_control": False,
    }


def _cursor(query: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(dict(query)).encode()).decode()


def _resumed(body: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the question: that of the cursor, which overrides all, or the body."""
    cursor = body.get("cursor")
    if not cursor:
        return {k: v for k, v in body.items() if k not in ("cursor", "skip")}
    try:
        query = json.loads(base64.urlsafe_b64decode(str(cursor)))
    except ValueError:
        return None
    return query if isinstance(query, dict) else None


def _bad_cursor(body: Mapping[str, Any]) -> Refusal:
    return invalid_value("cursor", body.get("cursor"))
