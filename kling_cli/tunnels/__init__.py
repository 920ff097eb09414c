"""Tunnels: how callbacks from the internet reach a listener on this machine.

A provider opens a tunnel to a local port (`provider.py`), one module a provider; a
supervisor keeps it open, and a lock lets the processes of one user share it.
"""

from __future__ import annotations

from kling_cli.tunnels.agents.identity import Identity, identify
from kling_cli.tunnels.chain import (
    HOW_TO_SET_UP,
    OnAttempt,
    ProviderChain,
    provider_for,
    set_up_factories,
)
from kling_cli.tunnels.provider import (
    STARTUP_TIMEOUT_S,
    Description,
    NotSetUpError,
    Person,
    Provider,
    ProviderFactory,
    ReadinessCheck,
    Tunnel,
    TunnelEvent,
    TunnelState,
    TunnelTakenError,
)
from kling_cli.tunnels.registry import (
    AUTO,
    NONE,
    PROVIDERS,
    Choice,
    added_header_prefixes,
    factories,
    factory,
    is_known,
    read_choice,
    require_choice,
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

__all__ = [
    "AUTO",
    "HOW_TO_SET_UP",
    "LOCAL",
    "NONE",
    "PROVIDERS",
    "PUBLIC",
    "STARTUP_TIMEOUT_S",
    "Choice",
    "Description",
    "Identity",
    "NotSetUpError",
    "OnAttempt",
    "OnChange",
    "Person",
    "Provider",
    "ProviderChain",
    "ProviderFactory",
    "ReadinessCheck",
    "SharedTunnel",
    "SharedTunnelLock",
    "Tunnel",
    "TunnelEvent",
    "TunnelState",
    "TunnelSupervisor",
    "TunnelTakenError",
    "acquire_lock",
    "added_header_prefixes",
    "factories",
    "factory",
    "find_shared_tunnel",
    "identify",
    "is_known",
    "provider_for",
    "read_choice",
    "require_choice",
    "set_up_factories",
    "supervise_tunnel",
]
