"""`last`, `last~1`, `last~2` …: the newest tasks of this machine, by their age."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kling_cli.catalogue import catalogue
from kling_cli.errors import UsageError
from kling_cli.store.journal import Journal
from kling_cli.store.journal_file import FILE_NAME

if TYPE_CHECKING:
    from kling_cli.settings.settings import Settings
    from kling_cli.store.entry import Entry

_NAME = re.compile(r"last(?:~([0-9]{1,9}))?")


def steps_back(name: str) -> int | None:
    """Return 0 for `last`, N for `last~N`, and None for an id."""
    found = _NAME.fullmatch(name.strip())
    return None if found is None else int(found[1] or 0)


def newest_task(journal: Journal, name: str, settings: Settings) -> Entry:
    """Return the job that `last` or `last~N` names: of this account's host, and sent.

    The sandbox of a single command has another address each time, so there every job
    counts.

    Raises:
        UsageError: there are not so many.
    """
    back = steps_back(name)
    assert back is not None  # noqa: S101 -- the caller has looked
    entries = journal.tasks(
        back + 1,
        api_base=None if settings.is_sandbox else settings.api_base,
        without=catalogue.step_names(),
    )
    if back < len(entries):
        return entries[back]
    count = len(entries)
    known = f"only {count} task{'s' * (count != 1)}" if count else "no task"
    raise UsageError(
        f"{name}: this machine knows {known}"
        f"{'' if settings.is_sandbox else f' of {settings.api_base}'}",
        hint="kling list",
    )


def named(name: str, settings: Settings) -> str:
    """Return the id that a person means by `name`: itself, or that of a newest task.

    Raises:
        UsageError: there is no such task.
        JournalError: the journal cannot be read.
    """
    if steps_back(name) is None:
        return name
    if not settings.is_sandbox:
        settings.require("api_base", "region")
    if not (settings.state_dir / FILE_NAME).is_file():
        raise UsageError(
            f"{name}: no task has been made on this machine yet", hint="kling list"
        )
    with Journal.open(settings.state_dir) as journal:
        entry = newest_task(journal, name, settings)
    return entry.task_id or entry.external_id
