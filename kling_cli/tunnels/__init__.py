"""Tunnels: how callbacks from the internet reach a listener on this machine.

A provider opens a tunnel to a local port (`provider.py`), one module a provider; a
supervisor keeps it open, and a lock lets the processes of one user share it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kling_cli.tunnels.process_identity import Identity, identify
from kling_cli.tunnels.provider import (
    Provider,
    Tunnel,
    TunnelEvent,
    TunnelState,
    TunnelTakenError,
)
from kling_cli.tunnels.shared_lock import (
    LOCAL,
    PUBLIC,
    SharedTunnel,
    SharedTunnelLock,
    acquire_lock,
    find_shared_tunnel,
)
from kling_cli.tunnels.supervisor import OnChange, TunnelSupervisor, supervise_tunnel

if TYPE_CHECKING:
    from kling_cli.settings import Settings

__all__ = [
    "LOCAL",
    "PUBLIC",
    "Identity",
    "OnChange",
    "Provider",
    "SharedTunnel",
    "SharedTunnelLock",
    "Tunnel",
    "TunnelEvent",
    "TunnelState",
    "TunnelSupervisor",
    "TunnelTakenError",
    "acquire_lock",
    "find_shared_tunnel",
    "identify",
    "provider_for",
    "supervise_tunnel",
]


def provider_for(settings: Settings) -> Provider:
    """Return the provider that these settings ask for.

    Raises:
        TunnelError: its settings make no sense.
    """
    from kling_cli.tunnels.ngrok.provider import NgrokProvider

    return NgrokProvider.from_settings(settings)
