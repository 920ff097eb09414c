"""`kling listen`: a standing listener for callbacks, until it is told to stop."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from kling_cli.cli.delivery_options import Delivery
from kling_cli.cli.line_options import LineTalk
from kling_cli.cli.listen_options import Choice, Door, Forwarding

if TYPE_CHECKING:
    from kling_cli.listener.options import ListenOptions
    from kling_cli.settings.settings import Settings

Command = Annotated[
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
    command: Command = None,
    door: Door,
    forwarding: Forwarding,
    delivery: Delivery,
    choice: Choice,
    talk: LineTalk,
) -> int:
    """Show every callback as it comes; keep it, check it, pass it on to your app.

    Says the URL to use as `callback_url` once. Tasks of this user that are started
    meanwhile share this listener.

    kling listen --no-token -- kling trigger lifecycle
    """
    from kling_cli.cli.listen_values import parse
    from kling_cli.cli.runner import load_settings

    settings = load_settings({"tunnel": door.tunnel} if door.tunnel else {})
    options = parse(
        door,
        forwarding,
        delivery,
        choice,
        command=tuple(command or ()),
        is_stdout_ours=talk.is_json,
        tunnel=settings.tunnel,
    )
    return _run(_prepared(options, settings, talk), settings, talk)


def _prepared(
    options: ListenOptions, settings: Settings, talk: LineTalk
) -> ListenOptions:
    """Ask a person at the terminal what is to be asked before a tunnel is opened."""
    from kling_cli.cli.tunnel_setup import is_person_there, prepare_tunnel
    from kling_cli.listener.reach import Kind, choose

    kind = choose(
        tunnel=options.tunnel,
        callback_url=options.callback_url,
        is_tokenless=options.is_tokenless,
        settings=settings,
    )
    if kind is not Kind.TUNNEL or talk.is_json or not is_person_there():
        return options
    return replace(options, tunnel=prepare_tunnel(settings, options.tunnel))


def _run(options: ListenOptions, settings: Settings, talk: LineTalk) -> int:
    import anyio

    from kling_cli.cli.output.listen_keys import keys_of
    from kling_cli.cli.output.listen_show import open_screen
    from kling_cli.clock import SystemClock
    from kling_cli.listener.run import listen as listen_until_told

    is_beside_command, clock = bool(options.command), SystemClock()
    with open_screen(talk, clock, is_beside_command=is_beside_command) as screen:
        run = partial(
            listen_until_told,
            settings=settings,
            clock=clock,
            tell=screen.show,
            keys=None if is_beside_command else keys_of(talk, screen),
        )
        return anyio.run(run, options)
