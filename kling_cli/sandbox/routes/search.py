"""The search, `POST /tasks`: a time window, filters, and a cursor from page to page.

Source: API reference, section 2.5, read 2026-10-04.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from kling_cli.sandbox.routes.envelope import Refusal, refusal
from kling_cli.sandbox.routes.queries import (
    in_new_shape,
    invalid,
    is_shown,
    newest_first,
    whole,
)
from kling_cli.sandbox.state.tasks import Phase, SandboxTask

if TYPE_CHECKING:
    from kling_cli.sandbox.state.sandbox_state import World

DEFAULT_LIMIT, MAX_LIMIT = 100, 500
MONTH_MS = 30 * 86_400_000

Keeps = Callable[[SandboxTask], bool]
_ALSO = {"succeed": Phase.SUCCEEDED.value}


def search(
    world: World, body: Any, *, is_solutions: bool = False
) -> dict[str, Any] | Refusal:
    """Return a page of `POST /tasks` or `POST /solutions`, newest first.

    The cursor holds the window and the last task seen, so that a page follows the one
    before it although tasks have been made in between.
    """
    if not isinstance(body, dict):
        return refusal(1200)
    limit = _limit(body, is_solutions=is_solutions)
    if limit is None:
        return invalid("limit", body.get("limit"))
    keeps = _filters(world, body.get("filters") or [], is_solutions=is_solutions)
    if isinstance(keeps, Refusal):
        return keeps
    window = _window(world, body)
    if isinstance(window, Refusal):
        return window
    start, end, after = window
    known = [t for t in newest_first(world.tasks) if is_shown(t, is_solutions)]
    newest = [task for task in known if start <= _created_ms(task) <= end]
    rest = _after(newest, after)
    matching = [task for task in rest if all(keep(task) for keep in keeps)]
    page = matching[:limit]
    answer = {
        "result": in_new_shape(world, page),
        "count": len(page),
        "has_more": len(matching) > limit,
    }
    if page:
        answer["next_cursor"] = _cursor(start, end, page[-1].id)
    return answer


def _limit(body: Mapping[str, Any], *, is_solutions: bool) -> int | None:
    """Return the length of a page; of solutions, at least one is shown."""
    if not is_solutions:
        return whole(body.get("limit", DEFAULT_LIMIT), 1, MAX_LIMIT)
    limit = whole(body.get("limit", MAX_LIMIT), -MAX_LIMIT, MAX_LIMIT)
    return None if limit is None else max(1, limit)


def _created_ms(task: SandboxTask) -> int:
    return int(task.times.created_at * 1000)


def _window(world: World, body: Mapping[str, Any]) -> tuple[int, int, str] | Refusal:
    """Return the start and end in ms, and the id after which to go on."""
    if cursor := body.get("cursor"):
        return _read_cursor(cursor) or invalid("cursor", cursor)
    now_ms = int(world.timeline.now_s() * 1000)
    end = whole(body.get("end_time") or now_ms, 0)
    if end is None:
        return invalid("end_time", body["end_time"])
    start = whole(body.get("start_time") or end - MONTH_MS, 0)
    if start is None or start >= end:
        return invalid("start_time", body["start_time"])
    return start, end, ""


def _filters(
    world: World, filters: Any, *, is_solutions: bool
) -> list[Keeps] | Refusal:
    """Return what a task has to pass: each filter, by any one of its values.

    Solutions are filtered by status only, and say `succeed` too (section 2.10).
    """
    if not isinstance(filters, list):
        return invalid("filters", filters)
    now = world.timeline.now_s()
    traits: dict[str, tuple[set[str], Callable[[SandboxTask], str]]] = {
        "status": ({*Phase}, lambda task: task.phase_at(now).value),
        "product_type": ({"video", "image", "try_on"}, lambda t: t.plan.product.pack),
    }
    if is_solutions:
        del traits["product_type"]
        traits["status"][0].add("succeed")
    keeps: list[Keeps] = []
    for each in filters:
        key = each.get("key") if isinstance(each, dict) else None
        if key not in traits:
            return invalid("filters.key", key)
        known, trait = traits[key]
        wanted = each.get("values")
        if not _are_among(wanted, known):
            return invalid("filters.values", wanted)
        keeps.append(_has(trait, {_ALSO.get(value, value) for value in wanted}))
    return keeps


def _has(trait: Callable[[SandboxTask], str], wanted: set[str]) -> Keeps:
    return lambda task: trait(task) in wanted


def _after(tasks: list[SandboxTask], last_id: str) -> list[SandboxTask]:
    seen = [index for index, task in enumerate(tasks) if task.id == last_id]
    return tasks[seen[0] + 1 :] if seen else tasks


def _cursor(start: int, end: int, last_id: str) -> str:
    text = json.dumps([start, end, last_id])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read_cursor(cursor: Any) -> tuple[int, int, str] | None:
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        start, end, last_id = json.loads(raw)
        return int(start), int(end), str(last_id)
    except (TypeError, ValueError):
        return None


def _are_among(wanted: Any, known: set[str]) -> bool:
    return (
        isinstance(wanted, list)
        and bool(wanted)
        and all(isinstance(each, str) and each in known for each in wanted)
    )
