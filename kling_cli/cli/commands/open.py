"""`kling open`: opens saved files with the programs of this machine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from kling_cli.cli.options.shared import (
    AccountOptions,
    OutputOptions,
    TaskIdsArgument,
    settings_options,
)
from kling_cli.cli.options.values import parse_task_ids
from kling_cli.cli.output.job_results import print_json
from kling_cli.cli.output.terminal.streams import write_result
from kling_cli.errors import UsageError

if TYPE_CHECKING:
    from kling_cli.jobs.events import JobResult
    from kling_cli.settings import Settings
    from kling_cli.store import JobRecord


def open_tasks(
    *,
    task_ids: TaskIdsArgument,
    output_options: OutputOptions,
    account_options: AccountOptions,
) -> int:
    """Open the saved files of tasks with the programs that show them; asks nobody.

    On stdout: the paths. What was not saved on this machine is saved first, by
    `kling download` or `kling wait`.

    kling open last
    """
    from kling_cli.cli.output.terminal.file_opener import open_file
    from kling_cli.cli.runner import load_settings

    settings = load_settings(settings_options(account_options))
    jobs = find_jobs(parse_task_ids(task_ids), settings)
    paths = [path for job in jobs for path in saved_files(job, settings)]
    for path in paths:
        open_file(path)
        if not output_options.is_json:
            write_result(str(path))
    if output_options.is_json:
        print_json(_job_results(jobs), command="open", is_many=len(jobs) != 1)
    return 0


def find_jobs(names: Sequence[str], settings: Settings) -> list[JobRecord]:
    """Return the jobs of the journal with these ids.

    Raises:
        UsageError: an id is unknown.
        JournalError: the journal cannot be read.
    """
    from kling_cli.jobs.history import JobHistory, list_command, resolve_task_name

    memory = JobHistory.of(settings)
    jobs = {}
    for name in names:
        job = memory.job(resolve_task_name(name, settings))
        if job is None:
            raise UsageError(
                f"task {name} was not made or saved on this machine",
                hint=list_command(settings)
                if settings.is_sandbox
                else f"kling download {name} --open",
            )
        jobs[job.key] = job
    return list(jobs.values())


def saved_files(job: JobRecord, settings: Settings) -> Iterator[Path]:
    """Yield the files of a job that still exist.

    Raises:
        UsageError: there are none.
    """
    there = [path for each in job.paths if each and (path := Path(each)).is_file()]
    if there:
        yield from there
        return
    raise _missing_file_error(job, settings)


def _missing_file_error(job: JobRecord, settings: Settings) -> UsageError:
    name = job.task_id or job.external_id
    why, hint = "has no file on this machine", f"kling download {name} --open"
    if job.is_unsubmitted:
        why, hint = "was not submitted", f"kling list --search {name}"
    elif job.stage.is_open:
        why, hint = f"is {job.state.value}", f"kling wait {name} --open"
    if settings.is_sandbox:
        from kling_cli.jobs.history import SANDBOX_ENDED_HINT

        hint = SANDBOX_ENDED_HINT
    return UsageError(f"task {name} {why}", hint=hint)


def _job_results(jobs: Sequence[JobRecord]) -> list[JobResult]:
    from kling_cli.jobs.job import Job
    from kling_cli.jobs.waiting.state_machine import initial_state

    return [
        Job(
            command="open",
            record=job,
            state=initial_state(job.as_task) if job.as_task else None,
        ).result()
        for job in jobs
    ]
