"""What every scenario has: a sandbox on loopback and a `kling` that talks to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import box as boxes
from tests.support.agent import stand_in
from tests.support.box import Box, serve_box
from tests.support.kling import Kling
from tests.support.tunnels import TunnelStandIn, serve_tunnel

__all__ = ["stand_in"]

NGROK_TOKEN = "2ngrokTokenOfTheTests_14142135623730950488"


@pytest.fixture
def box(request: pytest.FixtureRequest) -> Iterator[Box]:
    """Serve a sandbox; `@pytest.mark.sandbox(...)` gives its options."""
    marker = request.node.get_closest_marker("sandbox")
    with serve_box(**(marker.kwargs if marker else {})) as served:
        yield served


@pytest.fixture
def tunnel(
    request: pytest.FixtureRequest, tmp_path: Path, own_home: Path
) -> Iterator[TunnelStandIn]:
    """Give the provider that the test is parametrized with, or each in its turn."""
    with serve_tunnel(request.param, tmp_path, own_home) as made:
        yield made


@pytest.fixture
def kling(box: Box, own_home: Path) -> Iterator[Kling]:
    """Give `kling` with an account in the sandbox; look over all it leaves (C5)."""
    program = Kling(own_home, {**box.env, "NGROK_AUTHTOKEN": NGROK_TOKEN})
    program.secrets.add("the API key", boxes.API_KEY)
    program.secrets.add("the secret key", boxes.SECRET_KEY)
    program.secrets.add("the ngrok token", NGROK_TOKEN)
    yield program
    assert program.strays() == []
    assert program.check() == []
