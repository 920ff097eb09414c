"""What tests of the tunnel share: the stand-in agent, and urllib as it was."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator

import pytest

from tests.support.agent import stand_in

__all__ = ["stand_in"]


@pytest.fixture(autouse=True)
def urllib_as_it_was() -> Iterator[None]:
    """Have urllib make its opener anew, from the environment of the next test."""
    yield
    urllib.request.install_opener(None)  # as at first
