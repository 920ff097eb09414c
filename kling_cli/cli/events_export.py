"""`kling events export`: kept callbacks for other tools."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kling_cli.cli import completion
from kling_cli.cli.events_options import Choice, wanted_of
from kling_cli.errors import NotSavedError, UsageError

if TYPE_CHECKING:
    from kling_cli.jobs.journal import KeptCallback
    from kling_cli.jobs.journal_callbacks import CallbackJournal

Numbers = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[N...]",
        help="Numbers, or last (default: all).",
        autocompletion=completion.callbacks,
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """In which form, and to where."""

    is_har: Annotated[
        bool, typer.Option("--har", help="An HTTP archive, for browsers and proxies.")
    ] = False
    is_jsonl: Annotated[
        bool, typer.Option("--jsonl", help="One JSON object a line.")
    ] = False
    is_curl: Annotated[
        bool, typer.Option("--curl", help="One curl command a line.")
    ] = False
    to: Annotated[
        str | None,
        typer.Option(
            "--to",
            metavar="URL|PORT|/PATH",
            help="Where the curl commands send to (default: where a callback went "
            "last, else http://localhost:8000/callback).",
        ),
    ] = None
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="A file, not stdout."),
    ] = None
    is_forced: Annotated[
        bool, typer.Option("--force", help="Overwrite the file if it exists.")
    ] = False


def export(*, numbers: Numbers = None, chosen: Choice, form: Format) -> int:
    """Print kept callbacks as an HTTP archive, JSON lines or curl commands.

    kling events export last --curl
    """
    from kling_cli.cli.events import open_journal
    from kling_cli.cli.report.streams import write_line
    from kling_cli.listen.replay import find

    if form.is_har + form.is_jsonl + form.is_curl != 1:
        raise UsageError(
            "say which form: --har, --jsonl or --curl",
            hint="kling events export --jsonl",
        )
    wanted = wanted_of(chosen)
    with open_journal() as journal:
        named = [find(journal, each) for each in numbers or ()]
        lines = _lines(journal, [named] if named else journal.pages(wanted), form)
        if form.output is not None:
            _save(form.output, lines, is_forced=form.is_forced)
            return 0
        for line in lines:
            write_line(line)
    return 0


def _lines(
    journal: CallbackJournal, pages: Iterable[Sequence[KeptCallback]], form: Format
) -> Iterator[str]:
    from kling_cli.cli.report.document import dumps
    from kling_cli.listen import export as exports
    from kling_cli.listen.targets import read_target

    if form.is_har:
        found = [kept for page in pages for kept in page]
        yield dumps(exports.har(found, journal.all_forwards(found)))
        return
    to = read_target(form.to) if form.to else None
    for page in pages:
        forwards = journal.all_forwards(page)
        for kept in page:
            mine = forwards[kept.id]
            if form.is_jsonl:
                yield dumps(exports.with_forwards(kept, mine))
            else:
                yield exports.curl_of(kept, (to or exports.last_target(mine)).url)


def _save(path: Path, lines: Iterator[str], *, is_forced: bool) -> None:
    """Write the file as a whole or not at all."""
    from kling_cli.jobs.destination import check_file
    from kling_cli.jobs.part import NoRecords, PartialFile

    if not path.parent.is_dir():
        raise NotSavedError(f"could not write {path}: there is no such folder")
    check_file(path)
    if os.path.lexists(path) and not is_forced:
        raise UsageError(f"{path} exists", hint="choose another name, or --force")
    try:
        with PartialFile(path, NoRecords()) as part:
            part.begin(None, None)
            for line in lines:
                part.write(f"{line}\n".encode())
            part.put_in_place(is_forced=True)
    except OSError as exc:
        raise NotSavedError(f"could not write {path}: {exc.strerror}") from exc
