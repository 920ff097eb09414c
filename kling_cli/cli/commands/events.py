"""`kling events`: list, show, follow, export and clear stored callbacks."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from kling_cli.cli.options import completion
from kling_cli.cli.options.declaration import make_command_group
from kling_cli.cli.options.shared import OutputOptions, StreamOptions
from kling_cli.cli.options.values import resolve_task_id
from kling_cli.cli.output.json_document import dumps
from kling_cli.cli.output.listing import EmptyMessage, print_empty_message
from kling_cli.cli.output.terminal.capabilities import is_terminal
from kling_cli.cli.output.terminal.pager import print_lines
from kling_cli.cli.output.terminal.streams import write_line, write_result
from kling_cli.cli.output.terminal.text import one_line
from kling_cli.clock import format_timestamp
from kling_cli.errors import ExitCode, NotSavedError, UsageError
from kling_cli.listener.history.export import callback_fields

if TYPE_CHECKING:
    from kling_cli.clock import Clock
    from kling_cli.store import CallbackFilter, Journal, StoredCallback

STATUSES = ("submitted", "processing", "succeeded", "failed", "unknown")
TRUSTS = ("signed", "token", "open", "mock")
DEFAULT_LIMIT = 20
POLL_S: Final = 0.2  # of other processes' callbacks, by `tail`


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackFilterOptions:
    """Filters of stored callbacks."""

    task_id: Annotated[
        str | None,
        typer.Option(
            "--task",
            metavar="ID",
            help="Only those of this task, by either id; last is the newest.",
            autocompletion=completion.complete_task_ids,
        ),
    ] = None
    product: Annotated[
        str | None,
        typer.Option(
            "--product",
            metavar="NAME",
            help="Only those of this product.",
            autocompletion=completion.complete_products,
        ),
    ] = None
    status: Annotated[
        str | None,
        typer.Option(
            "--status",
            metavar="WORD",
            help="Only those that claim submitted, processing, succeeded, failed or "
            "unknown.",
            autocompletion=completion.word_completer(*STATUSES),
        ),
    ] = None
    trust: Annotated[
        str | None,
        typer.Option(
            "--trust",
            metavar="WORD",
            help="Only those of this proof: signed (a valid signature), token (came by "
            "the secret URL), open (none) or mock (kling trigger).",
            autocompletion=completion.word_completer(*TRUSTS),
        ),
    ] = None
    since: Annotated[
        str | None,
        typer.Option(
            "--since",
            metavar="WHEN",
            help="Only those that came since then: 2h, 3d, or 2026-10-04 (UTC).",
        ),
    ] = None
    is_failed: Annotated[
        bool,
        typer.Option(
            "--failed", help="Only those that your app did not answer with 2xx."
        ),
    ] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitOptions:
    """The maximum number of callbacks."""

    limit: Annotated[
        int,
        typer.Option("--limit", metavar="N", min=0, help="The newest N; 0: all."),
    ] = DEFAULT_LIMIT


@dataclass(frozen=True, slots=True, kw_only=True)
class BeforeOptions:
    """The time before which callbacks are selected."""

    before: Annotated[
        str | None,
        typer.Option(
            "--before",
            metavar="WHEN",
            help="Only those that came before then: 2h, 3d, or 2026-10-04 (UTC).",
        ),
    ] = None


def parse_callback_filter(
    filter_options: CallbackFilterOptions, *, before: BeforeOptions | None = None
) -> CallbackFilter:
    """Return the filter that the options describe.

    Raises:
        UsageError: a word or a time means nothing.
    """
    from kling_cli.cli.options.values import parse_time
    from kling_cli.cli.output.views.callbacks import trust_from_word
    from kling_cli.clock import SystemClock
    from kling_cli.store import CallbackFilter

    _require_known_words("--status", filter_options.status, STATUSES)
    trust = trust_from_word(filter_options.trust) if filter_options.trust else None
    _require_known_words("--trust", trust, TRUSTS)
    now = SystemClock().now()
    until = before.before if before else None
    return CallbackFilter(
        task_id=resolve_task_id(filter_options.task_id),
        product=filter_options.product,
        status=filter_options.status,
        trust=trust,
        since=parse_time(filter_options.since, now) if filter_options.since else None,
        until=parse_time(until, now, option="--before") if until else None,
        is_failed=filter_options.is_failed,
    )


def _require_known_words(option: str, word: str | None, words: tuple[str, ...]) -> None:
    if word is not None and word not in words:
        raise UsageError(
            f"{option} {word}: no such word", hint=f"one of {', '.join(words)}"
        )


TAIL_SCHEMA: Final = (
    "kling.listen/1"  # a callback has the same keys wherever it is printed
)


def tail_line(
    callback: StoredCallback, *, seq: int, now: datetime, output_options: OutputOptions
) -> str:
    """Return a callback as a line of `tail`; with --quiet its number alone."""
    if output_options.is_json:
        head = {
            "schema": TAIL_SCHEMA,
            "type": "callback",
            "seq": seq,
            "ts": format_timestamp(now),
        }
        return dumps({**head, **callback_fields(callback)})
    if output_options.is_quiet:
        return str(callback.id)
    name = callback.task_id or callback.external_id
    words = (callback.product, callback.status or "malformed", name, callback.trust)
    what = " ".join(word for word in words if word)
    return one_line(f"{format_timestamp(callback.received_at)} #{callback.id} {what}")


SCHEMA = 1
HELP = "Look at kept callbacks: list, show, follow, export, clear."
CallbackNumber = Annotated[
    str,
    typer.Argument(
        metavar="N|last",
        help="A callback's number, or last.",
        autocompletion=completion.complete_callback_numbers,
    ),
]
LastOption = Annotated[
    int,
    typer.Option("--last", metavar="N", min=0, help="Begin with the newest N."),
]
MaxEventsOption = Annotated[
    int | None,
    typer.Option(
        "--max-events", metavar="N", min=1, help="End after N (default: go on)."
    ),
]


def open_journal() -> Journal:
    """Open the journal of this user, or of the sandbox."""
    from kling_cli.cli.runner import load_settings
    from kling_cli.store import Journal

    return Journal.open(load_settings({}).state_dir)


def list_events(
    *,
    filter_options: CallbackFilterOptions,
    limit_options: LimitOptions,
    output_options: OutputOptions,
) -> int:
    """List kept callbacks, the newest last; this is what `kling events` alone does.

    With --quiet: one number a line.

    kling events list --since 2h --status succeeded
    """
    from kling_cli.cli.output.views.callbacks import callback_table
    from kling_cli.listener.history.export import callback_with_forwards

    wanted = parse_callback_filter(filter_options)
    with open_journal() as journal:
        found = journal.list_callbacks(wanted, limit=limit_options.limit or None)
        forwards = journal.forwards_by_callback(found)
    if output_options.is_json:
        events = [
            callback_with_forwards(callback, forwards[callback.id])
            for callback in found
        ]
        _print_document("events list", {"events": events})
        return 0
    if output_options.is_quiet:
        lines: Sequence[str] = [str(callback.id) for callback in found]
    else:
        width = get_terminal_size().columns if is_terminal(sys.stdout) else None
        lines = list(callback_table(found, forwards, width=width))
    print_lines(lines)
    if not found:
        print_empty_message(
            EmptyMessage("no kept callback matches", "kling events shows all of them")
            if filter_options != CallbackFilterOptions()
            else EmptyMessage(
                "no callback has been kept yet",
                "kling listen receives them; kling trigger sends it mock ones",
            ),
            output_options,
        )
    return 0


def show(*, which: CallbackNumber, output_options: OutputOptions) -> int:
    """Show one callback: headers, body, and what became of it.

    With --quiet: the body alone, byte for byte.

    kling events show last
    """
    from kling_cli.cli.output.terminal.streams import write_bytes
    from kling_cli.cli.output.views.callbacks import callback_details
    from kling_cli.listener.history.export import callback_with_forwards
    from kling_cli.listener.history.replay import find_callback

    with open_journal() as journal:
        callback = find_callback(journal, which)
        forwards = journal.forwards_of(callback.id)
    if output_options.is_json:
        _print_document(
            "events show", {"event": callback_with_forwards(callback, forwards)}
        )
    elif output_options.is_quiet:
        write_bytes(callback.raw)
    else:
        print_lines(callback_details(callback, forwards))
    return 0


def tail(
    *,
    filter_options: CallbackFilterOptions,
    last: LastOption = 10,
    max_events: MaxEventsOption = None,
    output_options: StreamOptions,
) -> int:
    """Follow callbacks as they are kept, by whichever kling, until Ctrl-C.

    With --json: one object a line, as `kling listen` has them.

    kling events tail --last 1 --max-events 1
    """
    import anyio

    from kling_cli.clock import SystemClock

    wanted = parse_callback_filter(filter_options)

    async def work(journal: Journal) -> None:
        clock, seq = SystemClock(), 0
        async for callback in follow_callbacks(journal, wanted, last=last, clock=clock):
            seq += 1
            write_line(
                tail_line(
                    callback, seq=seq, now=clock.now(), output_options=output_options
                )
            )
            if seq == max_events:
                return

    with open_journal() as journal:
        try:
            anyio.run(work, journal)
        except KeyboardInterrupt:  # the usual end
            return int(ExitCode.INTERRUPTED)
    return 0


def clear(
    *,
    filter_options: CallbackFilterOptions,
    before: BeforeOptions,
    output_options: OutputOptions,
) -> int:
    """Delete kept callbacks: all of them, or those that the options choose.

    Tasks and their files are left alone.

    kling events clear --before 30d
    """
    wanted = parse_callback_filter(filter_options, before=before)
    with open_journal() as journal:
        n_deleted = journal.delete_callbacks(wanted)
    if output_options.is_json:
        _print_document("events clear", {"cleared": n_deleted})
    elif not output_options.is_quiet:
        write_result(f"{n_deleted} callback{'' if n_deleted == 1 else 's'} deleted")
    return 0


def _print_document(command: str, facts: dict[str, Any]) -> None:
    from kling_cli.cli.output.json_document import print_document

    head = {"schema": SCHEMA, "ok": True, "command": command}
    print_document({**head, **facts, "error": None})


CallbackNumbers = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[N...]",
        help="Numbers, or last (default: all).",
        autocompletion=completion.complete_callback_numbers,
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportOptions:
    """The export format and its destination."""

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


def export(
    *,
    numbers: CallbackNumbers = None,
    filter_options: CallbackFilterOptions,
    export_options: ExportOptions,
) -> int:
    """Print kept callbacks as an HTTP archive, JSON lines or curl commands.

    kling events export last --curl
    """
    from kling_cli.cli.output.terminal.streams import write_line
    from kling_cli.listener.history.replay import find_callback

    if export_options.is_har + export_options.is_jsonl + export_options.is_curl != 1:
        raise UsageError(
            "say which form: --har, --jsonl or --curl",
            hint="kling events export --jsonl",
        )
    wanted = parse_callback_filter(filter_options)
    with open_journal() as journal:
        named = [find_callback(journal, each) for each in numbers or ()]
        lines = _export_lines(
            journal,
            [named] if named else journal.callback_pages(wanted),
            export_options,
        )
        if export_options.output is not None:
            _save_export(
                export_options.output, lines, is_forced=export_options.is_forced
            )
            return 0
        for line in lines:
            write_line(line)
    return 0


def _export_lines(
    journal: Journal,
    pages: Iterable[Sequence[StoredCallback]],
    export_options: ExportOptions,
) -> Iterator[str]:
    from kling_cli.cli.output.json_document import dumps
    from kling_cli.listener.forwarding.targets import parse_target
    from kling_cli.listener.history import export as exports

    if export_options.is_har:
        found = [callback for page in pages for callback in page]
        yield dumps(exports.to_har(found, journal.forwards_by_callback(found)))
        return
    to = parse_target(export_options.to) if export_options.to else None
    for page in pages:
        forwards = journal.forwards_by_callback(page)
        for callback in page:
            callback_forwards = forwards[callback.id]
            if export_options.is_jsonl:
                yield dumps(exports.callback_with_forwards(callback, callback_forwards))
            else:
                yield exports.callback_curl(
                    callback, (to or exports.last_target(callback_forwards)).url
                )


def _save_export(path: Path, lines: Iterator[str], *, is_forced: bool) -> None:
    """Write the file atomically."""
    from kling_cli.jobs.outputs.destination import check_writable
    from kling_cli.jobs.outputs.partial_file import NullRecords, PartialFile

    if not path.parent.is_dir():
        raise NotSavedError(f"could not write {path}: there is no such folder")
    check_writable(path)
    if os.path.lexists(path) and not is_forced:
        raise UsageError(f"{path} exists", hint="choose another name, or --force")
    try:
        with PartialFile(path, NullRecords()) as part:
            part.begin(None, None)
            for line in lines:
                part.write(f"{line}\n".encode())
            part.put_in_place(is_forced=True)
    except OSError as exc:
        raise NotSavedError(f"could not write {path}: {exc.strerror}") from exc


def make_group() -> Any:
    """Return the command with its sub-commands."""
    commands = {
        "list": list_events,
        "show": show,
        "tail": tail,
        "export": export,
        "clear": clear,
    }
    return make_command_group("events", HELP, commands)


async def follow_callbacks(
    journal: Journal, callback_filter: CallbackFilter, *, last: int, clock: Clock
) -> AsyncGenerator[StoredCallback, None]:
    """Yield the `last` callbacks that match, then each new one, for ever.

    Raises:
        JournalError: the journal cannot be read.
    """
    from kling_cli.store import CallbackFilter

    newest = journal.list_callbacks(CallbackFilter(), limit=1)
    seen = newest[0].id if newest else 0
    version = journal.data_version()
    for callback in journal.list_callbacks(callback_filter, limit=last):
        if callback.id <= seen:
            yield callback
    while True:
        for page in journal.callback_pages(replace(callback_filter, after=seen)):
            for callback in page:
                seen = callback.id
                yield callback
        while (changed := journal.data_version()) == version:
            await clock.sleep(POLL_S)
        version = changed
