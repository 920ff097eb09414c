"""The forwarder as it was ordered, if at all; what becomes of forwards is kept."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from kling_cli.clock import Clock
from kling_cli.listener.controls import Forwards
from kling_cli.listener.forward import forwarding
from kling_cli.listener.lines import Line
from kling_cli.listener.manner import Record
from kling_cli.listener.options import ListenOptions
from kling_cli.listener.outcomes import open_outcomes
from kling_cli.settings.settings import Settings


@asynccontextmanager
async def open_forwards(
    options: ListenOptions,
    *,
    settings: Settings,
    clock: Clock,
    tell: Callable[[Line], None],
) -> AsyncIterator[Forwards | None]:
    """Open the forwarder if there is a target; what becomes of forwards is kept."""
    async with AsyncExitStack() as stack:
        if not options.targets:
            yield None
            return
        record: Record = _forget
        if options.is_keeping:
            record = await stack.enter_async_context(
                open_outcomes(settings.state_dir, tell=tell)
            )
        yield await stack.enter_async_context(
            forwarding(
                options.targets,
                options.manner,
                clock=clock,
                tell=tell,
                record=lambda kept: record(kept) if kept.callback_id else None,
            )
        )


def _forget(_: object) -> None:
    """Keep no history."""
