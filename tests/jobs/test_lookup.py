"""Lookup of jobs by id: in the journal, in the account, and unknown ones."""

from __future__ import annotations

import signal
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from kling_cli.api.tasks import TaskStatus
from kling_cli.errors import (
    CredentialsError,
    NotSavedError,
    OutcomeUnknownError,
    StoppedError,
    TaskFailedError,
    UnreachableError,
    UsageError,
)
from kling_cli.jobs.lookup import UnknownTaskError
from kling_cli.jobs.order import Order
from kling_cli.sandbox.state.traffic_log import Exchange
from kling_cli.store.journal import Journal
from kling_cli.store.records import OutputKey, PartialFileRecord, Stage
from tests.jobs.environment import JobEnvironment, an_order, job_environment

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["API key", "key pair"])
def is_pair(request: pytest.FixtureRequest) -> bool:
    return bool(request.param == "key pair")


def task_ids(env: JobEnvironment) -> list[str]:
    return [task.id for task in env.sandbox.state.tasks]


async def test_a_task_is_found_by_either_of_its_ids(
    tmp_path: Path, *, is_pair: bool
) -> None:
    async with job_environment(tmp_path) as env:
        if is_pair:
            env.use_key_pair()
        made = await env.submit(order=an_order("mine"))
        by_task_id = await env.query(made.task_id or "")
        by_external_id = await env.query("mine")

    for [found] in (by_task_id, by_external_id):
        assert (found.task_id, found.external_id) == (made.task_id, "mine")
        assert (found.product, found.command) == ("text2video", "status")
        assert found.error is None


@pytest.mark.parametrize("which", ["task id", "external id"])
async def test_a_task_of_another_machine_is_found_by_either_of_its_ids(
    tmp_path: Path, which: str, *, is_pair: bool
) -> None:
    async with job_environment(tmp_path) as env:
        if is_pair:
            env.use_key_pair()
        made = await env.submit(order=an_order("mine"))
        env.forget()
        [found] = await env.query(
            "mine" if which == "external id" else made.task_id or ""
        )

    assert (found.task_id, found.external_id) == (made.task_id, "mine")
    assert found.error is None
    assert found.resume == f"kling wait {made.task_id}"
    assert found.product == ("text2video" if is_pair else None)
    assert found.query_requests == env.counts["query"] >= 1


@pytest.mark.parametrize("name", ["task id", "mine"])
async def test_the_likeliest_query_comes_first(
    tmp_path: Path, name: str, *, is_pair: bool
) -> None:
    """Digits are an id of the API's; a key pair asks for text2video before all."""
    async with job_environment(tmp_path) as env:
        order = replace(an_order("mine"), model="kling-v1-6")
        made = await env.submit(order=order)
        env.forget()
        if is_pair:
            env.use_key_pair()
            env.forget()
        [found] = await env.query(made.task_id or "" if name == "task id" else name)

    assert found.task_id == made.task_id
    assert found.query_requests == 1


async def test_a_solution_of_another_machine_is_found(tmp_path: Path) -> None:
    serve_file = {"title": "A mug", "images": ("https://img.example.com/mug.png",)}
    async with job_environment(tmp_path) as env:
        made = await env.submit(order=Order(product="goods-studio", values=serve_file))
        env.forget()
        [found] = await env.query(made.task_id or "")

    assert (found.task_id, found.error) == (made.task_id, None)
    assert found.query_requests == 2


async def test_a_voice_of_another_machine_is_found_with_a_key_pair(
    tmp_path: Path,
) -> None:
    said = {"voice_name": "Ann", "voice_url": "https://snd.example.com/ann.mp3"}
    async with job_environment(tmp_path) as env:
        made = await env.submit(order=Order(product="custom-voice", values=said))
        env.use_key_pair()
        env.forget()
        [found] = await env.query(made.task_id or "")

    assert (found.task_id, found.product) == (made.task_id, "custom-voice")


