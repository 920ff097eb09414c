"""One process at a time saves a job, and none waits for ever."""

from __future__ import annotations

from pathlib import Path

import pytest

from kling_cli.jobs.outputs.saver import LOCK_FOLDER, MAX_LOCK_WAIT_S, exclusive_save
from tests.support.clock import FakeClock

pytestmark = pytest.mark.anyio


async def test_a_lock_is_waited_for_within_bounds_and_others_are_free(
    tmp_path: Path,
) -> None:
    clock = FakeClock()

    async with (
        exclusive_save(tmp_path, "a", clock),
        exclusive_save(tmp_path, "b", clock),
    ):
        assert clock.monotonic() == 0
        async with exclusive_save(tmp_path, "a", clock):
            assert MAX_LOCK_WAIT_S <= clock.monotonic() < MAX_LOCK_WAIT_S + 1
    async with exclusive_save(tmp_path, "a", clock):
        assert clock.monotonic() < MAX_LOCK_WAIT_S + 1

    assert list((tmp_path / LOCK_FOLDER).iterdir()) == []


async def test_without_working_locks_every_process_saves(tmp_path: Path) -> None:
    (tmp_path / LOCK_FOLDER).touch()
    clock = FakeClock()

    async with (
        exclusive_save(tmp_path, "a", clock),
        exclusive_save(tmp_path, "a", clock),
    ):
        assert clock.monotonic() == 0
