"""The one way a command runs jobs: settings, a sandbox if asked for, a reporter."""

from __future__ import annotations

import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from kling_cli.clock import Clock, SystemClock

if TYPE_CHECKING:
    from kling_cli.cli.options.shared import OutputOptions
    from kling_cli.jobs.events import Event
    from kling_cli.settings import Settings

T = TypeVar("T")

SANDBOX_TASK_S = 3.0  # how long a task takes when the sandbox is there for one command


@dataclass(frozen=True, slots=True)
class RunContext:
    """What a job is handed: settings, whom to tell, the time.

    Within `pause()` the terminal is free for a question.
    """

    settings: Settings
    tell: Callable[[Event], None]
    clock: Clock
    pause: Callable[[], AbstractContextManager[None]]

    @property
    def as_keywords(self) -> dict[str, Any]:
        """The same, as every function of `jobs.run` takes it."""
        return {"settings": self.settings, "tell": self.tell, "clock": self.clock}


Work = Callable[[RunContext], Awaitable[T]]


def load_settings(options: Mapping[str, Any]) -> Settings:
    """Return the settings of this process with what was typed on top.

    With a sandbox, the state folder is one inside the usual one: what is simulated
    never stands among paid jobs.
    """
    from kling_cli.settings import SANDBOX_FOLDER, load

    settings = load(os.environ, options)
    if settings.is_typed("tunnel"):
        from kling_cli.tunnels.registry import require_choice

        require_choice(settings)
    if settings.is_sandbox:
        settings = replace(settings, state_dir=settings.state_dir / SANDBOX_FOLDER)
    return settings


def run(
    work: Work[T], *, settings: Settings, talk: OutputOptions, is_brief: bool = False
) -> T:
    """Run `work` in an event loop of its own while a reporter shows what happens."""
    import anyio

    from kling_cli.cli.output.reporters import reporter

    chosen = reporter(
        is_quiet=talk.is_quiet, is_colorless=talk.is_colorless, is_brief=is_brief
    )
    with chosen as report:
        around = RunContext(settings, report.tell, SystemClock(), report.pause)
        return anyio.run(_on_terminal, work, around)


async def _on_terminal(work: Work[T], around: RunContext) -> T:
    """Await `work`; the display leaves the terminal to a shell that takes it."""
    from kling_cli.background import background
    from kling_cli.cli.output.terminal.capabilities import is_terminal
    from kling_cli.cli.output.terminal.job_control import share_terminal

    if not is_terminal(sys.stderr):
        return await _surrounded(work, around)
    async with background() as group:
        group.start_soon(share_terminal, sys.stderr.fileno(), around.pause)
        return await _surrounded(work, around)


async def _surrounded(work: Work[T], around: RunContext) -> T:
    """Await `work`, inside a sandbox when the settings want one."""
    if not around.settings.is_sandbox:
        return await work(around)
    from kling_cli.sandbox.options import SandboxOptions
    from kling_cli.sandbox.server import serve_sandbox

    options = SandboxOptions(
        task_seconds=SANDBOX_TASK_S,
        has_seed_data=True,
        webhook_secrets=tuple(
            each.reveal() for each in around.settings.webhook_secrets
        ),
    )
    async with serve_sandbox(options) as box:
        return await work(replace(around, settings=_inside(around.settings, box)))


def _inside(settings: Settings, box: Any) -> Settings:
    """Return settings that talk with the sandbox, whatever account there is."""
    from kling_cli.secret import Secret
    from kling_cli.settings import ACCOUNT

    problems = settings.problems.items()
    return replace(
        settings,
        api_base=box.base_url,
        api_key=Secret(box.api_key),
        access_key=None,
        secret_key=None,
        credentials_problem=None,
        problems={name: each for name, each in problems if name not in ACCOUNT},
    )
