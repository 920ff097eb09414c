from __future__ import annotations

from collections.abc import Iterator

import pytest

from kling_cli.python_api.client import Kling
from tests.support.box import API_KEY, Box, serve_box


@pytest.fixture
def box(request: pytest.FixtureRequest) -> Iterator[Box]:
    """Serve a sandbox; `@pytest.mark.sandbox(...)` gives its options."""
    marker = request.node.get_closest_marker("sandbox")
    with serve_box(**(marker.kwargs if marker else {})) as served:
        yield served


@pytest.fixture
def kling(box: Box) -> Iterator[Kling]:
    """Give a client of an account in the sandbox."""
    with Kling(api_base=box.base_url, api_key=API_KEY) as client:
        yield client
