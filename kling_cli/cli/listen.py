"""`kling listen`: a standing listener for callbacks, until it is told to stop."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from kling_cli.cli.listen_options import Choice, Door, Forwarding
from kling_cli.cli.options import Talk

Command = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[-- COMMAND ARGS...]",
        help="Run COMMAND with KLING_CALLBACK_URL in its environment, end with it and "
        "with its exit code.",
        show_default=False,
    ),
]


def listen(
    *,
    command: Command = None,
    door: Door,
    forwarding: Forwarding,
    choice: Choice,
    talk: Talk,
) -> int:
    """Show every callback as it comes; keep it, check it, pass it on to your app.

    Says the URL to use as `callback_url` once. Tasks of this user that are started
    meanwhile take the same door.

    kling listen --no-token -- kling trigger lifecycle
    """
    import anyio

    from kling_cli.cli.listen_values import parse
    from kling_cli.cli.report.listen_keys import keys_of
    from kling_cli.cli.report.listen_show import shower
    from kling_cli.cli.runner import load_settings
    from kling_cli.clock import SystemClock
    from kling_cli.listen.run import listen as listen_until_told

    settings = load_settings({"tunnel": door.tunnel} if door.tunnel else {})
    options = parse(
        door,
        forwarding,
        choice,
        command=tuple(command or ()),
        is_stdout_ours=talk.is_json,
        tunnel=settings.tunnel,
    )
    clock = SystemClock()
    show = shower(talk, clock, is_beside_command=bool(command))
    keys = None if command else keys_of(talk)
    run = partial(
        listen_until_told, settings=settings, clock=clock, tell=show, keys=keys
    )
    return anyio.run(run, options)
