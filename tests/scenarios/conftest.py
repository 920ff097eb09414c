"""Fixtures of every scenario: a sandbox on loopback and a `kling` that uses it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import sandbox_server
from tests.support.agent import stand_in
from tests.support.kling import Kling
from tests.support.sandbox_server import SandboxServer, run_sandbox_server
from tests.support.tunnels import TunnelStandIn, serve_tunnel

__all__ = ["stand_in"]

NGROK_TOKEN = "2ngrokTokenOfTheTests_14142135623730950488"


@pytest.fixture
def sandbox(request: pytest.FixtureRequest) -> Iterator[SandboxServer]:
    """Serve a sandbox; `@pytest.mark.sandbox(...)` gives its options."""
    marker = request.node.get_closest_marker("sandbox")
    with run_sandbox_server(**(marker.kwargs if marker else {})) as served:
        yield served


@pytest.fixture
def tunnel(
    request: pytest.FixtureRequest, tmp_path: Path, own_home: Path
) -> Iterator[TunnelStandIn]:
    """Give the provider that the test is parametrized with, or each in its turn."""
    with serve_tunnel(request.param, tmp_path, own_home) as made:
        yield made


@pytest.fixture
def kling(sandbox: SandboxServer, own_home: Path) -> Iterator[Kling]:
    """Return `kling` with an account in the sandbox; check what it leaves (C5)."""
    program = Kling(own_home, {**sandbox.env, "NGROK_AUTHTOKEN": NGROK_TOKEN})
    program.secrets.add("the API key", sandbox_server.API_KEY)
    program.secrets.add("the secret key", sandbox_server.SECRET_KEY)
    program.secrets.add("the ngrok token", NGROK_TOKEN)
    yield program
    assert program.strays() == []
    assert program.check() == []
