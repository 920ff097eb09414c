"""`last` and `last~N` in place of an id."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from kling_cli.errors import UsageError
from kling_cli.jobs.history import last_offset, newest_task, resolve_task_name
from kling_cli.settings.settings import Settings, read_settings
from kling_cli.store.journal import Journal
from kling_cli.store.records import Stage
from tests.jobs.environment import an_order, job_environment
from tests.jobs.factories import NOON, a_record

HOST = "https://kling.example.com"
SENT = Stage.SUBMITTED


@pytest.mark.parametrize(
    ("name", "steps"),
    [
        *[("last", 0), ("last~0", 0), ("last~1", 1), ("last~12", 12), (" last ", 0)],
        *[("LAST", None), ("last~", None), ("last~-1", None), ("last~x", None)],
        *[("lasting", None), ("988755600534027551", None), ("", None)],
    ],
)
def test_last_is_distinguished_from_an_id(name: str, steps: int | None) -> None:
    assert last_offset(name) == steps


def settings(tmp_path: Path, **environ: str) -> Settings:
    where = {"KLING_STATE_DIR": str(tmp_path), "KLING_API_BASE": HOST}
    return read_settings({**where, **environ})


def lived(tmp_path: Path) -> Settings:
    """Return settings of a journal whose tasks are, the newest first, c, b and a."""
    rows: list[tuple[str, dict[str, Any]]] = [
        ("a", {"stage": SENT, "task_id": "t-a"}),
        ("elsewhere", {"stage": SENT, "api_base": "http://127.0.0.1:1"}),
        ("b", {"stage": Stage.FAILED, "task_id": "t-b"}),
        ("refused", {"stage": Stage.REFUSED}),
        ("c", {"stage": Stage.SENDING}),
        ("never arrived", {"stage": Stage.ABSENT}),
        ("faces", {"stage": Stage.SUCCEEDED, "product": "identify-face"}),
    ]
    with Journal.open(tmp_path) as journal:
        for minute, (name, columns) in enumerate(rows):
            at = NOON + timedelta(minutes=minute)
            known = {"api_base": HOST, "written_at": at, **columns}
            journal.add_job(a_record(name, **known))
    return settings(tmp_path)


@pytest.mark.parametrize(
    ("name", "task"), [("last", "c"), ("last~1", "t-b"), ("last~2", "t-a")]
)
def test_only_what_may_have_become_a_task_of_this_account_counts(
    tmp_path: Path, name: str, task: str
) -> None:
    assert resolve_task_name(name, lived(tmp_path)) == task


def test_of_a_sandbox_of_one_command_every_address_counts(tmp_path: Path) -> None:
    ours = lived(tmp_path)

    with Journal.open(tmp_path) as journal:
        found = newest_task(journal, "last~2", replace(ours, is_sandbox=True))

    assert found.external_id == "elsewhere"


def test_an_id_is_resolved_without_the_journal(tmp_path: Path) -> None:
    assert (
        resolve_task_name("t-z", settings(tmp_path / "none", KLING_API_BASE="?"))
        == "t-z"
    )


def test_an_offset_beyond_the_tasks_reports_their_number(tmp_path: Path) -> None:
    ours = lived(tmp_path)

    with pytest.raises(UsageError, match=r"last~3: this machine knows only 3") as e:
        resolve_task_name("last~3", ours)
    with pytest.raises(UsageError, match="last: no task has been made"):
        resolve_task_name("last", settings(tmp_path / "none"))

    with pytest.raises(
        UsageError, match="last~9: this machine knows only"
    ) as sandboxed:
        resolve_task_name("last~9", replace(ours, is_sandbox=True))

    assert sandboxed.value.hint == "kling list --sandbox"
    assert e.value.hint == "kling list"
    assert not (tmp_path / "none").exists()


@pytest.mark.anyio
async def test_last_names_the_newest_tasks(tmp_path: Path) -> None:
    async with job_environment(tmp_path) as env:
        [nothing] = await env.query("last")
        one = await env.generate(order=an_order("one"))
        two = await env.submit(order=an_order("two"))
        looked = await env.query("last", two.task_id or "", "last~1", "last~2")
        [finished] = await env.wait("last")
        [fetched] = await env.download("last~1")

    assert "this machine knows no task of" in str(nothing.error)
    ids = [found.external_id for found in looked]
    assert ids[:2] == ["two", "one"]
    assert "last~2: this machine knows only 2" in str(looked[2].error)
    assert finished.task_id == two.task_id
    assert (fetched.task_id, fetched.outputs[0].path is None) == (one.task_id, False)


@pytest.mark.anyio
async def test_no_task_can_be_called_so(tmp_path: Path) -> None:
    async with job_environment(tmp_path) as env:
        with pytest.raises(UsageError, match="--external-id last~1") as caught:
            await env.submit(order=an_order("last~1"))

    assert caught.value.hint == "--external-id my-last-1"
