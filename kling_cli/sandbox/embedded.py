"""A sandbox that a program starts for itself, and that ends with it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from kling_cli.sandbox.options import SandboxOptions
from kling_cli.sandbox.server import serve_sandbox
from kling_cli.secret import Secret
from kling_cli.settings import ACCOUNT_SETTINGS, Settings

TASK_S = 3.0  # how long a task takes there


@asynccontextmanager
async def embedded_sandbox(settings: Settings) -> AsyncIterator[Settings]:
    """Serve a sandbox; yield the settings that lead to it, whatever account there is.

    Callbacks are signed with the webhook secrets of the settings.
    """
    options = SandboxOptions(
        task_seconds=TASK_S,
        has_seed_data=True,
        webhook_secrets=tuple(each.reveal() for each in settings.webhook_secrets),
    )
    problems = settings.problems.items()
    async with serve_sandbox(options) as sandbox:
        yield replace(
            settings,
            api_base=sandbox.base_url,
            api_key=Secret(sandbox.api_key),
            access_key=None,
            secret_key=None,
            credentials_problem=None,
            problems={
                name: each for name, each in problems if name not in ACCOUNT_SETTINGS
            },
        )
