"""Two-step jobs and single steps, in this process."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kling_cli.api.tasks import Output, TaskStatus
from kling_cli.errors import (
    AccountError,
    OutcomeUnknownError,
    RefusedError,
    TaskFailedError,
    TunnelError,
    UnreachableError,
    UsageError,
)
from kling_cli.jobs.calls.session_step import StepResult, StepRun
from kling_cli.jobs.calls.two_step import ChooseInput, TwoStepJob, time_span
from kling_cli.jobs.events import JobResult, Prepared, Remark
from kling_cli.jobs.job import RunOptions
from kling_cli.jobs.order import Order
from kling_cli.sandbox.media.audio import Sound
from kling_cli.store.records import Stage
from tests.jobs.environment import JobEnvironment, job_environment
from tests.support.clock import FakeClock

pytestmark = pytest.mark.anyio

TALK, TWO, NONE = (
    f"https://vid.example.com/{name}.mp4" for name in ("talk", "two", "noface")
)
SOUND = "https://snd.example.com/a.mp3"


def steps(
    env: JobEnvironment, ask: ChooseInput | None = None, **options: Any
) -> TwoStepJob:
    chosen = {"command": "lip-sync", "timeout_s": 20.0, **options}
    return TwoStepJob(
        options=RunOptions(**chosen),
        settings=env.settings,
        emit=env.event_log,
        clock=env.clock,
        ask=ask,
    )


async def speak(
    env: JobEnvironment,
    video: str | None = TALK,
    ask: ChooseInput | None = None,
    options: dict[str, Any] | None = None,
    **values: Any,
) -> JobResult:
    said = {"sound_file": SOUND, "end": 4.0, **values}
    order = lip_sync({"video": video} if video else {}, said)
    return await steps(env, ask, **(options or {})).run(order)


def lip_sync(step: dict[str, Any], values: dict[str, Any]) -> Order:
    first = Order(product="identify-face", values=step)
    return Order(product="lip-sync", values=values, before=first)


def remarks(env: JobEnvironment) -> list[str]:
    return [event.message for event in env.event_log.of(Remark)]


async def test_both_calls_are_made_and_the_session_is_reported(tmp_path: Path) -> None:
    async with job_environment(tmp_path) as env:
        result = await speak(env)

    assert result.error is None
    assert (result.product, result.status) == ("lip-sync", TaskStatus.SUCCEEDED)
    assert result.session_id
    assert remarks(env) == [
        "looking for faces, about 0.05 units",
        f"1 face found (0.05 units), session {result.session_id}",
    ]
    assert [event.product for event in env.event_log.of(Prepared)] == ["lip-sync"]
    found = env.record(result.session_id)
    assert (found.product, found.units) == ("identify-face", 0.05)
    sent = json.loads(env.record(result.external_id or "").request)
    assert sent["session_id"] == result.session_id
    assert sent["face_choose"] == [
        {
            "face_id": "0",
            "sound_file": SOUND,
            "sound_start_time": 0,
            "sound_end_time": 4000,
            "sound_insert_time": 0,
        }
    ]


async def test_the_end_of_a_sound_made_here_is_known(tmp_path: Path) -> None:
    async with job_environment(tmp_path) as env:
        words = {"prompt": "one two three four five six seven eight"}
        speech = await env.generate(Order(product="tts", values=words))
        values = {"sound_file": None, "end": None, "audio_id": speech.task_id}
        given = {name: value for name, value in values.items() if value}
        order = lip_sync({"video": TALK}, given)
        result = await steps(env).run(order)

    (face,) = json.loads(env.record(result.task_id or "").request)["face_choose"]
    seconds = speech.outputs[0].output.duration_s
    assert seconds
    assert face["sound_end_time"] == int(seconds * 1000)
    assert face["audio_id"] == speech.outputs[0].output.id


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "--audio-id: the sound lasts 1.61 s; 2 s are needed"),
        ({"start": 0.6}, "--audio-id: the sound lasts 1.61 s (1.01 s from --from 0.6)"),
        ({"start": 0.5, "end": 1.5}, "--to, --from: the cut is shorter than 2 s"),
    ],
    ids=["nothing said of it", "its beginning", "its beginning and its end"],
)
async def test_a_sound_too_short_is_named_as_it_was_typed(
    values: dict[str, float], message: str, tmp_path: Path
) -> None:
    async with job_environment(tmp_path) as env:
        words = {"prompt": "Good morning, everyone"}
        speech = await env.generate(Order(product="tts", values=words))
        order = lip_sync({"video": TALK}, {"audio_id": speech.task_id, **values})
        with pytest.raises(UsageError) as caught:
            await steps(env).run(order)

    assert caught.value.message.startswith(message)


async def test_of_several_faces_the_person_chooses(tmp_path: Path) -> None:
    shown: list[tuple[Output, ...]] = []

    def ask(found: tuple[Output, ...]) -> str:
        shown.append(found)
        return "1"

    async with job_environment(tmp_path) as env:
        result = await speak(env, TWO, ask)

    assert result.error is None
    assert [[one.id for one in found] for found in shown] == [["0", "1"]]
    assert [time_span(one) for one in shown[0]] == ["0 to 5.041 s"] * 2
    (face,) = json.loads(env.record(result.task_id or "").request)["face_choose"]
    assert face["face_id"] == "1"


@pytest.mark.parametrize("is_known", [True, False], ids=["ours", "another machine's"])
async def test_a_session_is_not_opened_twice(is_known: bool, tmp_path: Path) -> None:
    async with job_environment(tmp_path) as env:
        first = await speak(env, TWO)
        if not is_known:
            env.forget()
        result = await speak(env, None, session=first.session_id, face="1")

    assert isinstance(first.error, UsageError)
    assert f"--session {first.session_id} --face 0" in (first.error.hint or "")
    assert [one.output.type for one in first.outputs] == ["face", "face"]
    assert (first.units, result.error) == (0.05, None)
    assert env.counts["create"] == 2


async def test_without_a_face_there_is_no_job(tmp_path: Path) -> None:
    async with job_environment(tmp_path) as env:
        result = await speak(env, NONE)

    assert isinstance(result.error, TaskFailedError)
    assert (result.product, result.status) == ("lip-sync", TaskStatus.FAILED)
    assert remarks(env)[1].startswith("no faces found (0.05 units)")
    assert env.counts["create"] == 1


async def test_a_lost_answer_is_not_queried_again(tmp_path: Path) -> None:
    async with job_environment(tmp_path, "create:accept-503") as env:
        result = await speak(env)

    assert isinstance(result.error, OutcomeUnknownError)
    assert (result.product, result.resume) == ("lip-sync", None)
    assert env.counts["create"] == 1


async def test_a_price_that_follows_an_unknown_length_counts_as_the_most(
    tmp_path: Path,
) -> None:
    async with job_environment(tmp_path) as env:
        with pytest.raises(AccountError, match=r"may come to 6\.05 units"):
            await speak(env, options={"max_units": 6.0})
        assert env.counts["create"] == 0
        result = await speak(env, options={"max_units": 6.05})

    assert result.error is None


async def test_the_price_for_a_video_made_here_is_known_also_by_its_session(
    tmp_path: Path,
) -> None:
    async with job_environment(tmp_path) as env:
        made = await env.generate(
            Order(product="text2video", values={"prompt": "a man", "duration": 12})
        )
        with pytest.raises(AccountError, match=r"estimated at 1\.55 units"):
            await speak(env, made.task_id, options={"max_units": 1.5})
        found = await steps(env).find(
            Order(product="identify-face", values={"video": made.task_id})
        )
        of = found.session_id
        with pytest.raises(AccountError, match=r"estimated at 1\.5 units"):
            await speak(env, None, options={"max_units": 1.4}, session=of)
        result = await speak(env, None, options={"max_units": 1.5}, session=of)

    assert (result.error, result.units) == (None, 1.5)


async def test_callbacks_that_are_required_are_so_before_faces_are_paid_for(
    tmp_path: Path,
) -> None:
    async with job_environment(tmp_path) as env:
        with pytest.raises(TunnelError):
            await speak(env, options={"callback": "require", "tunnel": "none"})

    assert env.counts["create"] == 0


async def test_no_hint_leads_into_a_sandbox_that_has_ended(tmp_path: Path) -> None:
    async with job_environment(tmp_path) as env:
        env.settings = replace(env.settings, is_sandbox=True)
        result = await speak(env, TWO)

    assert result.error is not None
    assert result.error.hint is None


def test_what_is_seen_to_an_unknown_end_is_seen_from_its_start() -> None:
    assert time_span(Output(type="face", facts={"start_s": 1.5})) == "from 1.5 s"


@pytest.mark.parametrize(
    ("length_s", "words"), [(9.0, "after the video"), (5.0, None)], ids=["9 s", "5 s"]
)
async def test_a_sound_longer_than_a_known_video_costs_nothing(
    length_s: float, words: str | None, tmp_path: Path
) -> None:
    speech = tmp_path / "speech.mp3"
    speech.write_bytes(Sound(seconds=length_s, label="a", kind="mp3").render())
    async with job_environment(tmp_path) as env:
        made = await env.generate()
        order = lip_sync({"video": made.task_id}, {"sound_file": str(speech)})
        before = env.counts["create"]
        if words is None:
            assert (await steps(env).run(order)).error is None
        else:
            with pytest.raises(UsageError, match=words):
                await steps(env).run(order)
            assert env.counts["create"] == before


# ---- Steps on their own.


async def take(env: JobEnvironment, name: str, **values: Any) -> StepResult:
    step = StepRun(
        options=RunOptions(command="multi-elements", is_downloading=False),
        settings=env.settings,
        emit=env.event_log,
        clock=env.clock,
    )
    return await step.run(Order(product=name, values=values))


async def test_a_step_that_opens_a_session_is_remembered(tmp_path: Path) -> None:
    async with job_environment(tmp_path) as env:
        opened = await take(env, "init-selection", video=TALK)
        point = {"frame": 0, "points": ({"x": 0.5, "y": 0.5},)}
        marked = await take(env, "add-selection", session=opened.task.id, **point)

    record = env.record(opened.task.id)
    assert (record.product, record.stage) == ("init-selection", Stage.SUCCEEDED)
    assert record.outputs[0].duration_s == 5.041
    assert marked.task.id == opened.task.id
    assert marked.expires_at == opened.expires_at
    assert opened.expires_at is not None
    assert (opened.expires_at - record.written_at).total_seconds() == 24 * 3600


async def test_a_step_that_recognises_nothing_has_failed(tmp_path: Path) -> None:
    async with job_environment(tmp_path) as env:
        opened = await take(env, "init-selection", video=TALK)
        with pytest.raises(TaskFailedError, match="nothing was recognised") as caught:
            await take(env, "preview-selection", session=opened.task.id)

    assert f"multi-elements add {opened.task.id}" in (caught.value.hint or "")
    assert caught.value.request_id


async def test_a_refused_step_has_the_hint_that_sessions_end(tmp_path: Path) -> None:
    async with job_environment(tmp_path) as env:
        opened = await take(env, "init-selection", video=TALK)
        env.sandbox.state.clock.advance(24 * 3600)
        with pytest.raises(RefusedError, match="expired") as caught:
            await take(env, "clear-selection", session=opened.task.id)

    assert "kling multi-elements select VIDEO" in (caught.value.hint or "")


async def test_a_step_without_an_answer_is_given_up_in_time(tmp_path: Path) -> None:
    async with job_environment(tmp_path, "create:hangx0") as env:
        env.clock = FakeClock()
        with pytest.raises(UnreachableError, match="no answer within 60 s") as caught:
            await take(env, "clear-selection", session="885")

    assert caught.value.hint == "run the command again; it costs nothing"
