"""Listing of the account's tasks with the journal's facts. API reference 2.3, 2.5."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from kling_cli.api.pagination import PagedItems
from kling_cli.api.tasks import TaskStatus
from kling_cli.errors import CredentialsError, UnreachableError, UsageError
from kling_cli.jobs.account_tasks import TaskFilter, list_account_tasks, merge_newest
from kling_cli.jobs.order import Order
from kling_cli.store.records import JobRecord, Stage
from tests.jobs.environment import JobEnvironment, an_order, job_environment
from tests.jobs.factories import NOON, a_record

pytestmark = pytest.mark.anyio

CONTENT = {"title": "A mug", "images": ("https://img.example.com/mug.png",)}
IMAGE = Order(product="image", values={"prompt": "a cat"}, external_id="cat")
LEGACY = Order(
    product="text2video",
    model="kling-v1-6",
    values={"prompt": "a boat"},
    external_id="old",
)
GOODS = Order(product="goods-studio", values=CONTENT, external_id="goods")


async def remote(
    env: JobEnvironment, **wanted: Any
) -> tuple[PagedItems[JobRecord], Sequence[str]]:
    return await list_account_tasks(
        TaskFilter(**wanted),
        settings=env.settings,
        emit=env.event_log,
        clock=env.clock,
    )


async def listed(env: JobEnvironment, **wanted: Any) -> list[str]:
    found, _ = await remote(env, **wanted)
    return [record.external_id for record in found.items]


async def submit_all(env: JobEnvironment) -> None:
    """Make four tasks, a minute apart so that their order is theirs."""
    for order in (LEGACY, IMAGE, an_order("new"), GOODS):
        await env.submit(order=order)
    book = env.sandbox.state.tasks
    for age, task in enumerate(reversed([*book])):
        at = task.times.created_at - 60.0 * age
        book.put(replace(task, times=replace(task.times, created_at=at)))


async def test_an_api_key_lists_everything_newest_first(tmp_path: Path) -> None:
    async with job_environment(tmp_path) as env:
        await submit_all(env)

        assert await listed(env) == ["goods", "new", "cat", "old"]
        assert await listed(env, limit=2) == ["goods", "new"]


async def test_a_key_pair_lists_the_families_and_knows_what_tasks_are(
    tmp_path: Path,
) -> None:
    async with job_environment(tmp_path) as env:
        await submit_all(env)
        env.use_key_pair()
        env.forget()
        found, notes = await remote(env)

    assert [(each.external_id, each.product) for each in found.items] == [
        ("cat", "image"),
        ("old", "text2video"),
    ]
    assert (found.has_more, list(notes)) == (False, [])


async def test_listed_tasks_have_the_journal_s_facts_and_the_api_s_status(
    tmp_path: Path,
) -> None:
    async with job_environment(tmp_path, task_seconds=0.0) as env:
        await env.submit(order=an_order("new"))
        env.change("new", paths=("boat.mp4",), stage=Stage.SUBMITTED)
        found, _ = await remote(env)

    (record,) = found.items
    assert (record.product, record.model) == ("text2video", "kling-3.0-turbo")
    assert record.paths == ("boat.mp4",)
    assert (record.stage, record.units) == (Stage.SUCCEEDED, 4.0)
    assert env.record("new").stage is Stage.SUBMITTED  # a list writes nothing down


async def test_a_task_of_another_machine_has_no_product(tmp_path: Path) -> None:
    async with job_environment(tmp_path) as env:
        await env.submit(order=an_order("new"))
        env.forget()
        found, _ = await remote(env)

    (record,) = found.items
    assert (record.external_id, record.product, record.route) == ("new", "", "")


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        ({"product": "text2video"}, ["new", "old"]),
        ({"product": "image"}, ["cat"]),
        ({"kind": "video"}, ["new", "old"]),
        ({"kind": "image"}, ["cat"]),
        ({"kind": "video", "product": "image"}, []),
        ({"product": "goods-studio"}, ["goods"]),
        ({"product": "custom-voice"}, []),
        ({"status": TaskStatus.SUBMITTED}, ["goods", "new", "cat", "old"]),
        ({"status": TaskStatus.FAILED}, []),
        ({"status": TaskStatus.UNKNOWN}, []),
        ({"kind": "video", "limit": 1}, ["new"]),
    ],
)
async def test_filters_with_an_api_key(
    tmp_path: Path, wanted: dict[str, Any], names: list[str]
) -> None:
    async with job_environment(tmp_path, task_seconds=600.0) as env:
        await submit_all(env)

        assert await listed(env, **wanted) == names


@pytest.mark.parametrize(
    ("wanted", "names", "queries"),
    [
        ({"product": "text2video"}, ["old"], 1),
        ({"product": "custom-voice"}, [], 1),
        ({"kind": "try_on"}, [], 1),
        ({"product": "image", "status": TaskStatus.SUBMITTED}, ["cat"], 6),
        ({"product": "image", "status": TaskStatus.FAILED}, [], 6),
    ],
)
async def test_filters_with_a_key_pair_query_the_endpoints_that_match(
    tmp_path: Path, wanted: dict[str, Any], names: list[str], queries: int
) -> None:
    async with job_environment(tmp_path, task_seconds=600.0) as env:
        await submit_all(env)
        env.use_key_pair()
        before = env.counts.get("query", 0)

        assert await listed(env, **wanted) == names
        assert env.counts["query"] - before <= queries


@pytest.mark.parametrize("is_pair", [False, True], ids=["API key", "key pair"])
async def test_only_what_is_young_enough(tmp_path: Path, *, is_pair: bool) -> None:
    async with job_environment(tmp_path) as env:
        await submit_all(env)
        since = env.clock.now() - timedelta(seconds=150)
        if is_pair:
            env.use_key_pair()
        found = await listed(env, since=since)

    assert found == (["cat"] if is_pair else ["goods", "new", "cat"])


async def test_tasks_without_a_known_product_are_counted(tmp_path: Path) -> None:
    async with job_environment(tmp_path) as env:
        await env.submit(order=an_order("new"))
        env.forget()
        found, notes = await remote(env, product="text2video")

    assert found.items == ()
    (note,) = notes
    assert note.startswith("1 of other machines")
    assert "--kind" in note


async def test_cursors_are_followed(tmp_path: Path) -> None:
    async with job_environment(tmp_path) as env:
        for number in range(3):
            await env.submit(order=an_order(f"n{number}"))
        env.forget()
        found, _ = await remote(env, limit=2)

    assert len(found.items) == 2
    assert found.has_more


async def test_an_unknown_product_is_refused(tmp_path: Path) -> None:
    async with job_environment(tmp_path) as env:
        with pytest.raises(UsageError, match="no product nonsense"):
            await remote(env, product="nonsense")


async def test_solutions_need_an_api_key(tmp_path: Path) -> None:
    async with job_environment(tmp_path) as env:
        env.use_key_pair()
        with pytest.raises(CredentialsError, match="API key only"):
            await remote(env, product="goods-studio")


@pytest.mark.parametrize("is_pair", [False, True], ids=["API key", "key pair"])
async def test_an_endpoint_that_refuses_does_not_stop_the_others(
    tmp_path: Path, *, is_pair: bool
) -> None:
    async with job_environment(tmp_path) as env:
        await submit_all(env)
        if is_pair:
            env.use_key_pair()
        env.fail("query:1103x1")
        found, notes = await remote(env)

    assert found.items
    (note,) = notes
    assert "could not be listed" in note


@pytest.mark.parametrize(
    ("fault", "error"),
    [("query:1103x0", CredentialsError), ("query:502htmlx0", UnreachableError)],
)
async def test_without_any_answer_that_is_the_error(
    tmp_path: Path, fault: str, error: type[Exception]
) -> None:
    async with job_environment(tmp_path, fault) as env:
        with pytest.raises(error):
            await remote(env)


def test_parts_are_merged_newest_first_and_each_task_once() -> None:
    ages = {"a": 3, "b": 1, "c": 2}
    a, b, c = (
        a_record(name, task_id=name, written_at=NOON - timedelta(hours=hours))
        for name, hours in ages.items()
    )

    found = merge_newest(
        [PagedItems(items=(a, b)), PagedItems(items=(c, b), has_more=True)], 2
    )

    assert [each.external_id for each in found.items] == ["b", "c"]
    assert found.has_more
