"""The interface of tunnel providers: describe, check, open, events, close.

One module a provider; nothing outside this package knows which one is in use.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, Protocol, Self

from kling_cli.errors import TunnelError, UsageError

if TYPE_CHECKING:
    from kling_cli.settings import Settings

# A command without a tunnel must have submitted within 8 s of its start.
STARTUP_TIMEOUT_S: Final = 7.0

_LONGEST: Final = 300

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
    def provider_name(self) -> str:
        """Who opened it: `ngrok`."""

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

    def open(
        self, port: int, *, timeout_s: float = STARTUP_TIMEOUT_S
    ) -> AbstractAsyncContextManager[Tunnel]:
        """Forward a public URL to 127.0.0.1:`port` for as long as the context lasts.

        Entering gives up after `timeout_s` and leaves nothing behind, whether it fails
        or is cancelled. Raises: `TunnelTakenError` when another agent of the same
        account is running, `TunnelError` when there is no tunnel to be had.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What a person should know of a provider before choosing it.

    `added_headers` are beginnings of names, in lower case, of the headers that it adds
    to requests; `sees` says who can read the requests.
    """

    account: str
    agent: str
    url: str
    limits: str
    sees: str
    added_headers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadinessCheck:
    """One thing that a provider needs, whether it is there, what to do if not."""

    name: str
    is_ok: bool
    message: str
    remedy: str = ""

    @classmethod
    def failed(cls, name: str, error: TunnelError | UsageError) -> Self:
        """Return the check that ended with this error."""
        return cls(
            name=name, is_ok=False, message=error.message, remedy=error.hint or ""
        )


class Person(Protocol):
    """Somebody who can be asked before a tunnel is opened."""

    def tell(self, line: str) -> None:
        """Show them a line."""

    def confirm(self, question: str) -> bool:
        """Return whether they say yes."""


class ProviderFactory(Protocol):
    """Describes a provider, checks what it needs and makes it from the settings."""

    @property
    def name(self) -> str:
        """The value of `--tunnel` that stands for it."""

    @property
    def is_public_service(self) -> bool:
        """Whether it is somebody's service for all, used only when it is chosen."""

    @property
    def description(self) -> Description:
        """What a person should know before choosing it."""

    def checks(self, settings: Settings, search_path: str) -> Iterator[ReadinessCheck]:
        """Yield what the provider needs; `search_path` is in the form of `PATH`."""

    def require_ready(self, settings: Settings, address: str | None) -> None:
        """Return when a tunnel can be opened without asking anybody. Quick.

        `address` is a URL such as `ssh://…` where one was given in place of a name.
        Raises: `NotSetUpError` when nothing of it is set up, `TunnelError` otherwise.
        """

    def prepare(self, settings: Settings, address: str | None, person: Person) -> None:
        """Ask `person` for what only a person may decide; a failure is left to `open`.

        May take as long as a download.
        """

    def create(self, settings: Settings, address: str | None) -> Provider:
        """Return the provider. Raises: `TunnelError` when its settings are nonsense."""


class TunnelTakenError(TunnelError):
    """The account's session or URL is in use by another agent, perhaps another kling.

    Another kling's tunnel may be published to be shared (`find_shared_tunnel`).
    """


class NotSetUpError(TunnelError):
    """A provider that the person has done nothing to use."""


def startup_timeout_error(name: str, timeout_s: float, last_error: str) -> TunnelError:
    """Return the error about the provider `name` that opened no tunnel in time."""
    return TunnelError(
        f"{name} did not come up within {timeout_s:g} s"
        + (f": {last_error}" if last_error else ""),
        hint=f"see whether this network lets {name} out, or use --callback off",
    )


def one_line(text: str) -> str:
    """Return what a program or server said as one printable line, not too long."""
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


class TunnelHandle:
    """A tunnel as its provider sees it: reports go in, a `Tunnel`'s events come out."""

    def __init__(self, provider_name: str) -> None:
        self.provider_name = provider_name
        self.public_url = ""
        self.state: TunnelState = "up"
        self._opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._events: asyncio.Queue[TunnelEvent | None] = asyncio.Queue()

    @property
    def is_open(self) -> bool:
        """Whether it was opened and has not died or been closed since."""
        return bool(self.public_url) and self.state != "died"

    async def wait_open(self) -> None:
        """Return once it is open. Raises: the error with which opening failed."""
        await self._opened

    async def events(self) -> AsyncIterator[TunnelEvent]:
        """Yield what changes; see `Tunnel.events`."""
        while (event := await self._events.get()) is not None:
            yield event
        self._events.put_nowait(None)  # whoever asks again is told the same

    def report_up(self, public_url: str) -> None:
        """Report that requests to `public_url` get through; the first one opens it."""
        if self.state == "died":
            return
        before, self.public_url = self.public_url, public_url
        if before and before != public_url:
            self._emit("moved", None)
        elif before and self.state == "down":
            self._emit("up", None)
        if not self._opened.done():
            self._opened.set_result(None)

    def report_failed(self, error: Exception) -> None:
        """Report that it could not be opened; ignored once it was."""
        if not self._opened.done():
            self._opened.set_exception(error)
            self._opened.exception()  # or asyncio prints it when nobody asks

    def report_down(self, reason: str | None) -> None:
        """Report that nothing gets through for now; once an outage is enough."""
        if self.state not in ("down", "died"):
            self._emit("down", reason)

    def report_died(self, reason: str | None) -> None:
        """Report that it will not come back; ends the events."""
        if self.state != "died":
            self._emit("died", reason)
            self._events.put_nowait(None)

    def close(self) -> None:
        """End the events; later reports are ignored."""
        self.state = "died"
        self._events.put_nowait(None)

    def _emit(self, state: TunnelState, detail: str | None) -> None:
        self.state = state
        self._events.put_nowait(TunnelEvent(state, self.public_url, detail))
