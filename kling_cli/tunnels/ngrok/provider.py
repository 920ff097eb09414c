"""The ngrok provider: pyngrok in a thread of its own, seen from the event loop."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

import anyio

from kling_cli.errors import TunnelError, UsageError
from kling_cli.tunnels.ngrok import agent, config
from kling_cli.tunnels.ngrok.thread import NgrokThread, TunnelRequest
from kling_cli.tunnels.provider import (
    STARTUP_TIMEOUT_S,
    Description,
    NotSetUpError,
    Person,
    ReadinessCheck,
    Tunnel,
    TunnelHandle,
    startup_timeout_error,
)

if TYPE_CHECKING:
    from kling_cli.secret import Secret
    from kling_cli.settings import Settings

_STOP_S = 2.5  # for an orderly end; then the agent is killed
_JOIN_S = 2.0  # for the thread, once its agent is gone
_HOW_TO_AUTHORISE = (
    "copy it from https://dashboard.ngrok.com/get-started/your-authtoken, then "
    "`ngrok config add-authtoken TOKEN` or NGROK_AUTHTOKEN"
)


class NgrokProvider:
    """Opens tunnels with the ngrok agent of this machine.

    `authtoken` None means the one in the person's own `ngrok.yml`. An agent left by a
    killed run is ended first: its session may be the only one the account has.
    """

    name = "ngrok"

    def __init__(
        self,
        state_dir: Path,
        *,
        ngrok_path: str | None = None,
        authtoken: Secret | None = None,
    ) -> None:
        self._state_dir = state_dir
        self._ngrok_path = ngrok_path
        self._authtoken = authtoken

    @asynccontextmanager
    async def open(
        self, port: int, *, timeout_s: float = STARTUP_TIMEOUT_S
    ) -> AsyncIterator[Tunnel]:
        """Forward a public URL to 127.0.0.1:`port` for as long as the context lasts.

        Gives up within `timeout_s`. Leaving takes a moment, and no more than five
        seconds with an agent that does not answer.

        Raises: `TunnelTakenError`, `TunnelError`.
        """
        request = TunnelRequest(
            port=port,
            state_dir=self._state_dir,
            ngrok_path=self._ngrok_path,
            authtoken=self._authtoken,
            timeout_s=timeout_s,
        )
        handle = TunnelHandle("ngrok")
        thread = NgrokThread(request, handle)
        try:
            thread.start()
            with anyio.move_on_after(timeout_s) as startup:
                await handle.wait_open()
            if startup.cancelled_caught:
                raise startup_timeout_error("ngrok", timeout_s, thread.last_error)
            yield handle
        finally:
            await _close(handle, thread)


class NgrokFactory:
    """Describes ngrok, checks agent and token, and makes the provider."""

    name: Final = "ngrok"
    is_public_service: Final = False
    description: Final = Description(
        account="free",
        agent="ngrok 3.30 or newer",
        url="stable",
        limits="20,000 requests a month, 3 agents (free plan)",
        sees="ngrok",
        added_headers=("ngrok-",),
    )

    def checks(self, settings: Settings, search_path: str) -> Iterator[ReadinessCheck]:
        yield _check_agent(settings.ngrok_path, search_path)
        first = shutil.which("ngrok", path=search_path)
        if first is not None and agent.is_shim(Path(first)):
            yield ReadinessCheck(
                name="ngrok command",
                is_ok=True,
                message=f"{first} is pyngrok's script; kling passes it over",
            )
        yield _check_token(settings)

    def require_ready(self, settings: Settings, _address: str | None) -> None:
        settings_token = settings.ngrok_authtoken
        is_meant = settings_token is not None or "ngrok_authtoken" in settings.problems
        if not is_meant and config.read_user_config().authtoken is None:
            raise NotSetUpError("there is no ngrok token", hint=_HOW_TO_AUTHORISE)
        _require_token(settings)
        agent.find_agent(settings.ngrok_path)

    def prepare(self, settings: Settings, _address: str | None, person: Person) -> None:
        """Ask whether to download the agent, if there is none."""
        try:
            agent.find_agent(settings.ngrok_path)
        except TunnelError as exc:
            if settings.ngrok_path is not None:
                return  # a wrong path is said by whoever opens the tunnel
            person.tell(exc.message)
            if person.confirm("Download it from ngrok.com now (about 10 MB)?"):
                with suppress(TunnelError):
                    agent.install_agent(person.tell)

    def create(self, settings: Settings, _address: str | None) -> NgrokProvider:
        _require_token(settings)
        return NgrokProvider(
            settings.state_dir,
            ngrok_path=settings.ngrok_path,
            authtoken=settings.ngrok_authtoken,
        )


FACTORY: Final = NgrokFactory()


def _require_token(settings: Settings) -> None:
    """Raises: `TunnelError` when the token of the settings is nonsense."""
    try:
        settings.require("ngrok_authtoken")
    except UsageError as exc:
        raise TunnelError(exc.message, hint=exc.hint) from exc


def _check_agent(ngrok_path: str | None, search_path: str) -> ReadinessCheck:
    try:
        found = agent.find_agent(ngrok_path, search_path)
        version = agent.require_version(found)
    except TunnelError as exc:
        return ReadinessCheck.failed("ngrok agent", exc)
    return ReadinessCheck(
        name="ngrok agent", is_ok=True, message=f"{found}, version {version}"
    )


def _check_token(settings: Settings) -> ReadinessCheck:
    """Say whether there is an authtoken and from where; never which."""
    if "ngrok_authtoken" in settings.problems:
        return ReadinessCheck.failed(
            "ngrok token", settings.problems["ngrok_authtoken"]
        )
    origin = None
    if settings.ngrok_authtoken is not None:
        origin = settings.origins["ngrok_authtoken"]
    elif config.read_user_config().authtoken:
        origin = "ngrok.yml"
    if origin is None:
        return ReadinessCheck(
            name="ngrok token",
            is_ok=False,
            message="there is none",
            remedy=_HOW_TO_AUTHORISE,
        )
    return ReadinessCheck(name="ngrok token", is_ok=True, message=f"from {origin}")


async def _close(handle: TunnelHandle, thread: NgrokThread) -> None:
    """End the tunnel in order if it was open, in any case for certain."""
    is_orderly = handle.is_open
    handle.state = "died"
    with anyio.CancelScope(shield=True):
        if is_orderly:
            thread.stop()
            with anyio.move_on_after(_STOP_S):
                await thread.ended.wait()
        thread.kill()
        with anyio.move_on_after(_JOIN_S):
            await thread.ended.wait()
    handle.close()
