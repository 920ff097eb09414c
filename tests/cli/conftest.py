"""`kling` in a home of its own, without an account and without a network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.kling import Kling


@pytest.fixture
def kling(own_home: Path) -> Iterator[Kling]:
    program = Kling(own_home)
    yield program
    assert program.strays() == []
    assert program.check() == []
