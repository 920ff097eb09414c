"""What the messages of the agent's log mean for the tunnel."""

from __future__ import annotations

import pytest

from kling_cli.tunnels.ngrok.thread import session_change


@pytest.mark.parametrize(
    "message",
    [
        "session closed, starting reconnect loop",
        "heartbeat timeout, terminating session",
        "failed to reconnect session",
    ],
)
def test_a_lost_session_means_down(message: str) -> None:
    assert session_change(message) == "down"


def test_a_new_session_means_back() -> None:
    assert session_change("client session established") == "back"


@pytest.mark.parametrize("message", [None, "", "join connections", "started tunnel"])
def test_anything_else_means_nothing(message: str | None) -> None:
    assert session_change(message) is None
