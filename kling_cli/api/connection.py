"""A client for the time of one command that needs nothing but the API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kling_cli.api.client import KlingClient
from kling_cli.api.credentials import from_settings
from kling_cli.api.http import new_http
from kling_cli.clock import Clock
from kling_cli.settings.settings import Settings


@asynccontextmanager
async def connected(settings: Settings, clock: Clock) -> AsyncIterator[KlingClient]:
    """Give a client that talks with these settings' account, closed in the end.

    Raises:
        CredentialsError: there are none.
    """
    credentials = from_settings(settings)
    async with new_http(settings.api_base) as http:
        yield KlingClient(http, credentials, clock)
