"""Shell completion: candidates for arguments and option values, with notes.

Task ids, callbacks and the user's voices and elements come from the journal, all else
from the catalogue; there are no requests. A shell evaluates what it is offered, so
candidates and notes have no character with a meaning in a shell.
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
Completer = Callable[[Any, str], list[Candidate]]

LAST_CANDIDATE: Final = "last"
_SAFE_WORD: Final = re.compile(r"[\w.:@%+=,/-]+")
_UNFINISHED_STATES: Final = ("sending", "submitted", "processing")
_STATES: Final = {"sending": "unknown", "absent": "unknown"}  # the others are words


def matching_candidates(
    offers: Iterable[Candidate], incomplete: str
) -> list[Candidate]:
    """Return the candidates that begin with `incomplete` and are safe for a shell."""
    return [
        (word, completion_note(note))
        for word, note in offers
        if word.startswith(incomplete) and _SAFE_WORD.fullmatch(word)
    ]


def choice_completer(offers: Iterable[Candidate]) -> Completer:
    """Return a completer of fixed choices."""
    known = list(offers)

    def complete(ctx: Any, incomplete: str) -> list[Candidate]:  # noqa: ARG001 -- typer's
        return matching_candidates(known, incomplete)

    return complete


def word_completer(*names: str) -> Completer:
    """Return a completer of words without notes."""
    return choice_completer((name, "") for name in names)


def complete_tunnels(ctx: Any, incomplete: str) -> list[Candidate]:  # noqa: ARG001 -- typer's
    """Complete the names of tunnel providers, `auto` and `none`."""
    from kling_cli.tunnels import AUTO, NONE, PROVIDERS, factory

    known = [(name, factory(name).description.limits) for name in PROVIDERS]
    choices = [
        (AUTO, "the first that is set up"),
        *known,
        (NONE, "never a tunnel"),
    ]
    return matching_candidates(choices, incomplete)


# ---- From the journal


def complete_task_ids(ctx: Any, incomplete: str) -> list[Candidate]:
    """Complete the tasks of the journal, newest first, and `last`."""
    found = _job_records(ctx)
    newest = [(LAST_CANDIDATE, f"the newest: {_job_note(found[0])}")] if found else []
    return matching_candidates(
        [*newest, *((one.task_id, _job_note(one)) for one in found)], incomplete
    )


def complete_unfinished_task_ids(ctx: Any, incomplete: str) -> list[Candidate]:
    """Complete the tasks that the journal has as unfinished."""
    found = [one for one in _job_records(ctx) if one.stage in _UNFINISHED_STATES]
    return matching_candidates(
        [(one.task_id, _job_note(one)) for one in found], incomplete
    )


def task_id_completer(output: str) -> Completer:
    """Return a completer of tasks that made a `video` or an `audio`."""

    def complete(ctx: Any, incomplete: str) -> list[Candidate]:
        found = [
            (one.task_id, _job_note(one))
            for one in _job_records(ctx)
            if any(kind == output for kind, _ in one.outputs)
        ]
        return matching_candidates(found, incomplete)

    return complete


def output_id_completer(type_: str, product: str = "") -> Completer:
    """Return a completer of ids of outputs of this type, not of their tasks.

    Where a value may be `NAME=ID`, the part typed before the id is kept.
    """

    def complete(ctx: Any, incomplete: str) -> list[Candidate]:
        name, equals, _ = incomplete.rpartition("=")
        found = [
            (f"{name}{equals}{output_id}", _job_note(one))
            for one in _job_records(ctx, product)
            for kind, output_id in one.outputs
            if kind == type_
        ]
        return matching_candidates(found, incomplete)

    return complete


def complete_callback_numbers(ctx: Any, incomplete: str) -> list[Candidate]:
    """Complete the numbers of stored callbacks, newest first, and `last`."""
    from kling_cli.store import recent_callbacks

    place = _state_dir(ctx)
    found = recent_callbacks(place) if place is not None else []
    offers = [(str(one.number), f"{one.status} {one.task_id}") for one in found]
    newest = [(LAST_CANDIDATE, f"the newest: {offers[0][1]}")] if offers else []
    return matching_candidates([*newest, *offers], incomplete)


def _job_records(ctx: Any, product: str = "") -> list[RecentTask]:
    from kling_cli.store import recent_tasks

    place = _state_dir(ctx)
    return recent_tasks(place, product) if place is not None else []


def _job_note(one: RecentTask) -> str:
    state = _STATES.get(one.stage, one.stage)
    return f"{state} {one.prompt or one.product}"


def _state_dir(ctx: Any) -> Path | None:
    """Return the folder of the journal that the command would use, if it is intact."""
    from kling_cli.errors import KlingError
    from kling_cli.settings import resolve_state_dir

    options = {"sandbox": ctx.params.get("is_sandbox") or None}
    try:
        return resolve_state_dir(os.environ, options)
    except (KlingError, OSError, RuntimeError):  # no home to be found
        return None


# ---- From the catalogue


def complete_products(ctx: Any, incomplete: str) -> list[Candidate]:  # noqa: ARG001 -- typer's
    """Complete the names of products."""
    from kling_cli import catalogue

    offers = [(each.name, each.summary) for each in catalogue.summaries()]
    return matching_candidates(offers, incomplete)


def complete_models(ctx: Any, incomplete: str) -> list[Candidate]:  # noqa: ARG001 -- typer's
    """Complete the names of models."""
    from kling_cli import catalogue

    return matching_candidates(catalogue.model_labels().items(), incomplete)


def complete_commands(ctx: Any, incomplete: str) -> list[Candidate]:
    """Complete the names of commands, and of a group's sub-commands."""
    from kling_cli.cli.app import import_command
    from kling_cli.cli.command_table import entries
    from kling_cli.cli.help_page import first_clause

    before = [each for each in ctx.params.get("words") or () if each]
    if not before:
        return matching_candidates([(e.name, e.summary) for e in entries()], incomplete)
    group = next(
        (import_command(each) for each in entries() if each.name == before[0]), None
    )
    below = getattr(group, "commands", {}) if len(before) == 1 else {}
    return matching_candidates(
        ((name, first_clause(e.help)) for name, e in below.items()), incomplete
    )
