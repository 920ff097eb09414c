"""`kling wait`: attaches to running tasks and finishes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from kling_cli.cli.options import completion
from kling_cli.cli.options.shared import (
    AccountOptions,
    DownloadOptions,
    OutputOptions,
    PresentationOptions,
    TimeoutOptions,
    settings_options,
)
from kling_cli.cli.options.values import parse_task_ids
from kling_cli.cli.output.job_results import ResultKind, print_results

if TYPE_CHECKING:
    from kling_cli.cli.runner import RunContext
    from kling_cli.jobs.events import JobResult
    from kling_cli.jobs.job import RunOptions
    from kling_cli.settings import Settings

TaskIdsArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[TASK_ID]...",
        help="Task ids or external ids; last, last~1 … are the newest "
        "(default: every unfinished task here).",
        autocompletion=completion.complete_unfinished_task_ids,
        show_default=False,
    ),
]


def wait(  # noqa: PLR0913 -- one for each group of options
    *,
    task_ids: TaskIdsArgument = None,
    timeout_options: TimeoutOptions,
    download_options: DownloadOptions,
    presentation_options: PresentationOptions,
    output_options: OutputOptions,
    account_options: AccountOptions,
) -> int:
    """Wait for tasks and finish them: say how they ended, save what they made.

    Tasks of this machine are finished as the command that started them would have.

    kling wait boat-1 --timeout 10m
    """
    from kling_cli.cli.output.job_results import Presentation
    from kling_cli.cli.runner import load_settings, run
    from kling_cli.jobs.attach import AttachedRun

    ids = parse_task_ids(task_ids or ())
    settings = load_settings(settings_options(timeout_options, account_options))
    settings.require("timeout")
    if not download_options.is_link_only:
        settings.require("output_dir")
    options = _run_options(settings, download_options)

    async def work(context: RunContext) -> list[JobResult]:
        attached = AttachedRun(
            names=ids,
            options=options,
            **context.as_keywords,
        )
        return await attached.wait()

    results = run(work, settings=settings, output_options=output_options)
    if not results:
        from kling_cli.cli.output.listing import EmptyMessage, print_empty_message
        from kling_cli.jobs.history import list_command

        elsewhere = "; kling wait TASK_ID waits for a task of another machine"
        print_empty_message(
            EmptyMessage(
                "there is nothing to wait for: every task of this machine has ended",
                f"{list_command(settings)} shows them"
                f"{'' if settings.is_sandbox else elsewhere}",
            ),
            output_options,
        )
    return print_results(
        results,
        command="wait",
        output_options=output_options,
        result_kind=ResultKind.LINKS
        if download_options.is_link_only
        else ResultKind.FILES,
        is_many=len(ids) != 1,
        presentation=Presentation.of(presentation_options, settings),
    )


def _run_options(settings: Settings, download_options: DownloadOptions) -> RunOptions:
    from kling_cli.jobs.job import RunOptions

    return RunOptions(
        command="wait",
        timeout_s=settings.timeout_s,
        is_downloading=not download_options.is_link_only,
        output=download_options.output,
        is_forced=download_options.is_forced,
    )
