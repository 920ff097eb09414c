"""Fixtures of every test: its own home, the loopback guard, the check for leftovers."""

from __future__ import annotations

import gc
import itertools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support import home, leaks
from tests.support.startup import loopback_only

if TYPE_CHECKING:
    from tests.support.examples import Surroundings

loopback_only.install()

_HOMES = itertools.count()  # pytest's own numbering looks at every folder there is


def pytest_collection_finish() -> None:
    home.withhold_measuring()
    gc.collect()
    gc.freeze()  # what is imported stays: no later collection need look at it


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def own_home(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """Make a home for the test, and remove the settings of whoever runs it."""
    folder = tmp_path_factory.mktemp(f"home-{next(_HOMES)}", numbered=False)
    for name in home.foreign(os.environ):
        monkeypatch.delenv(name)
    for name, value in home.folders(folder).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PYTHONPATH", str(home.STARTUP))
    monkeypatch.setenv(loopback_only.LOG_VARIABLE, str(folder / "off-loopback.log"))
    return folder


@pytest.fixture(autouse=True)
def loopback_guard(own_home: Path) -> Iterator[None]:
    """Fail the test when it, or a program it started, connected off loopback."""
    loopback_only.breaches.clear()
    yield
    log = own_home / "off-loopback.log"
    logged = log.read_text("utf-8").splitlines() if log.exists() else []
    breaches = logged or list(loopback_only.breaches)
    assert not breaches


@pytest.fixture(autouse=True)
def nothing_left_behind() -> Iterator[None]:
    """Fail the test when a process or thread that it started still runs."""
    before = leaks.Running.now()
    yield
    found = leaks.left_behind(before)
    assert not found, found


@pytest.fixture(scope="session")
def surroundings(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Surroundings]:
    """Yield the surroundings of examples, made once a session."""
    from tests.support import examples  # loads every command

    with examples.surroundings(tmp_path_factory.mktemp("surroundings")) as made:
        yield made
