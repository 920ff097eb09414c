"""`last` in place of a task's id, wherever an option takes one."""

from __future__ import annotations

from pathlib import Path

import pytest

from kling_cli.cli.commands import events, listen
from kling_cli.cli.commands.trigger import MockOptions, parse_mock_runs
from kling_cli.store.journal import Journal
from kling_cli.store.records import Stage
from tests.jobs.factories import a_callback, a_record
from tests.support.in_process import run_in_process
from tests.support.recorder import recorder

BASE = "http://127.0.0.1:1"


@pytest.fixture(autouse=True)
def state_dir(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a journal whose newest task is t1, with callbacks of t1 and t2."""
    monkeypatch.setenv("KLING_STATE_DIR", str(own_home / "state"))
    monkeypatch.setenv("KLING_API_BASE", BASE)
    with Journal.open(own_home / "state") as journal:
        journal.add_job(
            a_record("e1", api_base=BASE, task_id="t1", stage=Stage.SUCCEEDED)
        )
    with Journal.open(own_home / "state") as callbacks:
        callbacks.add_callbacks([a_callback(task_id=one) for one in ("t1", "t2")])
    return own_home / "state"


def test_callbacks_are_chosen_by_it() -> None:
    callback_filter = events.parse_callback_filter(
        events.CallbackFilterOptions(task_id="last")
    )
    awaited = listen.parse_event_filter(listen.EventOptions(task_ids=["last", "t9"]))

    assert callback_filter.task_id == "t1"
    assert awaited.task_ids == {"t1", "t9"}


def test_mocks_speak_of_it() -> None:
    series = parse_mock_runs("succeeded", MockOptions(task_id="last", to="1"))

    [[mock]] = series.runs[0].batches
    assert b'"t1"' in mock.raw


def test_its_callbacks_are_replayed() -> None:
    with recorder() as app:
        result = run_in_process(
            ["replay", "--task", "last", "--to", f"{app.url}/callback"]
        )

    assert result.exit_code == 0
    assert [post.headers["kling-replay"] for post in app.seen] == ["1"]
