"""Raw calls, sent once, and the tasks that they create."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from kling_cli.api.tasks import TaskStatus
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
from kling_cli.jobs.calls import raw
from kling_cli.jobs.calls.raw import RawCall
from kling_cli.jobs.events import JobResult, Notice
from kling_cli.jobs.job import RunOptions
from kling_cli.store.records import Stage
from tests.jobs.environment import JobEnvironment, job_environment

pytestmark = pytest.mark.anyio

TURBO = "/text-to-video/kling-3.0-turbo"
VOICES = "/v1/general/delete-voices"
BOAT = {"prompt": "a boat"}


def create(body: Any = None, path: str = TURBO) -> RawCall:
    return RawCall(method="POST", path=path, body=BOAT if body is None else body)


def ask(path: str = "/tasks", **params: str) -> RawCall:
    return RawCall(method="GET", path=path, params=params)


async def call(env: JobEnvironment, what: RawCall) -> JobResult:
    return await raw.send_call(what, settings=env.settings, clock=env.clock)


async def call_and_wait(
    env: JobEnvironment, what: RawCall, **options: Any
) -> Sequence[JobResult]:
    chosen = RunOptions(
        command="api", callback="off", tunnel="none", timeout_s=20.0, **options
    )
    return await raw.run_call(
        what, chosen, settings=env.settings, emit=env.event_log, clock=env.clock
    )


async def test_an_answer_comes_back_as_it_was_with_the_task_it_names(
    tmp_path: Path,
) -> None:
    async with job_environment(tmp_path, task_seconds=600) as env:
        result = await call(env, create())

    assert result.error is None
    assert result.answer is not None
    assert result.answer.data["id"] == result.task_id
    assert (result.status, result.product) == (TaskStatus.SUBMITTED, "text2video")
    assert result.resume == f"kling wait {result.task_id}"
    assert (result.create_requests, result.query_requests) == (1, 0)
    assert env.counts["create"] == 1


async def test_a_call_alone_leaves_no_trace_on_this_machine(tmp_path: Path) -> None:
    async with job_environment(tmp_path) as env:
        await call(env, create())

    assert not (tmp_path / "state").exists()


async def test_an_answer_about_no_task_names_none(tmp_path: Path) -> None:
    async with job_environment(tmp_path) as env:
        result = await call(env, ask("/account/costs", start_time="1", end_time="2"))

    assert result.error is None
    assert result.answer is not None
    assert "resource_pack_subscribe_infos" in result.answer.data
    assert (result.task_id, result.resume) == (None, None)
    assert (result.create_requests, result.query_requests) == (0, 1)


async def test_json_without_a_code_is_judged_by_its_http_status(
    tmp_path: Path,
) -> None:
    async with job_environment(tmp_path) as env:
        state = await call(env, ask("/_sandbox/state"))

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
    async with job_environment(tmp_path, faults) as env:
        result = await call(env, what)

    assert type(result.error) is error
    assert result.error.exit_code == exit_code
    assert result.answer is not None
    assert sum(env.counts.get(kind, 0) for kind in ("create", "query")) == 1


async def test_a_create_without_an_answer_is_not_repeated(tmp_path: Path) -> None:
    async with job_environment(
        tmp_path, "create:accept-reset", task_seconds=600
    ) as env:
        with pytest.raises(OutcomeUnknownError) as caught:
            await call(env, create())

    assert caught.value.hint is not None
    assert "kling list --remote" in caught.value.hint
    assert env.counts["create"] == 1


async def test_a_read_only_call_without_an_answer_is_unreachable(
    tmp_path: Path,
) -> None:
    search = RawCall(method="POST", path="/tasks", body={"limit": 1})
    async with job_environment(tmp_path, "query:resetx2") as env:
        for what in (search, ask()):
            with pytest.raises(UnreachableError) as caught:
                await call(env, what)
            assert type(caught.value) is UnreachableError


async def test_a_signal_during_a_create_call_reports_that_it_may_be_accepted(
    tmp_path: Path,
) -> None:
    async with job_environment(tmp_path, "create:hangx0", "query:hangx0") as env:
        env.stop_at("create", signal.SIGTERM)
        with pytest.raises(StoppedError, match="may have been made") as doubt:
            await call(env, create({**BOAT, "options": {"external_task_id": "e"}}))
        env.stop_at("query", signal.SIGTERM)
        with pytest.raises(StoppedError) as plain:
            await call(env, ask())

    assert (doubt.value.hint, doubt.value.exit_code) == ("kling wait e", 143)
    assert "may have been" not in plain.value.message


async def test_a_followed_create_is_a_job_like_every_other(tmp_path: Path) -> None:
    async with job_environment(tmp_path) as env:
        [result] = await call_and_wait(env, create())
        record = env.record(str(result.task_id))

    assert result.error is None
    assert result.answer is not None
    assert result.answer.data["status"] == "submitted"
    assert result.outputs[0].path is not None
    assert record.stage is Stage.SUCCEEDED
    assert (record.command, record.external_id) == ("api", result.external_id)


async def test_a_followed_create_without_an_answer_is_settled_not_repeated(
    tmp_path: Path,
) -> None:
    async with job_environment(tmp_path, "create:accept-503", "create:reset") as env:
        [result] = await call_and_wait(env, create())

    assert result.error is None
    assert env.counts["create"] == 1
    assert len(list(env.sandbox.state.tasks)) == 1


async def test_a_refused_create_still_has_its_answer(tmp_path: Path) -> None:
    async with job_environment(tmp_path) as env:
        [result] = await call_and_wait(env, create({"prompt": ""}))

    assert type(result.error) is RefusedError
    assert result.answer is not None
    assert result.answer.code == 1201


@pytest.mark.parametrize("is_list", [True, False], ids=["list", "one"])
async def test_the_tasks_of_any_answer_are_followed(
    is_list: bool, tmp_path: Path
) -> None:
    async with job_environment(tmp_path) as env:
        ids = [str((await call(env, create())).task_id) for _ in range(1 + is_list)]
        results = await call_and_wait(env, ask(task_ids=",".join(ids)))

    assert {result.task_id for result in results} == set(ids)
    assert all(result.outputs[0].path for result in results)
    assert all(result.answer is not None for result in results)


async def test_an_answer_that_names_no_task_is_the_end(tmp_path: Path) -> None:
    async with job_environment(tmp_path, "query:1002") as env:
        [refused] = await call_and_wait(env, ask())
        [empty] = await call_and_wait(env, ask(task_ids="1"))

    assert type(refused.error) is CredentialsError
    assert empty.error is None
    [notice] = env.event_log.of(Notice)
    assert "names no task" in notice.message
