"""`kling` in a home of its own, without an account and without a network."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.kling import Kling


@pytest.fixture
def collected() -> Iterator[None]:
    """Collect the event loop of a run within its own test.

    Whoever uses it ignores `unclosed`: a process that ends closes everything.
    """
    yield
    gc.collect()


@pytest.fixture
def kling(own_home: Path) -> Iterator[Kling]:
    program = Kling(own_home)
    yield program
    assert program.strays() == []
    assert program.check() == []
