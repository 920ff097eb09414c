"""`kling status`: the state of tasks, without waiting."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from kling_cli.cli.options import completion
from kling_cli.cli.options.shared import AccountOptions, OutputOptions, settings_options
from kling_cli.cli.options.values import parse_task_ids
from kling_cli.cli.output.job_results import print_result_lines
from kling_cli.cli.output.terminal.capabilities import (
    Styler,
    hyperlink_on_stdout,
    styler_for,
    unstyled,
)
from kling_cli.cli.output.terminal.text import format_size, format_timestamp, one_line

if TYPE_CHECKING:
    from kling_cli.cli.runner import RunContext
    from kling_cli.jobs.events import JobResult
    from kling_cli.store import SavedOutput

TaskIdsArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="TASK_ID...",
        help="Task ids or external ids; last, last~1 … are the newest.",
        autocompletion=completion.complete_task_ids,
    ),
]


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
    from kling_cli.cli.runner import load_settings, run
    from kling_cli.jobs.attach import query_tasks
    from kling_cli.jobs.job import RunOptions

    ids = parse_task_ids(task_ids)
    settings = load_settings(settings_options(account_options))

    async def work(context: RunContext) -> list[JobResult]:
        return await query_tasks(
            ids,
            RunOptions(command="status"),
            **context.as_keywords,
        )

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


def status_words(results: Sequence[JobResult]) -> Iterator[str]:
    """Yield the state of each task in one word."""
    return (result.state.slug for result in results)


def status_details(
    results: Sequence[JobResult], style: Styler = unstyled
) -> Iterator[str]:
    """Yield a few lines a task: what it is, its state, cost and files."""
    from kling_cli.cli.output.views.jobs import colored_state

    for result in results:
        name = result.task_id or (result.is_unsubmitted and result.external_id)
        if not name:
            continue  # only the error is known, and printed on stderr
        yield f"{one_line(name)}  {colored_state(result.state, style)}"
        for fact in _facts(result):
            value = one_line(fact.value)
            if fact.target is not None:
                value = hyperlink_on_stdout(value, fact.target)
            yield f"  {fact.word:<9}{value}"


class StatusFact(NamedTuple):
    """One line about a task; `target` is the URL or path that it links to."""

    word: str
    value: str
    target: str | None = None


def _facts(result: JobResult) -> Iterator[StatusFact]:
    what = [word for word in (result.product, result.model) if word]
    if what:
        yield StatusFact("what", " with ".join(what))
    if result.prompt:
        yield StatusFact("prompt", result.prompt)
    if result.status_message:
        yield StatusFact("reason", result.status_message)
    if result.created_at:
        yield StatusFact("created", format_timestamp(result.created_at))
    if result.updated_at and result.updated_at != result.created_at:
        yield StatusFact("updated", format_timestamp(result.updated_at))
    if result.units is not None:
        yield StatusFact("units", f"{result.units:g}")
    yield from _files(result)
    if result.resume:
        yield StatusFact("go on", result.resume)


def _files(result: JobResult) -> Iterator[StatusFact]:
    for one in result.outputs:
        yield from _output_locations(one)
    if result.outputs and result.expires_at:
        yield StatusFact("until", format_timestamp(result.expires_at))


def _output_locations(one: SavedOutput) -> Iterator[StatusFact]:
    output, path = one.output, one.path
    if output.is_of_library and output.id:
        yield StatusFact(output.type, output.id)
    if path is not None:
        about = f" ({format_size(one.total_bytes)})" if one.total_bytes else ""
        yield StatusFact("file", f"{path}{about}", str(path))
    if output.url:
        word = "sample" if output.is_of_library else output.type
        yield StatusFact(word, output.url, output.url)
    if output.watermark_url:
        yield StatusFact("marked", output.watermark_url, output.watermark_url)
