"""`kling open`: the saved files of tasks, in the programs that show them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kling_cli.cli import completion
from kling_cli.cli.ids import distinct
from kling_cli.cli.options import Account, Talk, settings_options
from kling_cli.cli.outcome import print_documents
from kling_cli.cli.report.streams import write_result
from kling_cli.errors import UsageError

if TYPE_CHECKING:
    from kling_cli.jobs.entry import Entry
    from kling_cli.jobs.events import JobResult
    from kling_cli.settings import Settings

TaskIds = Annotated[
    list[str],
    typer.Argument(
        metavar="TASK_ID...",
        help="Task ids or external ids; last, last~1 … are the newest.",
        autocompletion=completion.task_ids,
    ),
]


def open_tasks(*, task_ids: TaskIds, talk: Talk, account: Account) -> int:
    """Open the saved files of tasks with the programs that show them; asks nobody.

    On stdout: the paths. What was not saved on this machine is saved first, by
    `kling download` or `kling wait`.

    kling open last
    """
    from kling_cli.cli.opener import open_file
    from kling_cli.cli.runner import load_settings

    settings = load_settings(settings_options(account))
    entries = found(distinct(task_ids), settings)
    paths = [path for entry in entries for path in saved_files(entry, settings)]
    for path in paths:
        open_file(path)
        if not talk.is_json:
            write_result(str(path))
    if talk.is_json:
        print_documents(_results(entries), command="open", is_many=len(entries) != 1)
    return 0


def found(names: Sequence[str], settings: Settings) -> list[Entry]:
    """Return the jobs of the journal with these ids.

    Raises:
        UsageError: there is none of one of them.
        JournalError: the journal cannot be read.
    """
    from kling_cli.jobs.memory import Memory
    from kling_cli.jobs.newest import named

    memory = Memory.of(settings)
    entries = {}
    for name in names:
        entry = memory.job(named(name, settings))
        if entry is None:
            raise UsageError(
                f"task {name} was not made or saved on this machine",
                hint=f"kling download {name} --open",
            )
        entries[entry.key] = entry
    return list(entries.values())


def saved_files(entry: Entry, settings: Settings) -> Iterator[Path]:
    """Yield the files of a task that are still where they were saved.

    Raises:
        UsageError: there are none.
    """
    there = [path for each in entry.paths if each and (path := Path(each)).is_file()]
    if there:
        yield from there
        return
    raise _no_file(entry, settings)


def _no_file(entry: Entry, settings: Settings) -> UsageError:
    name = entry.task_id or entry.external_id
    why, hint = "has no file on this machine", f"kling download {name} --open"
    if entry.is_unsubmitted:
        why, hint = "was not submitted", f"kling list --search {name}"
    elif entry.stage.is_open:
        why, hint = f"is {entry.state.value}", f"kling wait {name} --open"
    if settings.is_sandbox:
        hint = "the sandbox of its command has ended, and its tasks with it"
    return UsageError(f"task {name} {why}", hint=hint)


def _results(entries: Sequence[Entry]) -> list[JobResult]:
    from kling_cli.jobs.job import Job
    from kling_cli.jobs.lifecycle import begin

    return [
        Job(
            command="open",
            entry=entry,
            life=begin(entry.as_task) if entry.as_task else None,
        ).result()
        for entry in entries
    ]