async def test_an_endpoint_that_refuses_does_not_end_the_search(tmp_path: Path) -> None:
    async with job_environment(tmp_path) as env:
        made = await env.submit(
            order=Order(product="image", values={"prompt": "a cat"})
        )
        env.use_key_pair()
        env.forget()
        env.fail("query:1103x1", "query:1201x1")
        [found] = await env.query(made.task_id or "")

    assert (found.task_id, found.product) == (made.task_id, "image")


async def test_tasks_of_other_machines_without_external_ids_are_distinct(
    tmp_path: Path,
) -> None:
    async with job_environment(tmp_path, task_seconds=0.6) as env:
        for _ in range(2):
            await env.submit()
        made = task_ids(env)
        _take_external_ids_away(env)
        env.forget()
        results = await env.wait(*made)

    assert [one.task_id for one in results] == made
    assert [one.external_id for one in results] == [None, None]
    assert [one.error for one in results] == [None, None]
    assert env.saved == {f"kling-{one}.mp4" for one in made}


def _take_external_ids_away(env: JobEnvironment) -> None:
    for task in list(env.sandbox.state.tasks):
        env.sandbox.state.tasks.put(replace(task, external_id=None))


async def test_jobs_come_in_the_order_of_their_ids_and_each_once(
    tmp_path: Path,
) -> None:
    async with job_environment(tmp_path) as env:
        remote = await env.submit(order=an_order("far"))
        env.forget()
        known = await env.submit(order=an_order("near"))
        ids = [remote.task_id or "", "near", known.task_id or "", "far", "near"]
        results = await env.query(*ids)

    assert [one.external_id for one in results] == ["far", "near"]


@pytest.mark.parametrize("name", ["unheard-of", "880000000000000000", "b c"])
async def test_an_unknown_id_has_a_hint_where_to_look(
    tmp_path: Path, name: str, *, is_pair: bool
) -> None:
    async with job_environment(tmp_path) as env:
        if is_pair:
            env.use_key_pair()
        [result] = await env.query(name)

    assert isinstance(result.error, UnknownTaskError)
    assert name in result.error.message
    assert "kling list" in (result.error.hint or "")
    assert (result.resume, result.external_id) == (None, None)


async def test_an_id_that_cannot_be_queried_does_not_affect_the_others(
    tmp_path: Path,
) -> None:
    async with job_environment(tmp_path) as env:
        made = await env.submit()
        results = await env.query("a,b", made.task_id or "", "unheard-of")

    assert [type(one.error) for one in results] == [
        UsageError,
        type(None),
        UnknownTaskError,
    ]


async def test_a_query_of_mixed_tasks_returns_each_status(tmp_path: Path) -> None:
    faults = ["task:failed", "task:no-outputs", "task:stuck"]
    async with job_environment(tmp_path, *faults) as env:
        failed = await env.generate(callback="auto")
        empty = await env.generate(is_downloading=False)
        stuck = await env.submit()
        ids = [one.task_id or "" for one in (failed, empty, stuck)]
        asked = env.counts["query"]
        results = await env.query(*ids)

        assert env.counts["query"] == asked + 1  # all in one question
    assert [one.status for one in results[:2]] == [
        TaskStatus.FAILED,
        TaskStatus.SUCCEEDED,
    ]
    assert not results[2].status.is_final
    assert isinstance(results[0].error, TaskFailedError)
    assert [one.error for one in results[1:]] == [None, None]


@pytest.mark.parametrize(
    ("fault", "kind"),
    [("query:502htmlx0", UnreachableError), ("query:1002x0", CredentialsError)],
)
async def test_a_query_without_an_answer_returns_the_error_and_the_last_status(
    tmp_path: Path, fault: str, kind: type[Exception]
) -> None:
    async with job_environment(tmp_path, fault) as env:
        made = await env.submit(order=an_order("mine"))
        known, unknown = await env.query("mine", "unheard-of")

    assert isinstance(known.error, kind)
    assert known.task_id == made.task_id
    assert known.resume == f"kling wait {made.task_id}"
    assert isinstance(unknown.error, kind)
    assert unknown.resume is None


