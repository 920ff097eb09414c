"""The command table: every command with its import path, summary and help panel.

A command's module is imported when the command is run, never to list it: `kling --help`
loads typer, rich's panels and the heads of the product files.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kling_cli.catalogue import Summary

TASKS = "Tasks"
TOOLS = "Callbacks & development"
SETUP = "Set up"
LIBRARY = "Models & account"


@dataclass(frozen=True, slots=True)
class CommandEntry:
    """A row of the command table; `target`, `module:attribute`, is imported to run."""

    name: str
    target: str
    summary: str
    panel: str
    product: str = ""  # the product from whose catalogue entry the command is made
    aliases: tuple[str, ...] = ()  # other names, shown beside it


TABLE = (
    CommandEntry(
        "run",
        "kling_cli.cli.commands.run:run",
        "Run a complete request from a file of JSON.",
        TASKS,
    ),
    CommandEntry(
        "wait",
        "kling_cli.cli.commands.wait:wait",
        "Wait for tasks and save their results; all without an id.",
        TASKS,
    ),
    CommandEntry(
        "status",
        "kling_cli.cli.commands.status:status",
        "Look at tasks once: how they stand, cost, files.",
        TASKS,
    ),
    CommandEntry(
        "download",
        "kling_cli.cli.commands.download:download",
        "Save (again) what finished tasks made.",
        TASKS,
    ),
    CommandEntry(
        "open",
        "kling_cli.cli.commands.open:open_tasks",
        "Open the saved files of tasks.",
        TASKS,
    ),
    CommandEntry(
        "list",
        "kling_cli.cli.commands.list:list_tasks",
        "List tasks, newest first; --remote: those of the account.",
        TASKS,
    ),
    CommandEntry(
        "listen",
        "kling_cli.cli.commands.listen:listen",
        "Show callbacks as they come; forward them to your app.",
        TOOLS,
    ),
    CommandEntry(
        "trigger",
        "kling_cli.cli.commands.trigger:trigger",
        "Send mock callbacks to your app, valid and nasty ones.",
        TOOLS,
    ),
    CommandEntry(
        "events",
        "kling_cli.cli.commands.events:make_group",
        "Look at kept callbacks: list, show, tail, export, clear.",
        TOOLS,
    ),
    CommandEntry(
        "replay",
        "kling_cli.cli.commands.replay:replay",
        "Send kept callbacks to your app again.",
        TOOLS,
    ),
    CommandEntry(
        "sandbox",
        "kling_cli.cli.commands.sandbox:sandbox",
        "Serve a simulator of the Kling API on this machine.",
        TOOLS,
    ),
    CommandEntry(
        "tunnel",
        "kling_cli.cli.commands.tunnel:make_group",
        "Show, test and choose the tunnels callbacks come through.",
        TOOLS,
    ),
    CommandEntry(
        "api",
        "kling_cli.cli.commands.api:api",
        "Send a raw signed call and print the answer.",
        TOOLS,
    ),
    CommandEntry(
        "models",
        "kling_cli.cli.commands.models:models",
        "Which model can do what, and for how many units.",
        LIBRARY,
    ),
    CommandEntry(
        "voices",
        "kling_cli.cli.commands.library:make_voices",
        "List, make, show and delete voices for videos.",
        LIBRARY,
    ),
    CommandEntry(
        "elements",
        "kling_cli.cli.commands.library:make_elements",
        "List, make, show and delete elements: reusable subjects.",
        LIBRARY,
    ),
    CommandEntry(
        "account",
        "kling_cli.cli.commands.account:make_group",
        "What is left in your packs, and what was spent.",
        LIBRARY,
    ),
    CommandEntry(
        "auth",
        "kling_cli.cli.commands.auth:app",
        "Log in (short: kling login), log out, see who you are.",
        SETUP,
    ),
    CommandEntry(
        "doctor",
        "kling_cli.cli.commands.doctor:doctor",
        "Check what is set up, and say how to mend the rest.",
        SETUP,
    ),
)


# Commands that are not listed: short names of listed ones.
HIDDEN = (
    CommandEntry(
        "login",
        "kling_cli.cli.commands.auth:make_login",
        "The same as auth login.",
        SETUP,
    ),
    CommandEntry(
        "help",
        "kling_cli.cli.commands.help:help_command",
        "Show all about a command: every option, in full.",
        SETUP,
    ),
)

_ALIASES = {"text2video": ("t2v",), "image2video": ("i2v",)}

GROUPS = (
    CommandEntry(
        "solution",
        "kling_cli.cli.app:ProductGroup",
        "Make ads, presenter and try-on videos, or subtitles.",
        "Generate video",
    ),
    CommandEntry(
        "multi-elements",
        "kling_cli.cli.app:ProductGroup",
        "Add, swap or remove things in a video.",
        "Edit video",
    ),
)


def entries() -> tuple[CommandEntry, ...]:
    """Return every command in the order of `--help`; cheap."""
    from kling_cli.catalogue import summaries

    products = tuple(_product_entry(one) for one in summaries() if not one.group)
    return products + GROUPS + TABLE


def canonical_name(name: str) -> str:
    """Return the name of the command that `name` is an alias of, or `name` itself."""
    return next((each for each, also in _ALIASES.items() if name in also), name)


def group_members(group: str) -> tuple[CommandEntry, ...]:
    """Return the steps and products that are sub-commands of `group`; cheap."""
    from kling_cli.catalogue import step_summaries, summaries

    steps = (
        _product_entry(one, "session_step")
        for one in step_summaries()
        if one.group == group
    )
    products = (_product_entry(one) for one in summaries() if one.group == group)
    return (*steps, *products)


def _product_entry(one: Summary, kind: str = "generate") -> CommandEntry:
    target = f"kling_cli.cli.commands.{kind}:make_command"
    aliases = _ALIASES.get(one.command, ())
    return CommandEntry(one.command, target, one.summary, one.panel, one.name, aliases)
