from .agents.identity import Identity as Identity, identify as identify
from .chain import (
    HOW_TO_SET_UP as HOW_TO_SET_UP,
    provider_for as provider_for,
    set_up_factories as set_up_factories,
)
from .provider import (
    Provider as Provider,
    ProviderFactory as ProviderFactory,
    ReadinessCheck as ReadinessCheck,
    Tunnel as Tunnel,
    TunnelEvent as TunnelEvent,
    TunnelState as TunnelState,
    TunnelTakenError as TunnelTakenError,
)
from .registry import (
    AUTO as AUTO,
    NONE as NONE,
    PROVIDERS as PROVIDERS,
    added_header_prefixes as added_header_prefixes,
    factories as factories,
    factory as factory,
    is_known as is_known,
    read_choice as read_choice,
    require_choice as require_choice,
)
from .shared_lock import (
    LOCAL as LOCAL,
    PUBLIC as PUBLIC,
    SharedTunnel as SharedTunnel,
    SharedTunnelLock as SharedTunnelLock,
    acquire_lock as acquire_lock,
    find_shared_tunnel as find_shared_tunnel,
)
from .supervisor import OnChange as OnChange, supervise_tunnel as supervise_tunnel
