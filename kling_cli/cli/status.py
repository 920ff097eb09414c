"""`kling status`: one look at tasks, without waiting."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from kling_cli.cli import completion
from kling_cli.cli.ids import distinct
from kling_cli.cli.options import Account, Talk, settings_options
from kling_cli.cli.outcome import conclude_with
from kling_cli.cli.report.escape import one_line
from kling_cli.cli.report.links import linked
from kling_cli.cli.report.quantities import moment, size
from kling_cli.cli.report.styles import Style, plain, style_for

if TYPE_CHECKING:
    from kling_cli.cli.runner import Surroundings
    from kling_cli.jobs.events import JobResult, SavedOutput

TaskIds = Annotated[
    list[str],
    typer.Argument(
        metavar="TASK_ID...",
        help="Task ids or external ids; last, last~1 … are the newest.",
        autocompletion=completion.task_ids,
    ),
]


def status(*, task_ids: TaskIds, talk: Talk, account: Account) -> int:
    """Look at tasks once: what each is, how it stands, its cost, where its files are.

    With --quiet: one status word a line.

    kling status boat-1
    """
    from kling_cli.cli.runner import load_settings, run
    from kling_cli.jobs.run import RunOptions, look

    ids = distinct(task_ids)
    settings = load_settings(settings_options(account))

    async def work(around: Surroundings) -> list[JobResult]:
        return await look(
            ids,
            RunOptions(command="status"),
            **around.as_keywords,
        )

    results = run(work, settings=settings, talk=talk, is_brief=True)
    style = style_for(sys.stdout, is_colorless=talk.is_colorless)
    shown = words(results) if talk.is_quiet else descriptions(results, style)
    return conclude_with(
        shown, results, command="status", talk=talk, is_many=len(ids) != 1
    )


def words(results: Sequence[JobResult]) -> Iterator[str]:
    """Yield how each task stands in one word."""
    return (result.state.word for result in results)


def descriptions(results: Sequence[JobResult], style: Style = plain) -> Iterator[str]:
    """Yield a few lines a task: what it is and how it stands."""
    from kling_cli.cli.report.tasks import in_color

    for result in results:
        name = result.task_id or (result.is_unsubmitted and result.external_id)
        if not name:
            continue  # there is nothing but the error, which stderr has
        yield f"{one_line(name)}  {in_color(result.state, style)}"
        for fact in _facts(result):
            value = one_line(fact.value)
            if fact.target is not None:
                value = linked(value, fact.target)
            yield f"  {fact.word:<9}{value}"


class Fact(NamedTuple):
    """One line about a task; `target` is the URL or path that it links to."""

    word: str
    value: str
    target: str | None = None


def _facts(result: JobResult) -> Iterator[Fact]:
    what = [word for word in (result.product, result.model) if word]
    if what:
        yield Fact("what", " with ".join(what))
    if result.prompt:
        yield Fact("prompt", result.prompt)
    if result.status_message:
        yield Fact("reason", result.status_message)
    if result.created_at:
        yield Fact("created", moment(result.created_at))
    if result.updated_at and result.updated_at != result.created_at:
        yield Fact("updated", moment(result.updated_at))
    if result.units is not None:
        yield Fact("units", f"{result.units:g}")
    yield from _files(result)
    if result.resume:
        yield Fact("go on", result.resume)


def _files(result: JobResult) -> Iterator[Fact]:
    for one in result.outputs:
        yield from _places(one)
    if result.outputs and result.expires_at:
        yield Fact("until", moment(result.expires_at))


def _places(one: SavedOutput) -> Iterator[Fact]:
    output, path = one.output, one.path
    if output.is_of_library and output.id:
        yield Fact(output.type, output.id)
    if path is not None:
        about = f" ({size(one.total_bytes)})" if one.total_bytes else ""
        yield Fact("file", f"{path}{about}", str(path))
    if output.url:
        word = "sample" if output.is_of_library else output.type
        yield Fact(word, output.url, output.url)
    if output.watermark_url:
        yield Fact("marked", output.watermark_url, output.watermark_url)
