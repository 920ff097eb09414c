"""The command line's table of contents: every command, where it lives, one line each.

A command's module is imported when the command is run, never to list it: `kling --help`
costs typer, rich's panels and the heads of the product files.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kling_cli.products.catalogue import Summary

TASKS = "Tasks"
TOOLS = "Tools"
SETUP = "Set up"
LIBRARY = "Models & account"


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the table: `target` is `module:attribute`, imported when it is run."""

    name: str
    target: str
    summary: str
    panel: str
    product: str = ""  # what the command is made from, where that is a description


TABLE = (
    Entry(
        "run",
        "kling_cli.cli.run:run",
        "Run a complete request from a file of JSON.",
        TASKS,
    ),
    Entry(
        "wait",
        "kling_cli.cli.wait:wait",
        "Wait for tasks and save what they made; without an id: all unfinished ones.",
        TASKS,
    ),
    Entry(
        "status",
        "kling_cli.cli.status:status",
        "Look at tasks once: how they stand, what they cost, where their files are.",
        TASKS,
    ),
    Entry(
        "download",
        "kling_cli.cli.download:download",
        "Save (again) what finished tasks made.",
        TASKS,
    ),
    Entry(
        "list",
        "kling_cli.cli.list:list_tasks",
        "List the tasks of the journal, or of the account, newest first.",
        TASKS,
    ),
    Entry(
        "listen",
        "kling_cli.cli.listen:listen",
        "Show callbacks as they come, and pass them on to your app.",
        TOOLS,
    ),
    Entry(
        "trigger",
        "kling_cli.cli.trigger:trigger",
        "Send mock callbacks to your app, good ones and nasty ones.",
        TOOLS,
    ),
    Entry(
        "events",
        "kling_cli.cli.events:app",
        "Look at kept callbacks: list, show, follow, export, clear.",
        TOOLS,
    ),
    Entry(
        "replay",
        "kling_cli.cli.replay:replay",
        "Send kept callbacks to your app again.",
        TOOLS,
    ),
    Entry(
        "sandbox",
        "kling_cli.cli.sandbox:sandbox",
        "Serve a simulator of the Kling API on this machine.",
        TOOLS,
    ),
    Entry(
        "api",
        "kling_cli.cli.api:api",
        "Send a raw signed call and print what the API answers.",
        TOOLS,
    ),
    Entry(
        "models",
        "kling_cli.cli.models:models",
        "Which model can do what, and for how many units.",
        LIBRARY,
    ),
    Entry(
        "voices",
        "kling_cli.cli.voices:make_group",
        "List, make, show and delete voices for videos.",
        LIBRARY,
    ),
    Entry(
        "elements",
        "kling_cli.cli.elements:make_group",
        "List, make, show and delete elements: subjects to use again.",
        LIBRARY,
    ),
    Entry(
        "account",
        "kling_cli.cli.account:make_group",
        "What is left in your packs, and what was spent.",
        LIBRARY,
    ),
    Entry("auth", "kling_cli.cli.auth:app", "Log in, log out, see who you are.", SETUP),
    Entry(
        "doctor",
        "kling_cli.cli.doctor:doctor",
        "Check what is set up, and say what to do about what is not.",
        SETUP,
    ),
)


GROUPS = (
    Entry(
        "solution",
        "kling_cli.cli.app:ProductGroup",
        "Make advertising, presenter and try-on videos, or subtitles, in one go.",
        "Solutions",
    ),
    Entry(
        "multi-elements",
        "kling_cli.cli.app:ProductGroup",
        "Add, swap or remove things in a video: select, preview, edit.",
        "Edit video",
    ),
)


def entries() -> tuple[Entry, ...]:
    """Return every command in the order of `--help`; cheap."""
    from kling_cli.products.catalogue import summaries

    products = tuple(_of_product(one) for one in summaries() if not one.group)
    return products + GROUPS + TABLE


def members(group: str) -> tuple[Entry, ...]:
    """Return the steps and products that are sub-commands of `group`; cheap."""
    from kling_cli.products.catalogue import step_summaries, summaries

    steps = (_of_product(one, "step") for one in step_summaries() if one.group == group)
    products = (_of_product(one) for one in summaries() if one.group == group)
    return (*steps, *products)


def _of_product(one: Summary, kind: str = "generate") -> Entry:
    target = f"kling_cli.cli.{kind}:command"
    return Entry(one.command, target, one.summary, one.panel, one.name)
