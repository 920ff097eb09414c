"""What a line of the agent's log says about the tunnel.

The agent's own list of endpoints shows the old URL all through an outage; its log is
the only place that tells. Source: ngrok agent 3.39, log lines of an outage.
"""

from __future__ import annotations

from typing import Literal

_DOWN = (
    "session closed, starting reconnect loop",
    "heartbeat timeout, terminating session",
    "failed to reconnect session",
)
_BACK = "client session established"


def heard(message: str | None) -> Literal["down", "back"] | None:
    """Return what the log message `message` means for the tunnel, if anything.

    `back` means that the agent has its session again, not yet at which URL.
    """
    if message is None:
        return None
    if message.startswith(_BACK):
        return "back"
    return "down" if message.startswith(_DOWN) else None
