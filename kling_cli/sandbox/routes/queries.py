"""Query endpoints: by ids, search, and the legacy single and list queries.

Source: API reference, sections 2.3, 2.5 and 8, read 2026-10-04.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from kling_cli.products.model import Generation
from kling_cli.sandbox.media.outputs import Element, Voice
from kling_cli.sandbox.routes.responses import Refusal, refusal
from kling_cli.sandbox.state.tasks import Phase, SandboxTask
from kling_cli.sandbox.wire import legacy_shape, new_shape

if TYPE_CHECKING:
    from kling_cli.sandbox.state.sandbox_state import SandboxState


MAX_IDS = 20
MAX_VOICES = 1000  # a page of voices may be longer than others
DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE, MAX_PAGE = 30, 500, 1000

# Observed, except the one about both parameters.
NO_IDS = "task_ids or external_task_ids is required"
BOTH_IDS = "only one of task_ids and external_task_ids is allowed"
TOO_MANY_IDS = "task_ids and external_task_ids cannot exceed 20 in total"
NOT_FOUND = "Task not found by id/external id: {id}"

Predicate = Callable[[SandboxTask], bool]
T = TypeVar("T")


def tasks_by_ids(
    state: SandboxState, params: Mapping[str, str], *, is_solutions: bool = False
) -> list[Any] | Refusal:
    """Return what `GET /tasks` or `GET /solutions` finds; unknown ids are absent."""
    ids = _split(params.get("task_ids", ""))
    external_ids = _split(params.get("external_task_ids", ""))
    if not ids and not external_ids:
        return refusal(1201, NO_IDS)
    if len(ids) + len(external_ids) > MAX_IDS:
        return refusal(1201, TOO_MANY_IDS)
    if ids and external_ids:
        return refusal(1201, BOTH_IDS)
    found = [state.tasks.get(each) for each in ids]
    found += [state.tasks.by_external_id(each) for each in external_ids]
    shown = [task for task in found if task is not None]
    return in_new_shape(state, [t for t in shown if is_in_collection(t, is_solutions)])


def is_in_collection(task: SandboxTask, is_solutions: bool) -> bool:
    """Say whether a task belongs to `/solutions` or `/tasks`, as asked.

    Whether `/tasks` covers solutions is not known (section 7): who relies on it here
    finds that it does not.
    """
    return (task.plan.route.generation is Generation.SOLUTIONS) is is_solutions


def legacy_single(state: SandboxState, path: str, task_id: str) -> Any:
    """Return the task of this family that has the id, ours or the caller's."""
    found = state.tasks.get(task_id) or state.tasks.by_external_id(task_id)
    if found is None or not _is_in_family(path)(found):
        return refusal(1201, NOT_FOUND.format(id=task_id))
    return legacy_shape(found, state.clock.now_s(), state.links.task_url)


def legacy_list(state: SandboxState, path: str, params: Mapping[str, str]) -> Any:
    """Return a page of the family's tasks, newest first."""
    mine = filter(_is_in_family(path), newest_first(state.tasks))
    longest = MAX_VOICES if path.endswith("-voices") else MAX_PAGE_SIZE
    page = page_of(list(filter(is_listed, mine)), params, longest)
    if isinstance(page, Refusal):
        return page
    now = state.clock.now_s()
    return [legacy_shape(task, now, state.links.task_url) for task in page]


def page_of(
    items: list[T], params: Mapping[str, str], longest: int = MAX_PAGE_SIZE
) -> list[T] | Refusal:
    """Return the page of `items` that `pageNum` and `pageSize` ask for."""
    number = parse_integer(params.get("pageNum", 1), 1, MAX_PAGE)
    size = parse_integer(params.get("pageSize", DEFAULT_PAGE_SIZE), 1, longest)
    if number is None:
        return invalid_value("pageNum", params["pageNum"])
    if size is None:
        return invalid_value("pageSize", params["pageSize"])
    return items[(number - 1) * size : number * size]


def is_listed(task: SandboxTask) -> bool:
    """Say whether a family's list still shows the task."""
    return not any(
        isinstance(each, Voice | Element) and each.is_deleted for each in task.outputs
    )


def _split(ids: str) -> list[str]:
    return [each for part in ids.split(",") if (each := part.strip(" "))]


def in_new_shape(state: SandboxState, tasks: Iterable[SandboxTask]) -> list[Any]:
    now = state.clock.now_s()
    return [new_shape(task, now, state.links.task_url) for task in tasks]


def newest_first(tasks: Iterable[SandboxTask]) -> list[SandboxTask]:
    return list(tasks)[::-1]


