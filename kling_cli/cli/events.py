"""`kling events`: the callbacks that are kept on this machine."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kling_cli.cli import completion
from kling_cli.cli.events_export import export
from kling_cli.cli.events_options import Before, Choice, Limited, wanted_of
from kling_cli.cli.help_page import PagedGroup
from kling_cli.cli.line_options import LineTalk
from kling_cli.cli.options import Talk
from kling_cli.cli.output.listing import Empty, say_empty
from kling_cli.cli.output.pager import print_lines
from kling_cli.cli.output.streams import write_line, write_result
from kling_cli.cli.output.styles import is_terminal
from kling_cli.errors import ExitCode

if TYPE_CHECKING:
    from kling_cli.store.journal_callbacks import CallbackJournal

SCHEMA = 1
Which = Annotated[
    str,
    typer.Argument(
        metavar="N|last",
        help="A callback's number, or last.",
        autocompletion=completion.callbacks,
    ),
]
Last = Annotated[
    int,
    typer.Option("--last", metavar="N", min=0, help="Begin with the newest N."),
]
MaxEvents = Annotated[
    int | None,
    typer.Option(
        "--max-events", metavar="N", min=1, help="End after N (default: go on)."
    ),
]


def open_journal() -> CallbackJournal:
    """Open the journal of this user, or of the sandbox's.

    Raises:
        JournalError: it cannot be used.
    """
    from kling_cli.cli.runner import load_settings
    from kling_cli.store.journal_callbacks import CallbackJournal

    return CallbackJournal.open(load_settings({}).state_dir)


def list_events(*, chosen: Choice, limited: Limited, talk: Talk) -> int:
    """List kept callbacks, the newest last; this is what `kling events` alone does.

    With --quiet: one number a line.

    kling events list --since 2h --status succeeded
    """
    from kling_cli.cli.output.kept_callbacks import table
    from kling_cli.listener.export import with_forwards

    wanted = wanted_of(chosen)
    with open_journal() as journal:
        found = journal.callbacks(wanted, limit=limited.limit or None)
        forwards = journal.all_forwards(found)
    if talk.is_json:
        events = [with_forwards(kept, forwards[kept.id]) for kept in found]
        _print_document("events list", {"events": events})
        return 0
    if talk.is_quiet:
        lines: Sequence[str] = [str(kept.id) for kept in found]
    else:
        width = get_terminal_size().columns if is_terminal(sys.stdout) else None
        lines = list(table(found, forwards, width=width))
    print_lines(lines)
    if not found:
        say_empty(
            Empty("no kept callback matches", "kling events shows all of them")
            if chosen != Choice()
            else Empty(
                "no callback has been kept yet",
                "kling listen receives them; kling trigger sends it mock ones",
            ),
            talk,
        )
    return 0


def show(*, which: Which, talk: Talk) -> int:
    """Show one callback: headers, body, and what became of it.

    With --quiet: the body alone, byte for byte.

    kling events show last
    """
    from kling_cli.cli.output.kept_callbacks import description
    from kling_cli.cli.output.streams import write_bytes
    from kling_cli.listener.export import with_forwards
    from kling_cli.listener.replay import find

    with open_journal() as journal:
        kept = find(journal, which)
        forwards = journal.forwards(kept.id)
    if talk.is_json:
        _print_document("events show", {"event": with_forwards(kept, forwards)})
    elif talk.is_quiet:
        write_bytes(kept.raw)
    else:
        print_lines(description(kept, forwards))
    return 0


def tail(
    *, chosen: Choice, last: Last = 10, max_events: MaxEvents = None, talk: LineTalk
) -> int:
    """Follow callbacks as they are kept, by whichever kling, until Ctrl-C.

    With --json: one object a line, as `kling listen` has them.

    kling events tail --last 1 --max-events 1
    """
    import anyio

    from kling_cli.cli.events_tail import line_of
    from kling_cli.clock import SystemClock
    from kling_cli.listener.tail import follow

    wanted = wanted_of(chosen)

    async def work(journal: CallbackJournal) -> None:
        clock, seq = SystemClock(), 0
        async for kept in follow(journal, wanted, last=last, clock=clock):
            seq += 1
            write_line(line_of(kept, seq=seq, now=clock.now(), talk=talk))
            if seq == max_events:
                return

    with open_journal() as journal:
        try:
            anyio.run(work, journal)
        except KeyboardInterrupt:  # the usual end, and nothing to say about it
            return int(ExitCode.INTERRUPTED)
    return 0


def clear(*, chosen: Choice, before: Before, talk: Talk) -> int:
    """Delete kept callbacks: all of them, or those that the options choose.

    Tasks and their files are left alone.

    kling events clear --before 30d
    """
    wanted = wanted_of(chosen, before=before)
    with open_journal() as journal:
        n_gone = journal.clear_callbacks(wanted)
    if talk.is_json:
        _print_document("events clear", {"cleared": n_gone})
    elif not talk.is_quiet:
        write_result(f"{n_gone} callback{'' if n_gone == 1 else 's'} deleted")
    return 0


def _print_document(command: str, facts: dict[str, Any]) -> None:
    from kling_cli.cli.output.document import dumps

    head = {"schema": SCHEMA, "ok": True, "command": command}
    write_result(dumps({**head, **facts, "error": None}))


class EventsGroup(PagedGroup):
    """Sub-commands with groups of options; without a word it is `list`."""

    def __init__(self, **attrs: Any) -> None:
        from kling_cli.cli.declare import declare

        super().__init__(**attrs)
        commands = (
            ("list", list_events),
            ("show", show),
            ("tail", tail),
            ("export", export),
            ("clear", clear),
        )
        for name, function in commands:
            self.add_command(declare(function, name=name))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse, reading options without a sub-command as those of `list`."""
        is_option = not args or args[0].startswith("-")
        if is_option and not {"--help", "-h"} & set(args) and not ctx.resilient_parsing:
            args = ["list", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    name="events",
    cls=EventsGroup,
    help="Look at kept callbacks: list, show, follow, export, clear.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback()
def events() -> None:
    """Look at kept callbacks: list, show, follow, export, clear."""
