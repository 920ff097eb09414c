"""Callbacks that another process has stored are posted here, each once."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

from kling_cli.background import background
from kling_cli.jobs.session import Session
from kling_cli.jobs.waiting.notifications import (
    Notifications,
    StoredCallbackReader,
    follow_stored_callbacks,
)
from kling_cli.store.journal import Journal
from tests.jobs.factories import a_callback
from tests.jobs.ingress_setup import AwaitableEventLog, a_session, some_settings

pytestmark = pytest.mark.anyio

OTHER_PROCESS = """
import sys
from pathlib import Path
from kling_cli.store.journal import Journal
from tests.jobs.factories import a_callback

with Journal.open(Path(sys.argv[1])) as journal:
    journal.add_callback(a_callback("n1", task_id="from-afar"))
"""


@asynccontextmanager
async def reading(
    folder: Path, *nonces: str
) -> AsyncIterator[tuple[Session, Notifications, StoredCallbackReader]]:
    async with a_session(some_settings(folder), AwaitableEventLog()) as session:
        notifications = Notifications(clock=session.clock, nonces=set(nonces))
        yield session, notifications, StoredCallbackReader(session, notifications)


def store(session: Session, nonce: str | None, **columns: Any) -> None:
    """Keep a callback through another connection, as another process does."""
    with Journal.open(session.settings.state_dir) as theirs:
        theirs.add_callback(a_callback(nonce, **columns))


async def test_stored_callbacks_are_posted_once_and_in_order(tmp_path: Path) -> None:
    async with reading(tmp_path, "n1", "n2") as (session, notifications, reader):
        store(session, "n1", task_id="a")
        store(session, "of another")
        store(session, "n2", task_id="b")
        reader.read()
        first = notifications.take()
        reader.read()
        second = notifications.take()
        store(session, "n1", task_id="c")
        reader.read()
        third = notifications.take()

    assert [hint.task_id for hint in first] == ["a", "b"]
    assert second == []
    assert [hint.task_id for hint in third] == ["c"]
    assert (first[0].nonce, first[0].trust) == ("n1", "token")


async def test_before_there_is_a_job_nothing_is_read_and_nothing_missed(
    tmp_path: Path,
) -> None:
    async with reading(tmp_path) as (session, notifications, reader):
        store(session, "n1")
        reader.read()
        notifications.nonces.add("n1")
        reader.read()

        assert len(notifications.take()) == 1


async def test_a_callback_without_a_status_is_not_posted(tmp_path: Path) -> None:
    async with reading(tmp_path, "n1") as (session, notifications, reader):
        store(session, "n1", status=None)
        reader.read()

        assert notifications.take() == []


async def test_a_journal_that_cannot_be_read_leaves_polling(tmp_path: Path) -> None:
    async with reading(tmp_path, "n1") as (session, notifications, reader):
        session.journal.close()
        reader.read()

        assert notifications.take() == []


async def test_a_wait_gets_the_callbacks_that_other_processes_store(
    tmp_path: Path,
) -> None:
    async with (
        reading(tmp_path, "n1") as (session, notifications, _),
        background() as group,
    ):
        group.start_soon(follow_stored_callbacks, session, notifications)
        program = [sys.executable, "-c", OTHER_PROCESS, str(session.settings.state_dir)]
        environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        subprocess.run(program, env=environ, check=True, timeout=60)  # noqa: ASYNC221 -- we have time
        with anyio.fail_after(20):
            await notifications.wait(10)
        event_log = notifications.take()

    assert [hint.task_id for hint in event_log] == ["from-afar"]
