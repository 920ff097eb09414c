"""A desk: a sandbox to ask, and whoever asks it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.sandbox.desk import Desk, open_desk

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def desk(request: pytest.FixtureRequest) -> AsyncIterator[Desk]:
    """Serve a sandbox; `@pytest.mark.sandbox(...)` gives its options."""
    marker = request.node.get_closest_marker("sandbox")
    async with open_desk(**(marker.kwargs if marker else {})) as desk:
        yield desk
