"""`kling download`: saves the outputs of finished tasks again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kling_cli.cli.options.shared import (
    AccountOptions,
    OutputOptions,
    PresentationOptions,
    SaveOptions,
    TaskIdsArgument,
    settings_options,
)
from kling_cli.cli.options.values import parse_task_ids
from kling_cli.cli.output.job_results import ResultKind, print_results

if TYPE_CHECKING:
    from kling_cli.cli.runner import RunContext
    from kling_cli.jobs.events import JobResult


def download(
    *,
    task_ids: TaskIdsArgument,
    save_options: SaveOptions,
    presentation_options: PresentationOptions,
    output_options: OutputOptions,
    account_options: AccountOptions,
) -> int:
    """Save (again) the results of finished tasks; links are renewed by asking the API.

    Files that exist are kept: a free name is chosen, unless --force is given.

    kling download boat-1 -o films/
    """
    from kling_cli.cli.output.job_results import Presentation
    from kling_cli.cli.runner import load_settings, run
    from kling_cli.jobs.attach import AttachedRun
    from kling_cli.jobs.job import RunOptions

    ids = parse_task_ids(task_ids)
    settings = load_settings(settings_options(account_options))
    settings.require("output_dir")
    options = RunOptions(
        command="download", output=save_options.output, is_forced=save_options.is_forced
    )

    async def work(context: RunContext) -> list[JobResult]:
        attached = AttachedRun(
            names=ids,
            options=options,
            **context.as_keywords,
        )
        return await attached.download()

    results = run(work, settings=settings, output_options=output_options)
    return print_results(
        results,
        command="download",
        output_options=output_options,
        result_kind=ResultKind.SAVED,
        is_many=len(ids) != 1,
        presentation=Presentation.of(presentation_options, settings),
    )
