"""A client: a sandbox to ask, and whoever asks it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.sandbox.client import SandboxClient, open_client

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def client(request: pytest.FixtureRequest) -> AsyncIterator[SandboxClient]:
    """Serve a sandbox; `@pytest.mark.sandbox(...)` gives its options."""
    marker = request.node.get_closest_marker("sandbox")
    async with open_client(**(marker.kwargs if marker else {})) as client:
        yield client
