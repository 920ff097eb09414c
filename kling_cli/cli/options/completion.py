"""What a shell is offered for the words of a command line, with a note beside each.

Task ids, callbacks and one's own voices and elements come from the journal, all else
from the catalogue; nobody is asked over a network. A shell evaluates what it is
offered, so words and notes keep no character that means something to one.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final

from kling_cli.cli.output.terminal.text import completion_note

if TYPE_CHECKING:
    from pathlib import Path

    from kling_cli.store import RecentTask

Candidate = tuple[str, str]
Complete = Callable[[Any, str], list[Candidate]]

LAST: Final = "last"
_SAFE_WORD: Final = re.compile(r"[\w.:@%+=,/-]+")
_OPEN: Final = ("sending", "submitted", "processing")
_STATES: Final = {"sending": "unknown", "absent": "unknown"}  # the others are words


def fitting(offers: Iterable[Candidate], incomplete: str) -> list[Candidate]:
    """Return those that begin with what was typed, safe to hand to a shell."""
    return [
        (word, completion_note(note))
        for word, note in offers
        if word.startswith(incomplete) and _SAFE_WORD.fullmatch(word)
    ]


def one_of(offers: Iterable[Candidate]) -> Complete:
    """Return what offers a fixed choice."""
    known = list(offers)

    def complete(ctx: Any, incomplete: str) -> list[Candidate]:  # noqa: ARG001 -- typer's
        return fitting(known, incomplete)

    return complete


def words(*names: str) -> Complete:
    """Return what offers these words, without notes."""
    return one_of((name, "") for name in names)


def tunnels(ctx: Any, incomplete: str) -> list[Candidate]:  # noqa: ARG001 -- typer's
    """Offer the providers of tunnels, `auto` and `none`."""
    from kling_cli.tunnels.registry import AUTO, NONE, PROVIDERS, factory

    known = [(name, factory(name).description.limits) for name in PROVIDERS]
    choices = [
        (AUTO, "the first that is set up"),
        *known,
        (NONE, "never a tunnel"),
    ]
    return fitting(choices, incomplete)


# ---- From the journal


def task_ids(ctx: Any, incomplete: str) -> list[Candidate]:
    """Offer the tasks of the journal, the newest first, and `last`."""
    found = _tasks(ctx)
    newest = [(LAST, f"the newest: {_note(found[0])}")] if found else []
    return fitting([*newest, *((one.task_id, _note(one)) for one in found)], incomplete)


def open_task_ids(ctx: Any, incomplete: str) -> list[Candidate]:
    """Offer the tasks that have not ended, as far as the journal knows."""
    found = [one for one in _tasks(ctx) if one.stage in _OPEN]
    return fitting([(one.task_id, _note(one)) for one in found], incomplete)


def makers_of(output: str) -> Complete:
    """Return what offers the tasks that made a `video` or an `audio`."""

    def complete(ctx: Any, incomplete: str) -> list[Candidate]:
        found = [
            (one.task_id, _note(one))
            for one in _tasks(ctx)
            if any(kind == output for kind, _ in one.outputs)
        ]
        return fitting(found, incomplete)

    return complete


def outputs_of(type_: str, product: str = "") -> Complete:
    """Return what offers ids of results of this type, not of their tasks.

    Where a value may be `NAME=ID`, what was typed before the id stays.
    """

    def complete(ctx: Any, incomplete: str) -> list[Candidate]:
        name, equals, _ = incomplete.rpartition("=")
        found = [
            (f"{name}{equals}{output_id}", _note(one))
            for one in _tasks(ctx, product)
            for kind, output_id in one.outputs
            if kind == type_
        ]
        return fitting(found, incomplete)

    return complete


def callbacks(ctx: Any, incomplete: str) -> list[Candidate]:
    """Offer the numbers of kept callbacks, the newest first, and `last`."""
    from kling_cli.store import recent_callbacks

    place = _state_dir(ctx)
    found = recent_callbacks(place) if place is not None else []
    offers = [(str(one.number), f"{one.status} {one.task_id}") for one in found]
    newest = [(LAST, f"the newest: {offers[0][1]}")] if offers else []
    return fitting([*newest, *offers], incomplete)


def _tasks(ctx: Any, product: str = "") -> list[RecentTask]:
    from kling_cli.store import recent_tasks

    place = _state_dir(ctx)
    return recent_tasks(place, product) if place is not None else []


def _note(one: RecentTask) -> str:
    state = _STATES.get(one.stage, one.stage)
    return f"{state} {one.prompt or one.product}"


def _state_dir(ctx: Any) -> Path | None:
    """Return the folder of the journal that the command would use, if that is sound."""
    from kling_cli.errors import KlingError
    from kling_cli.settings import resolve_state_dir

    options = {"sandbox": ctx.params.get("is_sandbox") or None}
    try:
        return resolve_state_dir(os.environ, options)
    except (KlingError, OSError, RuntimeError):  # no home to be found
        return None


# ---- From the catalogue


def products(ctx: Any, incomplete: str) -> list[Candidate]:  # noqa: ARG001 -- typer's
    """Offer the products."""
    from kling_cli import catalogue

    offers = [(each.name, each.summary) for each in catalogue.summaries()]
    return fitting(offers, incomplete)


def models(ctx: Any, incomplete: str) -> list[Candidate]:  # noqa: ARG001 -- typer's
    """Offer every model."""
    from kling_cli import catalogue

    return fitting(catalogue.model_labels().items(), incomplete)


def commands(ctx: Any, incomplete: str) -> list[Candidate]:
    """Offer the commands, and below a group its own."""
    from kling_cli.cli.app import load
    from kling_cli.cli.command_table import entries
    from kling_cli.cli.help_page import brief

    before = [each for each in ctx.params.get("words") or () if each]
    if not before:
        return fitting([(e.name, e.summary) for e in entries()], incomplete)
    group = next((load(each) for each in entries() if each.name == before[0]), None)
    below = getattr(group, "commands", {}) if len(before) == 1 else {}
    return fitting(((name, brief(e.help)) for name, e in below.items()), incomplete)
