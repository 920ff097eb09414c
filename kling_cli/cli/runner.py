"""Runs jobs for a command: settings, sandbox, reporter, event loop."""

from __future__ import annotations

import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from kling_cli.clock import Clock, SystemClock

if TYPE_CHECKING:
    from kling_cli.api import PageFetcher
    from kling_cli.cli.options.shared import AccountOptions, OutputOptions
    from kling_cli.jobs.events import Event
    from kling_cli.settings import Settings

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RunContext:
    """What a job needs from its surroundings: settings, event handler, clock.

    Within `pause()` the terminal is free for a question.
    """

    settings: Settings
    emit: Callable[[Event], None]
    clock: Clock
    pause: Callable[[], AbstractContextManager[None]]

    @property
    def as_keywords(self) -> dict[str, Any]:
        """The same, as every function of `jobs` that commands call takes it."""
        return {"settings": self.settings, "emit": self.emit, "clock": self.clock}


Work = Callable[[RunContext], Awaitable[T]]


def load_settings(options: Mapping[str, Any]) -> Settings:
    """Return the settings of this process with what was typed on top."""
    from kling_cli.jobs import job

    return job.load_settings(os.environ, options)


def run(
    work: Work[T],
    *,
    settings: Settings,
    output_options: OutputOptions,
    is_brief: bool = False,
) -> T:
    """Run `work` in an event loop of its own while a reporter shows its events."""
    import anyio

    from kling_cli.cli.output.reporters import make_reporter

    with make_reporter(
        is_quiet=output_options.is_quiet,
        is_colorless=output_options.is_colorless,
        is_brief=is_brief,
    ) as reporter:
        context = RunContext(settings, reporter.handle, SystemClock(), reporter.pause)
        return anyio.run(_run_sharing_terminal, work, context)


async def _run_sharing_terminal(work: Work[T], context: RunContext) -> T:
    """Await `work`; the display follows the shell's job control."""
    from kling_cli.background import background
    from kling_cli.cli.output.terminal.capabilities import is_terminal
    from kling_cli.cli.output.terminal.job_control import share_terminal

    if not is_terminal(sys.stderr):
        return await _run_in_sandbox(work, context)
    async with background() as group:
        group.start_soon(share_terminal, sys.stderr.fileno(), context.pause)
        return await _run_in_sandbox(work, context)


async def _run_in_sandbox(work: Work[T], context: RunContext) -> T:
    """Await `work`, inside a sandbox when the settings want one."""
    if not context.settings.is_sandbox:
        return await work(context)
    from kling_cli.sandbox.server import embedded_sandbox

    async with embedded_sandbox(context.settings) as settings:
        return await work(replace(context, settings=settings))


def run_with_client(
    work: Callable[[PageFetcher], Awaitable[T]],
    *,
    account_options: AccountOptions,
    output_options: OutputOptions,
) -> T:
    """Return the result of `work` with the account's client; no journal is written."""
    from kling_cli.api import RetryingClient, open_client
    from kling_cli.cli.options.shared import settings_options

    async def connect(context: RunContext) -> T:
        async with open_client(context.settings, context.clock) as client:
            return await work(RetryingClient(client, context.clock))

    settings = load_settings(settings_options(account_options))
    return run(connect, settings=settings, output_options=output_options, is_brief=True)
