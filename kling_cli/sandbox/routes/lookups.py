"""The questions that change nothing but a library, by the names `targets.py` uses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kling_cli.sandbox.routes import billing
from kling_cli.sandbox.routes import queries as query
from kling_cli.sandbox.routes.search import search
from kling_cli.sandbox.state import library as shelf

if TYPE_CHECKING:
    from kling_cli.sandbox.routes.endpoints import Target
    from kling_cli.sandbox.state.sandbox_state import World


@dataclass(frozen=True, slots=True)
class Asked:
    """A question: what it is for, its parameters, and its body, if it has one."""

    target: Target
    params: Mapping[str, str]
    body: Any


Look = Callable[["World", Asked], Any]
"""Returns the data of the answer, or a refusal."""

LOOKS: Mapping[str, Look] = {
    "tasks": lambda world, asked: query.tasks_by_ids(world, asked.params),
    "search": lambda world, asked: search(world, asked.body),
    "solutions": lambda world, asked: query.tasks_by_ids(
        world, asked.params, is_solutions=True
    ),
    "solutions-search": lambda world, asked: search(
        world, asked.body, is_solutions=True
    ),
    "costs": lambda world, asked: query.costs(world, asked.params),
    "balance": lambda world, asked: billing.balance(world, asked.body),
    "package": lambda world, asked: billing.package(world, asked.body),
    "single": lambda world, asked: query.legacy_single(
        world, asked.target.path, asked.target.task_id
    ),
    "list": lambda world, asked: query.legacy_list(
        world, asked.target.path, asked.params
    ),
    "presets-voices": lambda world, asked: query.page_of(
        shelf.presets(world, shelf.VOICES), asked.params, shelf.MAX_VOICES
    ),
    "presets-elements": lambda world, asked: query.page_of(
        shelf.presets(world, shelf.ELEMENTS), asked.params
    ),
    "first-elements": lambda world, asked: query.page_of(
        shelf.first_elements(world), asked.params
    ),
    "nothing": lambda _world, asked: query.page_of([], asked.params),
    "delete-voices": lambda world, asked: shelf.delete(world, "voice_id", asked.body),
    "delete-elements": lambda world, asked: shelf.delete(
        world, "element_id", asked.body
    ),
}
