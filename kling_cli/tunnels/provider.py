"""The interface of tunnel providers: open, URL, events, close.

One adapter a provider; nothing outside this package knows which one is in use.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Literal, Protocol

from kling_cli.errors import TunnelError

TunnelState = Literal["up", "down", "moved", "died"]


@dataclass(frozen=True, slots=True)
class TunnelEvent:
    """A change in how the listener can be reached.

    `down`: nothing gets through, the agent is trying again. `up`: it does again, at
    the same URL. `moved`: it does again, at another URL; tasks that were given the old
    one will not be heard of. `died`: the agent has gone and stays gone; always last.
    `public_url` is the URL that holds after the event.
    """

    state: TunnelState
    public_url: str
    detail: str | None = None


class Tunnel(Protocol):
    """An open tunnel from a public URL to a port of this machine."""

    @property
    def public_url(self) -> str:
        """The URL that holds now, without a slash at its end."""

    def events(self) -> AsyncIterator[TunnelEvent]:
        """Yield what changes, from now on; end after `died` and when it is closed.

        For one reader: an event is given to whoever asks first.
        """


class Provider(Protocol):
    """A service, or a program, that makes tunnels."""

    @property
    def name(self) -> str:
        """How a person calls it: `ngrok`."""

    def open(self, port: int) -> AbstractAsyncContextManager[Tunnel]:
        """Forward a public URL to 127.0.0.1:`port` for as long as the context lasts.

        Entering gives up within the provider's deadline and leaves nothing behind,
        whether it fails or is cancelled. Raises: `TunnelTakenError` when another agent
        of the same account is running, `TunnelError` when there is no tunnel to be had.
        """


class TunnelTakenError(TunnelError):
    """The account's session or URL is in use by another agent, perhaps another kling.

    Another kling's tunnel may be published to be shared (`find_shared_tunnel`).
    """
