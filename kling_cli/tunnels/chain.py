"""The provider chain: opens the first of several providers that can open a tunnel."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Final

import anyio

from kling_cli.errors import TunnelError
from kling_cli.tunnels import registry
from kling_cli.tunnels.provider import (
    STARTUP_TIMEOUT_S,
    NotSetUpError,
    Provider,
    ProviderFactory,
    Tunnel,
)

if TYPE_CHECKING:
    from kling_cli.settings import Settings

HOW_TO_SET_UP: Final = (
    "`kling tunnel list` shows what there is; one that needs no account: "
    "`kling tunnel use localhost.run`"
)

# Told before each attempt: the provider's name, and why the one before it failed.
OnAttempt = Callable[[str, TunnelError | None], None]


class ProviderChain:
    """Tries providers in order within one deadline; the first tunnel is taken.

    Each one but the last is given an equal share of the time that is left.
    """

    def __init__(
        self, providers: Sequence[Provider], on_attempt: OnAttempt | None = None
    ) -> None:
        self._providers = providers
        self._on_attempt = on_attempt

    @property
    def name(self) -> str:
        """The name of the provider that is tried first."""
        return self._providers[0].name

    @asynccontextmanager
    async def open(
        self, port: int, *, timeout_s: float = STARTUP_TIMEOUT_S
    ) -> AsyncIterator[Tunnel]:
        """Open the first tunnel that can be had; see `Provider.open`.

        Raises: the error of the only provider, or one that names all of them.
        """
        async with AsyncExitStack() as stack:
            yield await self._enter_first(port, timeout_s, stack)

    async def _enter_first(
        self, port: int, timeout_s: float, stack: AsyncExitStack
    ) -> Tunnel:
        deadline = anyio.current_time() + timeout_s
        failures: list[tuple[str, TunnelError]] = []
        for number, provider in enumerate(self._providers):
            if self._on_attempt is not None:
                self._on_attempt(provider.name, failures[-1][1] if failures else None)
            left_s = max(deadline - anyio.current_time(), 0.0)
            share_s = left_s / (len(self._providers) - number)
            try:
                return await stack.enter_async_context(
                    provider.open(port, timeout_s=share_s)
                )
            except TunnelError as exc:
                failures.append((provider.name, exc))
        raise _combined(failures)


def provider_for(
    settings: Settings, tunnel: str, on_attempt: OnAttempt | None = None
) -> ProviderChain:
    """Return the provider that `tunnel`, a value of `--tunnel`, stands for.

    `auto` is every provider that is ready without asking anybody, in order.

    Raises:
        UsageError: there is no such provider.
        TunnelError: its settings make no sense; or none is ready.
    """
    choice = registry.read_choice(tunnel)
    if choice is not None:
        named = registry.factory(choice.name)
        return ProviderChain([named.create(settings, choice.address)], on_attempt)
    return ProviderChain(_ready_providers(settings), on_attempt)


def set_up_factories(
    settings: Settings,
) -> list[tuple[ProviderFactory, TunnelError | None]]:
    """Return the providers that `auto` may use and the person has begun to set up.

    With each stands why it cannot be used as it is, None when it can.
    """
    found: list[tuple[ProviderFactory, TunnelError | None]] = []
    for one in registry.factories():
        if one.is_public_service:
            continue
        try:
            one.require_ready(settings, None)
        except NotSetUpError:
            continue
        except TunnelError as exc:
            found.append((one, exc))
        else:
            found.append((one, None))
    return found


def _ready_providers(settings: Settings) -> list[Provider]:
    """Raises: `TunnelError` when there is none."""
    found = set_up_factories(settings)
    if ready := [one.create(settings, None) for one, why in found if why is None]:
        return ready
    for _, why in found:
        if why is not None:
            raise why
    raise NotSetUpError("no tunnel is set up", hint=HOW_TO_SET_UP)


def _combined(failures: Sequence[tuple[str, TunnelError]]) -> TunnelError:
    if len(failures) == 1:
        return failures[0][1]
    told = "; ".join(f"{name}: {error.message}" for name, error in failures)
    return TunnelError(f"no tunnel could be opened ({told})", hint=failures[0][1].hint)