def _is_in_family(path: str) -> Predicate:
    return lambda task: (
        task.plan.route.create_path == path
        and task.plan.route.generation is Generation.LEGACY
    )


def parse_integer(
    value: Any, minimum: int, maximum: float = float("inf")
) -> int | None:
    """Return a number, or a text that is one, when it is within the bounds."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    try:
        number = int(value)
    except ValueError:
        return None
    return number if minimum <= number <= maximum else None


def invalid_value(name: str, value: Any) -> Refusal:
    return refusal(1201, f"{name} value '{value}' is invalid")


DEFAULT_LIMIT, MAX_LIMIT = 100, 500
MONTH_MS = 30 * 86_400_000

_ALSO = {"succeed": Phase.SUCCEEDED.value}


def search(
    state: SandboxState, body: Any, *, is_solutions: bool = False
) -> dict[str, Any] | Refusal:
    """Return a page of `POST /tasks` or `POST /solutions`, newest first.

    The cursor holds the window and the last task seen, so that a page follows the one
    before it although tasks have been made in between.
    """
    if not isinstance(body, dict):
        return refusal(1200)
    limit = _limit(body, is_solutions=is_solutions)
    if limit is None:
        return invalid_value("limit", body.get("limit"))
    predicates = _filters(state, body.get("filters") or [], is_solutions=is_solutions)
    if isinstance(predicates, Refusal):
        return predicates
    window = _window(state, body)
    if isinstance(window, Refusal):
        return window
    start, end, after = window
    known = [t for t in newest_first(state.tasks) if is_in_collection(t, is_solutions)]
    newest = [task for task in known if start <= _created_ms(task) <= end]
    rest = _after(newest, after)
    matching = [
        task for task in rest if all(predicate(task) for predicate in predicates)
    ]
    page = matching[:limit]
    answer = {
        "result": in_new_shape(state, page),
        "count": len(page),
        "has_more": len(matching) > limit,
    }
    if page:
        answer["next_cursor"] = _cursor(start, end, page[-1].id)
    return answer


def _limit(body: Mapping[str, Any], *, is_solutions: bool) -> int | None:
    """Return the length of a page; of solutions, at least one is shown."""
    if not is_solutions:
        return parse_integer(body.get("limit", DEFAULT_LIMIT), 1, MAX_LIMIT)
    limit = parse_integer(body.get("limit", MAX_LIMIT), -MAX_LIMIT, MAX_LIMIT)
    return None if limit is None else max(1, limit)


def _created_ms(task: SandboxTask) -> int:
    return int(task.times.created_at * 1000)


def _window(
    state: SandboxState, body: Mapping[str, Any]
) -> tuple[int, int, str] | Refusal:
    """Return the start and end in ms, and the id after which to go on."""
    if cursor := body.get("cursor"):
        return _read_cursor(cursor) or invalid_value("cursor", cursor)
    now_ms = int(state.clock.now_s() * 1000)
    end = parse_integer(body.get("end_time") or now_ms, 0)
    if end is None:
        return invalid_value("end_time", body["end_time"])
    start = parse_integer(body.get("start_time") or end - MONTH_MS, 0)
    if start is None or start >= end:
        return invalid_value("start_time", body["start_time"])
    return start, end, ""


def _filters(
    state: SandboxState, filters: Any, *, is_solutions: bool
) -> list[Predicate] | Refusal:
    """Return the predicates of the filters; each passes any one of its values.

    Solutions are filtered by status only, and say `succeed` too (section 2.10).
    """
    if not isinstance(filters, list):
        return invalid_value("filters", filters)
    now = state.clock.now_s()
    traits: dict[str, tuple[set[str], Callable[[SandboxTask], str]]] = {
        "status": ({*Phase}, lambda task: task.phase_at(now).value),
        "product_type": ({"video", "image", "try_on"}, lambda t: t.plan.product.pack),
    }
    if is_solutions:
        del traits["product_type"]
        traits["status"][0].add("succeed")
    predicates: list[Predicate] = []
    for each in filters:
        key = each.get("key") if isinstance(each, dict) else None
        if key not in traits:
            return invalid_value("filters.key", key)
        known, trait = traits[key]
        wanted = each.get("values")
        if not _are_among(wanted, known):
            return invalid_value("filters.values", wanted)
        predicates.append(_has(trait, {_ALSO.get(value, value) for value in wanted}))
    return predicates


def _has(trait: Callable[[SandboxTask], str], wanted: set[str]) -> Predicate:
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