async def test_answers_to_a_query_are_in_the_journal(tmp_path: Path) -> None:
    async with job_environment(tmp_path) as env:
        await env.generate(an_order("mine"), is_downloading=False)
        env.leave("copy")
        before = env.record("copy").stage
        [gone] = await env.query("copy")

    assert before is Stage.SENDING
    assert isinstance(gone.error, OutcomeUnknownError)
    assert gone.error.hint == gone.resume == "kling wait copy"
    assert env.record("mine").stage is Stage.SUCCEEDED
    assert env.record("mine").outputs


async def test_files_of_a_finished_task_are_fetched_again(tmp_path: Path) -> None:
    async with job_environment(tmp_path) as env:
        made = await env.generate(is_downloading=False)
        [first] = await env.download(made.task_id or "")
        [second] = await env.download(made.task_id or "", output="again.mp4")

    assert (first.error, second.error) == (None, None)
    assert env.saved == {f"kling-{made.task_id}.mp4", "again.mp4"}
    assert env.record(made.task_id or "").paths == (
        str(tmp_path / "out" / "again.mp4"),
    )


async def test_files_are_fetched_over_old_ones_only_by_force(tmp_path: Path) -> None:
    async with job_environment(tmp_path) as env:
        made = await env.generate(output="v.mp4")
        await env.download(made.task_id or "", output="v.mp4")
        beside = env.saved
        await env.download(made.task_id or "", output="v.mp4", is_forced=True)

    assert beside == env.saved == {"v.mp4", "v-1.mp4"}


async def test_a_task_that_is_not_finished_cannot_be_downloaded(tmp_path: Path) -> None:
    async with job_environment(tmp_path, "task:failed", "task:stuck") as env:
        failed = await env.generate()
        stuck = await env.submit()
        ids = [failed.task_id or "", stuck.task_id or "", "unheard-of"]
        results = await env.download(*ids)

    assert [type(one.error) for one in results] == [
        TaskFailedError,
        NotSavedError,
        UnknownTaskError,
    ]
    error = results[1].error
    assert error is not None
    assert error.hint == f"kling wait {stuck.task_id}"


async def test_what_was_interrupted_in_the_middle_is_saved_without_what_is_there(
    tmp_path: Path,
) -> None:
    order = Order(product="image", values={"prompt": "a cat", "n": 3})
    async with job_environment(tmp_path) as env:
        came = 0

        def stop(exchange: Exchange) -> None:
            nonlocal came
            came += exchange.kind == "download"
            if came == 2:
                signal.raise_signal(signal.SIGINT)

        env.on_request = stop
        stopped = await env.generate(order)
        env.on_request = lambda _: None
        before = env.saved
        [again] = await env.download(str(stopped.task_id))

        assert isinstance(stopped.error, StoppedError)
        assert "its result is ready" in stopped.error.message
        assert stopped.error.hint == f"kling download {stopped.task_id}"
        assert 0 < len(before) < 3
        paths = [one.path.name for one in stopped.outputs if one.path is not None]
        assert set(paths) == before
        assert again.error is None
        assert env.saved == {f"kling-{again.task_id}-{n}.png" for n in (1, 2, 3)}
        assert env.record(str(again.task_id)).paths == tuple(
            str(tmp_path / "out" / f"kling-{again.task_id}-{n}.png") for n in (1, 2, 3)
        )


async def test_partial_files_go_when_the_results_they_are_of_are_deleted(
    tmp_path: Path,
) -> None:
    async with job_environment(tmp_path) as env:
        old, new = tmp_path / ".old.1.part", tmp_path / ".new.2.part"
        now = env.clock.now()
        with Journal.open(env.settings.state_dir) as journal:
            for path, days in ((old, 31), (new, 29)):
                path.write_bytes(b"half")
                place = OutputKey(
                    api_base="x", task_id="t", file_index=1, is_watermark=False
                )
                journal.add_partial_file(
                    place,
                    PartialFileRecord(path=path, total_bytes=9),
                    written_at=now - timedelta(days=days),
                )

        made = await env.generate()

        assert made.error is None
        assert (old.exists(), new.exists()) == (False, True)
        with Journal.open(env.settings.state_dir) as journal:
            assert journal.partial_files_before(now) == [new]
