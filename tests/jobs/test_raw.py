"""Raw calls, sent once; and the tasks they make, seen through."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from kling_cli.api.task import TaskStatus
from kling_cli.errors import (
    AccountError,
    CredentialsError,
    KlingError,
    NoSlotError,
    OutcomeUnknownError,
    RateLimitError,
    RefusedError,
    StoppedError,
    UnreachableError,
)
from kling_cli.jobs import raw
from kling_cli.jobs.entry import Stage
from kling_cli.jobs.events import JobResult, Notice
from kling_cli.jobs.options import RunOptions
from kling_cli.jobs.raw_request import RawCall
from tests.jobs.world import World, a_world

pytestmark = pytest.mark.anyio

TURBO = "/text-to-video/kling-3.0-turbo"
VOICES = "/v1/general/delete-voices"
BOAT = {"prompt": "a boat"}


def create(body: Any = None, path: str = TURBO) -> RawCall:
    return RawCall(method="POST", path=path, body=BOAT if body is None else body)


def ask(path: str = "/tasks", **params: str) -> RawCall:
    return RawCall(method="GET", path=path, params=params)


async def call(world: World, what: RawCall) -> JobResult:
    return await raw.call(what, settings=world.settings, clock=world.clock)


async def call_and_wait(
    world: World, what: RawCall, **options: Any
) -> Sequence[JobResult]:
    chosen = RunOptions(
        command="api", callback="off", tunnel="none", timeout_s=20.0, **options
    )
    return await raw.call_and_wait(
        what, chosen, settings=world.settings, tell=world.told, clock=world.clock
    )


async def test_an_answer_comes_back_as_it_was_with_the_task_it_names(
    tmp_path: Path,
) -> None:
    async with a_world(tmp_path, task_seconds=600) as world:
        result = await call(world, create())

    assert result.error is None
    assert result.answer is not None
    assert result.answer.data["id"] == result.task_id
    assert (result.status, result.product) == (TaskStatus.SUBMITTED, "text2video")
    assert result.resume == f"kling wait {result.task_id}"
    assert (result.create_requests, result.query_requests) == (1, 0)
    assert world.counts["create"] == 1


async def test_a_call_alone_leaves_no_trace_on_this_machine(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        await call(world, create())

    assert not (tmp_path / "state").exists()


async def test_an_answer_about_no_task_names_none(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        result = await call(world, ask("/account/costs", start_time="1", end_time="2"))

    assert result.error is None
    assert result.answer is not None
    assert "resource_pack_subscribe_infos" in result.answer.data
    assert (result.task_id, result.resume) == (None, None)
    assert (result.create_requests, result.query_requests) == (0, 1)


async def test_json_without_a_code_is_judged_by_its_http_status(
    tmp_path: Path,
) -> None:
    async with a_world(tmp_path) as world:
        state = await call(world, ask("/_sandbox/state"))

    assert state.error is None
    assert state.answer is not None
    assert state.answer.is_json


@pytest.mark.parametrize(
    ("faults", "what", "error", "exit_code"),
    [
        pytest.param("query:1002", ask(), CredentialsError, 3, id="key"),
        pytest.param("query:500", ask(), UnreachableError, 6, id="500"),
        pytest.param("query:502html", ask(), UnreachableError, 6, id="html"),
        pytest.param("query:1302", ask(), RateLimitError, 6, id="rate"),
        pytest.param("create:1101", create(), AccountError, 4, id="arrears"),
        pytest.param("create:1303", create(), NoSlotError, 7, id="no slot"),
        pytest.param("create:1302", create(), NoSlotError, 7, id="create too often"),
        pytest.param("create:503", create(), OutcomeUnknownError, 11, id="503"),
        pytest.param("create:502html", create(), OutcomeUnknownError, 11, id="502"),
    ],
)
async def test_the_codes_of_the_api_are_the_errors_they_are_elsewhere(
    faults: str, what: RawCall, error: type[KlingError], exit_code: int, tmp_path: Path
) -> None:
    async with a_world(tmp_path, faults) as world:
        result = await call(world, what)

    assert type(result.error) is error
    assert result.error.exit_code == exit_code
    assert result.answer is not None
    assert sum(world.counts.get(kind, 0) for kind in ("create", "query")) == 1


async def test_a_create_without_an_answer_is_not_repeated(tmp_path: Path) -> None:
    async with a_world(tmp_path, "create:accept-reset", task_seconds=600) as world:
        with pytest.raises(OutcomeUnknownError) as caught:
            await call(world, create())

    assert caught.value.hint is not None
    assert "kling list --remote" in caught.value.hint
    assert world.counts["create"] == 1


async def test_a_question_without_an_answer_leaves_nothing_in_doubt(
    tmp_path: Path,
) -> None:
    search = RawCall(method="POST", path="/tasks", body={"limit": 1})
    async with a_world(tmp_path, "query:resetx2") as world:
        for what in (search, ask()):
            with pytest.raises(UnreachableError) as caught:
                await call(world, what)
            assert type(caught.value) is UnreachableError


async def test_a_signal_in_the_middle_of_a_create_says_what_may_be(
    tmp_path: Path,
) -> None:
    async with a_world(tmp_path, "create:hangx0", "query:hangx0") as world:
        world.stop_at("create", signal.SIGTERM)
        with pytest.raises(StoppedError, match="may have been made") as doubt:
            await call(world, create({**BOAT, "options": {"external_task_id": "e"}}))
        world.stop_at("query", signal.SIGTERM)
        with pytest.raises(StoppedError) as plain:
            await call(world, ask())

    assert (doubt.value.hint, doubt.value.exit_code) == ("kling wait e", 143)
    assert "may have been" not in plain.value.message


async def test_a_followed_create_is_a_job_like_every_other(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        [result] = await call_and_wait(world, create())
        entry = world.entry(str(result.task_id))

    assert result.error is None
    assert result.answer is not None
    assert result.answer.data["status"] == "submitted"
    assert result.outputs[0].path is not None
    assert entry.stage is Stage.SUCCEEDED
    assert (entry.command, entry.external_id) == ("api", result.external_id)


async def test_a_followed_create_without_an_answer_is_settled_not_repeated(
    tmp_path: Path,
) -> None:
    async with a_world(tmp_path, "create:accept-503", "create:reset") as world:
        [result] = await call_and_wait(world, create())

    assert result.error is None
    assert world.counts["create"] == 1
    assert len(list(world.box.state.tasks)) == 1


async def test_a_refused_create_still_has_its_answer(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        [result] = await call_and_wait(world, create({"prompt": ""}))

    assert type(result.error) is RefusedError
    assert result.answer is not None
    assert result.answer.code == 1201


@pytest.mark.parametrize("is_list", [True, False], ids=["list", "one"])
async def test_the_tasks_of_any_answer_are_followed(
    is_list: bool, tmp_path: Path
) -> None:
    async with a_world(tmp_path) as world:
        ids = [str((await call(world, create())).task_id) for _ in range(1 + is_list)]
        results = await call_and_wait(world, ask(task_ids=",".join(ids)))

    assert {result.task_id for result in results} == set(ids)
    assert all(result.outputs[0].path for result in results)
    assert all(result.answer is not None for result in results)


async def test_an_answer_that_names_no_task_is_the_end(tmp_path: Path) -> None:
    async with a_world(tmp_path, "query:1002") as world:
        [refused] = await call_and_wait(world, ask())
        [empty] = await call_and_wait(world, ask(task_ids="1"))

    assert type(refused.error) is CredentialsError
    assert empty.error is None
    [notice] = world.told.of(Notice)
    assert "names no task" in notice.message
