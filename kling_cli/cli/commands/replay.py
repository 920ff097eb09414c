"""`kling replay`: sends stored callbacks again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kling_cli.cli.options import completion
from kling_cli.cli.options.shared import DeliveryOptions, OutputOptions
from kling_cli.errors import UsageError

if TYPE_CHECKING:
    from kling_cli.listener.events import Forwarded
    from kling_cli.listener.forwarding.delivery import Delivery, ForwardingPolicy
    from kling_cli.settings import Settings
    from kling_cli.store import Journal, StoredForward

SENDING_PANEL = "Sending"

Numbers = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[N|last]...",
        help="Callbacks' numbers, or last.",
        autocompletion=completion.complete_callback_numbers,
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayFilterOptions:
    """Selection of callbacks other than by number."""

    task_id: Annotated[
        str | None,
        typer.Option("--task", metavar="ID", help="All of this task, in order."),
    ] = None
    is_failed: Annotated[
        bool,
        typer.Option("--failed", help="All that your app did not answer with 2xx."),
    ] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayOptions:
    """The targets, the repetitions and the changes of a replay."""

    to: Annotated[
        list[str] | None,
        typer.Option(
            "--to",
            metavar="URL|PORT|/PATH",
            help="Where to send (default: where it was passed on to before). "
            "May be repeated.",
            rich_help_panel=SENDING_PANEL,
        ),
    ] = None
    times: Annotated[
        int,
        typer.Option(
            "--times",
            metavar="N",
            min=1,
            help="Send each N times.",
            rich_help_panel=SENDING_PANEL,
        ),
    ] = 1
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Change a field of the body, dotted; the value is JSON or text. "
            "May be repeated.",
            rich_help_panel=SENDING_PANEL,
        ),
    ] = None


SCHEMA = 1


def replay(
    *,
    numbers: Numbers = None,
    filter_options: ReplayFilterOptions,
    replay_options: ReplayOptions,
    delivery_options: DeliveryOptions,
    output_options: OutputOptions,
) -> int:
    """Send kept callbacks again, byte for byte, marked with a header Kling-Replay.

    The exit code is 0 when each was answered with 2xx.

    What came signed is signed anew with KLING_WEBHOOK_SECRET.

    With --quiet: one HTTP status a line.

    kling replay last
    """
    from kling_cli.cli.runner import load_settings
    from kling_cli.store import Journal

    if (
        sum(
            (
                bool(numbers),
                filter_options.task_id is not None,
                filter_options.is_failed,
            )
        )
        != 1
    ):
        raise UsageError(
            "say which callbacks: numbers, last, --task ID or --failed",
            hint="kling replay last",
        )
    policy = delivery_options.policy()
    settings = load_settings({})
    with Journal.open(settings.state_dir) as journal:
        selected = _select_replays(
            journal, numbers or [], filter_options, replay_options, settings
        )
        events = _send(journal, selected, policy, replay_options.times, output_options)
    return _print_outcome(events, output_options)


def _select_replays(
    journal: Journal,
    numbers: Sequence[str],
    filter_options: ReplayFilterOptions,
    replay_options: ReplayOptions,
    settings: Settings,
) -> list[Delivery]:
    from kling_cli.callbacks import Trust
    from kling_cli.cli.options.values import resolve_task_id
    from kling_cli.jobs.order import read_extra
    from kling_cli.listener.forwarding.targets import parse_target
    from kling_cli.listener.history.replay import (
        plan_replays,
        select_callbacks,
        with_changes,
    )
    from kling_cli.store import CallbackFilter

    to = [parse_target(text) for text in replay_options.to or ()]
    changes = read_extra(replay_options.changes or ())
    task_id = resolve_task_id(filter_options.task_id)
    wanted = CallbackFilter(task_id=task_id, is_failed=filter_options.is_failed)
    found = select_callbacks(journal, numbers, None if numbers else wanted)
    if any(callback.trust == Trust.SIGNED for callback in found):
        settings.require("webhook_secret")
    return plan_replays(
        journal,
        [with_changes(callback, changes) for callback in found],
        to=to,
        is_failed=filter_options.is_failed,
        secrets=settings.webhook_secrets,
    )


def _send(
    journal: Journal,
    selected: Sequence[Delivery],
    policy: ForwardingPolicy,
    times: int,
    output_options: OutputOptions,
) -> list[Forwarded]:
    import anyio

    from kling_cli.cli.output.terminal.streams import print_message
    from kling_cli.clock import SystemClock
    from kling_cli.listener.history.replay import send_replays
    from kling_cli.store import JournalError

    def record(forward: StoredForward) -> None:
        try:
            journal.add_forwards([forward])
        except JournalError as exc:  # it has been sent all the same
            print_message(
                f"warning: {exc.message}", is_colorless=output_options.is_colorless
            )

    async def work() -> list[Forwarded]:
        return await send_replays(
            selected,
            policy,
            times=times,
            clock=SystemClock(),
            emit=lambda event: _print_delivery(event, output_options),
            record=record,
        )

    return anyio.run(work)


def _print_delivery(event: Forwarded, output_options: OutputOptions) -> None:
    from kling_cli.cli.output.terminal.streams import write_message, write_result
    from kling_cli.cli.output.views.callbacks import delivery_line, response_excerpt

    if output_options.is_json:
        return
    if output_options.is_quiet:
        write_result(str(event.status or "-"))
        return
    write_result(delivery_line(event))
    for each in response_excerpt(event):
        write_message(each)


def _print_outcome(events: Sequence[Forwarded], output_options: OutputOptions) -> int:
    from kling_cli.cli.output.json_document import error_object, print_document
    from kling_cli.cli.output.listener.lines import forward_fields
    from kling_cli.cli.output.plain_lines import error_lines
    from kling_cli.cli.output.terminal.streams import print_message
    from kling_cli.listener.history.replay import undelivered_error

    error = undelivered_error(events)
    if output_options.is_json:
        document: dict[str, Any] = {
            "schema": SCHEMA,
            "ok": error is None,
            "command": "replay",
            "deliveries": [forward_fields(event) for event in events],
            "error": error_object(error) if error else None,
        }
        print_document(document)
    for each in error_lines(error) if error else ():
        print_message(each, is_colorless=output_options.is_colorless)
    return int(error.exit_code) if error else 0
