"""`kling listen`: options, their checks, and the call of the listener service."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Annotated, Final
from urllib.parse import urlsplit

import typer

from kling_cli.cli.options import completion
from kling_cli.cli.options.shared import DeliveryOptions, StreamOptions
from kling_cli.cli.options.values import resolve_task_id
from kling_cli.errors import UsageError
from kling_cli.listener.forwarding.targets import parse_route, parse_target
from kling_cli.listener.options import EventFilter, ListenOptions
from kling_cli.listener.stop_conditions import StopConditions
from kling_cli.settings import parse_seconds

if TYPE_CHECKING:
    from kling_cli.settings import Settings

_RECEIVING_PANEL = "Receiving"
_FORWARDING_PANEL = "Forwarding"
_STATUSES = ("submitted", "processing", "succeeded", "failed")
_EVENTS_PANEL = "Which callbacks, and how long"


@dataclass(frozen=True, slots=True, kw_only=True)
class IngressOptions:
    """How callbacks reach the listener, and how they are answered."""

    port: Annotated[
        int,
        typer.Option(
            "--port",
            min=0,
            max=65535,
            metavar="N",
            show_default=False,
            help="Port of the listener on this machine (default: a free one).",
            rich_help_panel=_RECEIVING_PANEL,
        ),
    ] = 0
    tunnel: Annotated[
        str | None,
        typer.Option(
            "--tunnel",
            metavar="NAME",
            help="Which tunnel gives the public URL: auto, a name of `kling tunnel "
            "list` or ssh://HOST; none: this machine only (default: KLING_TUNNEL, else "
            "auto, except with --no-token or an API base on this machine).",
            autocompletion=completion.complete_tunnels,
            rich_help_panel=_RECEIVING_PANEL,
        ),
    ] = None
    callback_url: Annotated[
        str | None,
        typer.Option(
            "--callback-url",
            metavar="URL",
            help="Your own public URL that reaches the listener; no tunnel is started.",
            rich_help_panel=_RECEIVING_PANEL,
        ),
    ] = None
    is_tokenless: Annotated[
        bool,
        typer.Option(
            "--no-token",
            help="Also take callbacks at a bare /callback, from this machine only.",
            rich_help_panel=_RECEIVING_PANEL,
        ),
    ] = False
    is_rotating_token: Annotated[
        bool,
        typer.Option(
            "--rotate-token",
            help="Make a new token first; the old URL is dead.",
            rich_help_panel=_RECEIVING_PANEL,
        ),
    ] = False
    respond: Annotated[
        list[str] | None,
        typer.Option(
            "--respond",
            metavar="STATUS|delay=S",
            help="Answer callbacks with this status, or S seconds later "
            "(default: 200, at once). May be repeated.",
            rich_help_panel=_RECEIVING_PANEL,
        ),
    ] = None
    is_forgetful: Annotated[
        bool,
        typer.Option(
            "--no-history",
            help="Do not keep callbacks in the journal; generating commands then open "
            "their own tunnel.",
            rich_help_panel=_RECEIVING_PANEL,
        ),
    ] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ForwardingOptions:
    """The targets to which callbacks are forwarded."""

    forward_to: Annotated[
        list[str] | None,
        typer.Option(
            "--forward-to",
            metavar="URL|PORT|/PATH",
            help="Pass each callback on, bytes unchanged, to your app "
            "(3000 is http://localhost:3000/callback). May be repeated.",
            rich_help_panel=_FORWARDING_PANEL,
        ),
    ] = None
    routes: Annotated[
        list[str] | None,
        typer.Option(
            "--route",
            metavar="STATUS=URL",
            help="Pass callbacks with this status on to URL instead. May be repeated.",
            rich_help_panel=_FORWARDING_PANEL,
        ),
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventOptions:
    """Which callbacks are shown and forwarded, and when to stop."""

    events: Annotated[
        list[str] | None,
        typer.Option(
            "--events",
            metavar="STATUS,…",
            help="Only these: submitted, processing, succeeded, failed (default: all).",
            autocompletion=completion.word_completer(*_STATUSES),
            rich_help_panel=_EVENTS_PANEL,
        ),
    ] = None
    task_ids: Annotated[
        list[str] | None,
        typer.Option(
            "--task",
            metavar="ID",
            help="Only those of this task, by its id or your own. May be repeated.",
            autocompletion=completion.complete_task_ids,
            rich_help_panel=_EVENTS_PANEL,
        ),
    ] = None
    max_events: Annotated[
        int | None,
        typer.Option(
            "--max-events",
            metavar="N",
            min=1,
            help="End after N callbacks (default: go on).",
            rich_help_panel=_EVENTS_PANEL,
        ),
    ] = None
    is_until_final: Annotated[
        bool,
        typer.Option(
            "--until-final",
            help="End when every --task has succeeded or failed; without any: when "
            "one task has.",
            rich_help_panel=_EVENTS_PANEL,
        ),
    ] = False
    timeout: Annotated[
        str | None,
        typer.Option(
            "--timeout",
            metavar="TIME",
            help="End after 90 (seconds), 10m or 1h30m (default: never).",
            rich_help_panel=_EVENTS_PANEL,
        ),
    ] = None


STATUSES: Final = ("submitted", "processing", "succeeded", "failed")
MAX_DELAY_S: Final = 300.0
_STATUS_RANGE: Final = range(200, 600)
_STATUSES_WITHOUT_BODY: Final = (204, 205, 304)


def parse_listen_options(  # noqa: PLR0913 -- the groups of options, one each
    ingress_options: IngressOptions,
    forwarding_options: ForwardingOptions,
    delivery_options: DeliveryOptions,
    event_options: EventOptions,
    *,
    command: tuple[str, ...],
    is_stdout_reserved: bool,
    tunnel: str,
) -> ListenOptions:
    """Return the listener's options, checked.

    Raises:
        UsageError: an option is invalid.
    """
    status, delay_s = parse_response(ingress_options.respond or ())
    targets = [parse_target(text) for text in forwarding_options.forward_to or ()]
    targets += [parse_route(text) for text in forwarding_options.routes or ()]
    return ListenOptions(
        port=ingress_options.port,
        tunnel=tunnel,
        callback_url=parse_callback_url(ingress_options.callback_url),
        is_tokenless=ingress_options.is_tokenless,
        is_rotating_token=ingress_options.is_rotating_token,
        has_history=not ingress_options.is_forgetful,
        event_filter=parse_event_filter(event_options),
        stop_conditions=parse_stop_conditions(event_options),
        timeout_s=parse_timeout(event_options.timeout),
        status=status,
        delay_s=delay_s,
        command=command,
        is_stdout_reserved=is_stdout_reserved,
        targets=tuple(targets),
        policy=delivery_options.policy(),
    )


def parse_response(texts: Sequence[str]) -> tuple[int, float]:
    """Return the status and the delay in seconds of `--respond`.

    Raises:
        UsageError: it is neither.
    """
    status, delay_s = 200, 0.0
    for text in texts:
        word, is_delay, seconds = text.strip().partition("delay=")
        try:
            if is_delay and not word:
                delay_s = float(seconds)
            else:
                status = int(text)
        except ValueError:
            raise _response_error(text) from None
    if status not in _STATUS_RANGE or status in _STATUSES_WITHOUT_BODY:
        raise _response_error(str(status))
    if not 0 <= delay_s <= MAX_DELAY_S:
        raise _response_error(f"delay={delay_s:g}")
    return status, delay_s


def parse_callback_url(text: str | None) -> str | None:
    """Return the user's own URL without a trailing slash.

    Raises:
        UsageError: it is not an HTTP URL.
    """
    if text is None:
        return None
    try:
        split = urlsplit(text)
        is_good = split.scheme in ("http", "https") and bool(split.hostname)
    except ValueError:
        is_good = False
    if not is_good or split.query or split.fragment:
        raise UsageError(
            f"--callback-url {text}: not the beginning of a URL",
            hint="--callback-url https://example.com",
        )
    return text.rstrip("/")


def parse_event_filter(event_options: EventOptions) -> EventFilter:
    """Return the filter of callbacks.

    Raises:
        UsageError: there is no such status.
    """
    statuses = [
        _parse_status(word) for word in _split_words(event_options.events or ())
    ]
    return EventFilter(
        task_ids=frozenset(
            str(resolve_task_id(each)) for each in event_options.task_ids or ()
        ),
        statuses=frozenset(statuses),
    )


def parse_stop_conditions(event_options: EventOptions) -> StopConditions:
    return StopConditions(
        max_events=event_options.max_events, is_final=event_options.is_until_final
    )


def parse_timeout(text: str | None) -> float | None:
    """Return the seconds of `--timeout`, None for no limit.

    Raises:
        UsageError: it is not a duration.
    """
    if text is None:
        return None
    try:
        return parse_seconds(text)
    except ValueError as exc:
        complaint, *hint = (str(part) for part in exc.args)
        raise UsageError(
            f"--timeout: {complaint}", hint=hint[0] if hint else None
        ) from exc


def _split_words(texts: Iterable[str]) -> list[str]:
    return [word.strip() for text in texts for word in text.split(",") if word.strip()]


def _parse_status(word: str) -> str:
    status = "succeeded" if word.lower() == "succeed" else word.lower()
    if status not in STATUSES:
        raise UsageError(
            f"--events {word}: no such status", hint=f"one of {', '.join(STATUSES)}"
        )
    return status


def _response_error(text: str) -> UsageError:
    return UsageError(
        f"--respond {text}: neither a status that has a body nor a delay",
        hint=f"--respond 503, or --respond delay=2 (at most {MAX_DELAY_S:g} s)",
    )


CommandArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[-- COMMAND ARGS...]",
        help="Run COMMAND with KLING_CALLBACK_URL in its environment, end with it and "
        "with its exit code.",
        show_default=False,
    ),
]


def listen(  # noqa: PLR0913 -- the groups of options, one each
    *,
    command: CommandArgument = None,
    ingress_options: IngressOptions,
    forwarding_options: ForwardingOptions,
    delivery_options: DeliveryOptions,
    event_options: EventOptions,
    output_options: StreamOptions,
) -> int:
    """Show every callback as it comes; keep it, check it, pass it on to your app.

    Says the URL to use as `callback_url` once. Tasks of this user that are started
    meanwhile share this listener.

    kling listen --no-token -- kling trigger lifecycle
    """
    from kling_cli.cli.runner import load_settings

    settings = load_settings(
        {"tunnel": ingress_options.tunnel} if ingress_options.tunnel else {}
    )
    options = parse_listen_options(
        ingress_options,
        forwarding_options,
        delivery_options,
        event_options,
        command=tuple(command or ()),
        is_stdout_reserved=output_options.is_json,
        tunnel=settings.tunnel,
    )
    return _run(
        _prompt_for_tunnel(options, settings, output_options), settings, output_options
    )


def _prompt_for_tunnel(
    options: ListenOptions, settings: Settings, output_options: StreamOptions
) -> ListenOptions:
    """Prompt at the terminal before a tunnel is opened; return the options."""
    from kling_cli.cli.options.tunnel_prompt import prepare_tunnel
    from kling_cli.cli.output.terminal.capabilities import is_interactive
    from kling_cli.listener.ingress.ingress import IngressKind, choose_ingress

    kind = choose_ingress(options, settings)
    if kind is not IngressKind.TUNNEL or output_options.is_json or not is_interactive():
        return options
    return replace(options, tunnel=prepare_tunnel(settings, options.tunnel))


def _run(
    options: ListenOptions, settings: Settings, output_options: StreamOptions
) -> int:
    import anyio

    from kling_cli.cli.output.listener.keys import key_reader
    from kling_cli.cli.output.listener.screen import open_screen
    from kling_cli.clock import SystemClock
    from kling_cli.listener.service import listen as run_listener

    is_beside_command, clock = bool(options.command), SystemClock()
    with open_screen(
        output_options, clock, is_beside_command=is_beside_command
    ) as screen:
        run = partial(
            run_listener,
            settings=settings,
            clock=clock,
            on_event=screen.show,
            key_reader=None
            if is_beside_command
            else key_reader(output_options, screen),
        )
        return anyio.run(run, options)
