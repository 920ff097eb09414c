"""One at a time saves a job's files, and nobody waits for ever."""

from __future__ import annotations

from pathlib import Path

import pytest

from kling_cli.jobs.save_lock import FOLDER, MOST_S, saving
from tests.support.clock import FakeClock

pytestmark = pytest.mark.anyio


async def test_a_lock_is_waited_for_within_bounds_and_others_are_free(
    tmp_path: Path,
) -> None:
    clock = FakeClock()

    async with saving(tmp_path, "a", clock), saving(tmp_path, "b", clock):
        assert clock.monotonic() == 0
        async with saving(tmp_path, "a", clock):
            assert MOST_S <= clock.monotonic() < MOST_S + 1
    async with saving(tmp_path, "a", clock):
        assert clock.monotonic() < MOST_S + 1

    assert list((tmp_path / FOLDER).iterdir()) == []


async def test_where_no_lock_can_be_had_everybody_saves(tmp_path: Path) -> None:
    (tmp_path / FOLDER).touch()
    clock = FakeClock()

    async with saving(tmp_path, "a", clock), saving(tmp_path, "a", clock):
        assert clock.monotonic() == 0
