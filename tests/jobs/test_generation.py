"""A generating command's run from order to saved file, in this process."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from kling_cli.api.tasks import TaskStatus
from kling_cli.errors import (
    AccountError,
    ContentRefusedError,
    CredentialsError,
    KlingError,
    NoSlotError,
    NotSavedError,
    OutcomeUnknownError,
    RefusedError,
    StillRunningError,
    TaskFailedError,
    TunnelError,
    UnreachableError,
    UsageError,
)
from kling_cli.jobs.events import (
    CallbackPath,
    Finished,
    Notice,
    Prepared,
    Saved,
    StatusChanged,
    Submitted,
)
from kling_cli.jobs.order import Order
from kling_cli.store.records import Stage
from tests.jobs.environment import API_KEY, an_order, job_environment

pytestmark = pytest.mark.anyio


async def test_a_job_runs_from_order_to_saved_file(tmp_path: Path) -> None:
    async with job_environment(tmp_path, task_seconds=600) as env:
        env.end_when_asked()
        result = await env.generate(an_order("mine"))

    assert result.error is None
    assert result.status is TaskStatus.SUCCEEDED
    assert (result.command, result.product) == ("text2video", "text2video")
    assert result.external_id == "mine"
    assert (result.create_requests, result.completed_by) == (1, "callback")
    assert (result.query_requests, result.callbacks) == (2, 2)
    assert result.units
    assert result.request_id
    assert result.expires_at
    assert result.elapsed_s
    [output] = result.outputs
    assert output.path == tmp_path / "out" / f"kling-{result.task_id}.mp4"
    assert output.path.stat().st_size == output.total_bytes
    assert result.resume is None


async def test_events_are_emitted_in_order(tmp_path: Path) -> None:
    async with job_environment(tmp_path, task_seconds=600) as env:
        env.end_when_asked()
        result = await env.generate()

    event_log = env.event_log
    kinds = (Prepared, CallbackPath, Submitted, StatusChanged, Saved, Finished)
    firsts = dict.fromkeys(
        type(one) for one in event_log.events if isinstance(one, kinds)
    )
    assert tuple(firsts) == kinds
    assert [one.state for one in event_log.of(CallbackPath)] == ["ready", "proven"]
    assert event_log.of(StatusChanged)[-1].by == "callback"
    assert event_log.of(Finished) == [Finished(result=result)]
    assert event_log.events[-1] == Finished(result=result)


async def test_the_journal_has_it_all_at_the_end(tmp_path: Path) -> None:
    async with job_environment(tmp_path) as env:
        result = await env.generate(an_order("mine"), output="{task_id}.{ext}")
        record = env.record("mine")

    assert record.stage is Stage.SUCCEEDED
    assert record.task_id == result.task_id
    assert record.units == result.units
    assert record.paths == (str(tmp_path / "out" / f"{result.task_id}.mp4"),)
    assert (record.output, record.query_path) == ("{task_id}.{ext}", "/tasks")
    assert "a paper boat" in record.request


async def test_without_callbacks_the_result_is_polled_for(tmp_path: Path) -> None:
    async with job_environment(tmp_path) as env:
        result = await env.generate(callback="off")

    assert (result.completed_by, result.callbacks) == ("poll", 0)
    assert len(env.saved) == 1
    assert env.event_log.of(CallbackPath) == []


async def test_a_callback_before_the_create_answer_is_not_lost(tmp_path: Path) -> None:
    async with job_environment(tmp_path, "create:slow") as env:
        result = await env.generate()

    assert (result.completed_by, result.callbacks) == ("callback", 3)
    assert result.query_requests == 1


async def test_without_waiting_the_result_is_the_task_id(tmp_path: Path) -> None:
    async with job_environment(tmp_path) as env:
        result = await env.submit()

    assert result.status is TaskStatus.SUBMITTED
    assert result.error is None
    assert result.resume == f"kling wait {result.task_id}"
    assert env.counts["query"] == 0
    assert env.event_log.of(Finished) == [Finished(result=result)]


async def test_without_saving_the_links_are_the_result(tmp_path: Path) -> None:
    async with job_environment(tmp_path) as env:
        result = await env.generate(is_downloading=False)

    [output] = result.outputs
    assert (output.path, env.saved) == (None, set())
    assert (output.output.url or "").startswith(env.sandbox.base_url)


async def test_a_key_pair_uses_the_legacy_paths(tmp_path: Path) -> None:
    async with job_environment(tmp_path) as env:
        env.use_key_pair()
        result = await env.generate(an_order("mine"))
        record = env.record("mine")

    assert result.status is TaskStatus.SUCCEEDED
    assert record.query_path == "/v1/videos/text2video"
    assert len(env.saved) == 1


@pytest.mark.parametrize("fault", ["accept-reset", "accept-503", "accept-5000"])
async def test_an_accepted_job_whose_answer_was_lost_is_found(
    tmp_path: Path, fault: str
) -> None:
    async with job_environment(tmp_path, f"create:{fault}") as env:
        result = await env.generate()

    assert result.status is TaskStatus.SUCCEEDED
    assert (result.create_requests, env.counts["create"]) == (1, 1)
    assert len(list(env.sandbox.state.tasks)) == 1


@pytest.mark.parametrize(
    ("faults", "options", "kind", "stage"),
    [
        pytest.param(["create:1201"], {}, RefusedError, Stage.REFUSED, id="refused"),
        pytest.param(["create:1102"], {}, AccountError, Stage.REFUSED, id="account"),
        pytest.param(
            ["create:1303x0"], {"timeout_s": 1.0}, NoSlotError, Stage.REFUSED, id="slot"
        ),
        pytest.param(
            ["create:accept-reset", "query:500x0"], {"timeout_s": 1.0},
            OutcomeUnknownError, Stage.SENDING, id="unknown",
        ),
        pytest.param(
            ["task:stuck"], {"timeout_s": 0.5}, StillRunningError, Stage.SUBMITTED,
            id="running",
        ),
        pytest.param(
            ["task:failed"], {}, TaskFailedError, Stage.FAILED, id="failed"
        ),
        pytest.param(
            ["task:moderation"], {}, ContentRefusedError, Stage.FAILED, id="content"
        ),
        pytest.param(
            ["task:no-outputs"], {}, NotSavedError, Stage.SUCCEEDED, id="no files"
        ),
        pytest.param(
            ["query:1002x0"], {}, CredentialsError, Stage.SUBMITTED, id="credentials"
        ),
    ],
)  # fmt: skip
async def test_every_failure_has_its_error_its_stage_and_its_resume_command(
    tmp_path: Path,
    faults: list[str],
    options: dict[str, Any],
    kind: type[KlingError],
    stage: Stage,
) -> None:
    async with job_environment(tmp_path, *faults) as env:
        result = await env.generate(an_order("mine"), **options)
        record = env.record("mine")

    assert type(result.error) is kind
    assert record.stage in (stage, Stage.PROCESSING if stage.is_open else stage)
    name = result.task_id or "mine"
    assert result.resume == {
        Stage.SENDING: "kling wait mine",
        Stage.SUBMITTED: f"kling wait {name}",
        Stage.SUCCEEDED: f"kling download {name}",
    }.get(stage)
    assert env.counts["create"] == result.create_requests
    assert env.saved == set()


async def test_an_api_that_is_not_there_is_unreachable(tmp_path: Path) -> None:
    async with job_environment(tmp_path) as env:
        pass  # and now it is gone

    result = await env.generate(an_order("mine"), timeout_s=1.0, callback="off")

    assert type(result.error) is UnreachableError
    assert env.record("mine").stage is Stage.ABSENT
    assert result.resume is None


@pytest.mark.parametrize(
    ("order", "options", "kind"),
    [
        pytest.param(an_order(duration=99), {}, UsageError, id="values"),
        pytest.param(an_order(), {"output": "{nothing}"}, UsageError, id="template"),
        pytest.param(an_order(), {"max_units": 0.1}, AccountError, id="price"),
        pytest.param(
            an_order(), {"callback": "require", "tunnel": "none"}, TunnelError,
            id="no callback ingress",
        ),
    ],
)  # fmt: skip
async def test_what_fails_before_the_job_is_raised_and_nothing_is_sent(
    tmp_path: Path, order: Order, options: dict[str, Any], kind: type[KlingError]
) -> None:
    async with job_environment(tmp_path) as env:
        with pytest.raises(kind):
            await env.generate(order, **options)

        assert env.counts["create"] == 0
        assert (await env.wait()) == []


async def test_the_same_command_may_be_run_again_when_nothing_was_submitted(
    tmp_path: Path,
) -> None:
    async with job_environment(tmp_path, "create:1201") as env:
        refused = await env.generate(an_order("mine"))
        again = await env.generate(an_order("mine"))

    assert isinstance(refused.error, RefusedError)
    assert again.error is None
    assert env.record("mine").task_id == again.task_id


async def test_an_external_id_that_was_used_before_is_not_sent(tmp_path: Path) -> None:
    async with job_environment(tmp_path) as env:
        await env.submit(order=an_order("mine"))
        with pytest.raises(UsageError, match="mine has been used"):
            await env.generate(an_order("mine"))

        assert env.counts["create"] == 1


async def test_without_credentials_the_order_is_validated_first(tmp_path: Path) -> None:
    async with job_environment(tmp_path) as env:
        env.settings = replace(env.settings, api_key=None)

        with pytest.raises(UsageError):
            await env.generate(an_order(duration=99))
        with pytest.raises(CredentialsError):
            await env.generate()


async def test_the_usual_time_is_measured_on_finished_jobs(
    tmp_path: Path,
) -> None:
    async with job_environment(tmp_path) as env:
        await env.generate(is_downloading=False)
        seed_s = env.event_log.of(Prepared)[0].usual_s
        for _ in range(3):
            await env.generate(is_downloading=False)
        learnt_s = env.event_log.of(Prepared)[-1].usual_s

    assert seed_s is not None
    assert seed_s > 10
    assert learnt_s is not None
    assert learnt_s < 5


async def test_a_model_that_is_going_is_warned_of(tmp_path: Path) -> None:
    order = Order(
        product="text2video", model="kling-v1", values={"prompt": "a paper boat"}
    )

    async with job_environment(tmp_path) as env:
        await env.submit(order=order)

    assert any("kling-v1" in one.message for one in env.event_log.of(Notice))


async def test_neither_key_nor_callback_path_is_in_any_file(tmp_path: Path) -> None:
    async with job_environment(tmp_path) as env:
        await env.generate()
        urls = {one["url"] for one in env.sandbox.state.traffic.document()["callbacks"]}

    [url] = urls
    mac = urlsplit(url).path.rpartition("/")[2]
    written = all_bytes(tmp_path)
    assert len(mac) > 20
    assert b"a paper boat" in written
    for secret in (mac, API_KEY):
        assert secret.encode() not in written
        assert secret not in repr(env.event_log.events)


def all_bytes(folder: Path) -> bytes:
    return b"".join(one.read_bytes() for one in folder.rglob("*") if one.is_file())
