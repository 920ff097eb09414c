"""`kling status`: the state of tasks, without waiting."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from kling_cli.cli.options.shared import (
    AccountOptions,
    OutputOptions,
    TaskIdsArgument,
    settings_options,
)
from kling_cli.cli.options.values import parse_task_ids
from kling_cli.cli.output.job_results import print_result_lines
from kling_cli.cli.output.terminal.capabilities import styler_for

if TYPE_CHECKING:
    from kling_cli.cli.runner import RunContext
    from kling_cli.jobs.events import JobResult


def status(
    *,
    task_ids: TaskIdsArgument,
    output_options: OutputOptions,
    account_options: AccountOptions,
) -> int:
    """Look at tasks once: what each is, how it stands, its cost, where its files are.

    With --quiet: one status word a line.

    kling status boat-1
    """
    from kling_cli.cli.output.views.jobs import status_details, status_words
    from kling_cli.cli.runner import load_settings, run
    from kling_cli.jobs.attach import AttachedRun
    from kling_cli.jobs.job import RunOptions

    ids = parse_task_ids(task_ids)
    settings = load_settings(settings_options(account_options))

    async def work(context: RunContext) -> list[JobResult]:
        attached = AttachedRun(
            names=ids,
            options=RunOptions(command="status"),
            **context.as_keywords,
        )
        return await attached.query()

    results = run(work, settings=settings, output_options=output_options, is_brief=True)
    style = styler_for(sys.stdout, is_colorless=output_options.is_colorless)
    shown = (
        status_words(results)
        if output_options.is_quiet
        else status_details(results, style)
    )
    return print_result_lines(
        shown,
        results,
        command="status",
        output_options=output_options,
        is_many=len(ids) != 1,
    )
