"""The questions: by ids in the new shape, single and list in the legacy, the packs.

Source: API reference, sections 2.3, 2.5 and 8, read 2026-10-04.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from kling_cli.products.model import Generation
from kling_cli.sandbox.routes.envelope import Refusal, refusal
from kling_cli.sandbox.routes.wire import legacy_shape, new_shape
from kling_cli.sandbox.state import library as shelf
from kling_cli.sandbox.state.account import PACKS
from kling_cli.sandbox.state.tasks import SandboxTask

if TYPE_CHECKING:
    from kling_cli.sandbox.state.sandbox_state import World

MAX_IDS = 20
DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE, MAX_PAGE = 30, 500, 1000

# Observed, except the one about both parameters.
NO_IDS = "task_ids or external_task_ids is required"
BOTH_IDS = "only one of task_ids and external_task_ids is allowed"
TOO_MANY_IDS = "task_ids and external_task_ids cannot exceed 20 in total"
NOT_FOUND = "Task not found by id/external id: {id}"

Keeps = Callable[[SandboxTask], bool]
T = TypeVar("T")


def tasks_by_ids(
    world: World, params: Mapping[str, str], *, is_solutions: bool = False
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
    found = [world.tasks.get(each) for each in ids]
    found += [world.tasks.by_external_id(each) for each in external_ids]
    shown = [task for task in found if task is not None]
    return in_new_shape(world, [t for t in shown if is_shown(t, is_solutions)])


def is_shown(task: SandboxTask, is_solutions: bool) -> bool:
    """Say whether a task is found where it is looked for.

    Whether `/tasks` covers solutions is not known (section 7): who relies on it here
    finds that it does not.
    """
    return (task.plan.route.generation is Generation.SOLUTIONS) is is_solutions


def legacy_single(world: World, path: str, task_id: str) -> Any:
    """Return the task of this family that has the id, ours or the caller's."""
    found = world.tasks.get(task_id) or world.tasks.by_external_id(task_id)
    if found is None or not _is_of(path)(found):
        return refusal(1201, NOT_FOUND.format(id=task_id))
    return legacy_shape(found, world.timeline.now_s(), world.links.make)


def legacy_list(world: World, path: str, params: Mapping[str, str]) -> Any:
    """Return a page of the family's tasks, newest first."""
    mine = filter(_is_of(path), newest_first(world.tasks))
    longest = shelf.MAX_VOICES if path.endswith("-voices") else MAX_PAGE_SIZE
    page = page_of(list(filter(shelf.is_listed, mine)), params, longest)
    if isinstance(page, Refusal):
        return page
    now = world.timeline.now_s()
    return [legacy_shape(task, now, world.links.make) for task in page]


def page_of(
    items: list[T], params: Mapping[str, str], longest: int = MAX_PAGE_SIZE
) -> list[T] | Refusal:
    """Return the page of `items` that `pageNum` and `pageSize` ask for."""
    number = whole(params.get("pageNum", 1), 1, MAX_PAGE)
    size = whole(params.get("pageSize", DEFAULT_PAGE_SIZE), 1, longest)
    if number is None:
        return invalid("pageNum", params["pageNum"])
    if size is None:
        return invalid("pageSize", params["pageSize"])
    return items[(number - 1) * size : number * size]


def costs(world: World, params: Mapping[str, str]) -> dict[str, Any] | Refusal:
    """Return the packs bought in the window asked about, and what is left in them."""
    bounds = []
    for name in ("start_time", "end_time"):
        bound = whole(params.get(name), 0)
        if bound is None:
            return invalid(name, params.get(name))
        bounds.append(bound)
    now, wanted = world.timeline.now_s(), params.get("resource_pack_name")
    charged = [*world.charged()]
    packs = [world.account.pack_info(pack, charged, now) for pack in PACKS]
    listed = [
        pack
        for pack in packs
        if bounds[0] <= pack["purchase_time"] <= bounds[1]
        and wanted in (None, pack["resource_pack_name"])
    ]
    return {"code": 0, "msg": "", "resource_pack_subscribe_infos": listed}


def _split(ids: str) -> list[str]:
    return [each for part in ids.split(",") if (each := part.strip(" "))]


def in_new_shape(world: World, tasks: Iterable[SandboxTask]) -> list[Any]:
    now = world.timeline.now_s()
    return [new_shape(task, now, world.links.make) for task in tasks]


def newest_first(tasks: Iterable[SandboxTask]) -> list[SandboxTask]:
    return list(tasks)[::-1]


def _is_of(path: str) -> Keeps:
    return lambda task: (
        task.plan.route.create_path == path
        and task.plan.route.generation is Generation.LEGACY
    )


def whole(value: Any, minimum: int, maximum: float = float("inf")) -> int | None:
    """Return a number, or a text that is one, when it is within the bounds."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    try:
        number = int(value)
    except ValueError:
        return None
    return number if minimum <= number <= maximum else None


def invalid(name: str, value: Any) -> Refusal:
    return refusal(1201, f"{name} value '{value}' is invalid")
