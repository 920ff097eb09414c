"""A desk: a sandbox to ask, and whoever asks it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.sandbox.desk import Desk, open_desk


@pytest.fixture
async def desk(request: pytest.FixtureRequest) -> AsyncIterator[Desk]:
    """Serve a sandbox; `@pytest.mark.sandbox(...)` gives its options."""
    marker = request.node.get_closest_marker("sandbox")
    async with open_desk(**(marker.kwargs if marker else {})) as desk:
        yield desk
