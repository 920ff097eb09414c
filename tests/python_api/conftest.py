from __future__ import annotations

from collections.abc import Iterator

import pytest

from kling_cli.python_api.client import Kling
from tests.support.sandbox_server import API_KEY, SandboxServer, run_sandbox_server


@pytest.fixture
def sandbox(request: pytest.FixtureRequest) -> Iterator[SandboxServer]:
    """Serve a sandbox; `@pytest.mark.sandbox(...)` gives its options."""
    marker = request.node.get_closest_marker("sandbox")
    with run_sandbox_server(**(marker.kwargs if marker else {})) as served:
        yield served


@pytest.fixture
def kling(sandbox: SandboxServer) -> Iterator[Kling]:
    """Give a client of an account in the sandbox."""
    with Kling(api_base=sandbox.base_url, api_key=API_KEY) as client:
        yield client
