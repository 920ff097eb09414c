"""`Kling` and `AsyncKling` as programs use them, against the sandbox."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue

import pytest

from kling_cli import (
    AsyncKling,
    Callback,
    Kling,
    NotSavedError,
    StillRunningError,
    TaskFailedError,
    TaskStatus,
    UsageError,
    events,
    parse_callback,
)
from kling_cli.sandbox.media.audio import Sound
from kling_cli.settings import read_settings
from kling_cli.store import JobRecord, Journal
from tests.support.agent import StandIn, stand_in
from tests.support.images import png
from tests.support.sandbox_server import ACCESS_KEY, API_KEY, SECRET_KEY, SandboxServer

__all__ = ["stand_in"]

SECRET = "whsec_dGhlIHNlY3JldCBvZiB0aGUgdGVzdHM="
HANDLER = "http://127.0.0.1:9/hook?tenant=7"  # nobody is there
TWO = "https://vid.example.com/two.mp4"  # the sandbox sees two faces in it


def recorded(job_name: str | None) -> JobRecord:
    with Journal.open(read_settings(os.environ).state_dir) as journal:
        record = journal.find_job(str(job_name))
    assert record is not None
    return record


def test_a_job_is_made_waited_for_and_saved(kling: Kling, tmp_path: Path) -> None:
    seen: list[events.Event] = []
    threads: set[threading.Thread] = set()

    def note(event: events.Event) -> None:
        seen.append(event)
        threads.add(threading.current_thread())

    job = kling.text2video("A paper boat", duration=5, on_event=note)
    saved = job.save(tmp_path / "boat.mp4")

    assert (job.product, job.status) == ("text2video", TaskStatus.SUCCEEDED)
    assert (job.units, job.completed_by, job.error) == (4.0, "callback", None)
    assert (job.prompt, job.model) == ("A paper boat", "kling-3.0-turbo")
    assert (job.message, job.estimated_units) == (None, 4.0)
    assert job.created_at
    assert job.updated_at
    assert job.expires_at
    assert (job.paths, saved) == ((), (tmp_path / "boat.mp4",))
    assert [one.type for one in job.outputs] == ["video"]
    assert saved[0].read_bytes()[4:8] == b"ftyp"
    assert isinstance(seen[0], events.Prepared)
    assert isinstance(seen[-1], events.Finished)
    assert threads == {threading.current_thread()}
    assert job.save(tmp_path / "boat.mp4") == (tmp_path / "boat-1.mp4",)
    assert job.save(tmp_path / "boat.mp4", force=True) == (tmp_path / "boat.mp4",)
    assert job.refresh().status is TaskStatus.SUCCEEDED
    assert [each.task_id for each in kling.list()] == [job.task_id]
    assert "succeeded" in repr(job)
    assert str(job.outputs[0].url).startswith("http")
    assert not any("Signature=" in repr(each) for each in [*seen, job.outputs])
    assert kling.packs()[0].left_units == 996.0


def test_a_job_that_is_created_only_has_its_handler_s_url_and_goes_on(
    sandbox: SandboxServer, kling: Kling, tmp_path: Path
) -> None:
    task = kling.create_text2video("A paper boat", callback_url=HANDLER)
    assert task.task_id

    record = recorded(task.task_id)
    job = kling.wait(task, output=tmp_path / "{task_id}.{ext}")

    assert task.status is TaskStatus.SUBMITTED
    assert sandbox.tasks[0]["callback_url"] == HANDLER
    assert record.owner_pid is None
    assert job.paths == (tmp_path / f"{task.task_id}.mp4",)
    assert kling.wait_all() == kling.wait_all([]) == ()


@contextmanager
def handler(secret: str) -> Iterator[tuple[str, Queue[tuple[str, Callback]]]]:
    """Serve a handler as programs write it; yield its URL and what it has taken."""
    taken: Queue[tuple[str, Callback]] = Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            taken.put((self.path, parse_callback(body, self.headers, secret=secret)))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/hook?tenant=7", taken
        server.shutdown()
        thread.join()


@pytest.mark.sandbox(webhook_secrets=(SECRET,))
def test_a_handler_of_the_program_gets_the_callbacks_of_both_generations(
    sandbox: SandboxServer, kling: Kling
) -> None:
    ended: dict[str, Callback] = {}

    with (
        handler(SECRET) as (url, taken),
        Kling(
            api_base=sandbox.base_url, access_key=ACCESS_KEY, secret_key=SECRET_KEY
        ) as older,
    ):
        tasks = [
            kling.create_text2video("A paper boat", callback_url=url),
            older.create_text2video("A paper boat", callback_url=url),
        ]
        while len(ended) < len(tasks):
            path, callback = taken.get(timeout=30)
            assert path == "/hook?tenant=7"
            if callback.status.is_final:
                ended[callback.task_id] = callback

    assert ended.keys() == {task.task_id for task in tasks}
    for callback in ended.values():
        assert (callback.is_signed, callback.status) == (True, TaskStatus.SUCCEEDED)
        assert str(callback.outputs[0].url).startswith(sandbox.base_url)
        assert kling.status(callback).task_id == callback.task_id


def test_jobs_of_one_program_share_its_tunnel(
    sandbox: SandboxServer, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYNGROK_NGROK_PATH", str(stand_in.path))
    monkeypatch.setenv("NGROK_AUTHTOKEN", "2ngrokTokenOfTheTests_14142135623730950488")
    seen: list[events.Event] = []

    with (
        Kling(
            api_base=sandbox.base_url,
            api_key=API_KEY,
            tunnel="ngrok",
            callback="require",
        ) as kling,
        ThreadPoolExecutor(2) as pool,
    ):
        running = [
            pool.submit(kling.text2video, prompt, on_event=seen.append)
            for prompt in ("one", "two")
        ]
        jobs = [each.result() for each in running]

    assert [job.status for job in jobs] == [TaskStatus.SUCCEEDED] * 2
    ready = [each for each in seen if isinstance(each, events.CallbackPath)]
    assert {each.via for each in ready if each.state == "ready"} == {"ngrok", "shared"}
    assert stand_in.next_agent().wait_gone()
    assert stand_in.count_started() == 1


def test_errors_are_raised_with_the_ids_of_their_job(
    sandbox: SandboxServer, kling: Kling
) -> None:
    with pytest.raises(UsageError, match="--duration 99"):
        kling.text2video("A paper boat", duration=99)
    with pytest.raises(UsageError, match=r'^duration: "5" is not a whole number$'):
        kling.text2video("A paper boat", duration="5")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="did you mean duration"):
        kling.text2video("A paper boat", durration=5)  # type: ignore[call-arg]
    with pytest.raises(UsageError, match="task id is empty"):
        kling.status(" ")
    with pytest.raises(TypeError, match="3 does not name a task"):
        kling.status(3)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="--tunnel 'nowhere'"):
        kling.text2video("A paper boat", tunnel="nowhere")
    with pytest.raises(TypeError, match="no setting sandbx"):
        Kling(sandbx=True)  # type: ignore[call-arg]
    with pytest.raises(UsageError, match="api_key is empty"):
        Kling(api_key="")
    assert sandbox.tasks == []

    sandbox.faults("task:failed")
    with pytest.raises(TaskFailedError) as failed:
        kling.text2video("A paper boat", external_id="boat-1")
    assert failed.value.external_id == "boat-1"
    looked = kling.status(failed.value.task_id or "")
    assert looked.status is TaskStatus.FAILED
    assert isinstance(looked.error, TaskFailedError)
    [waited] = kling.wait_all(["boat-1"])
    assert isinstance(waited.error, TaskFailedError)


@pytest.mark.sandbox(task_seconds=600)
def test_a_wait_that_ends_leaves_the_task(sandbox: SandboxServer, kling: Kling) -> None:
    def stop(event: events.Event) -> None:
        if isinstance(event, events.Submitted):
            raise LookupError  # noqa: TRY004 -- the program's own

    with pytest.raises(LookupError) as stopped:
        kling.text2video("A paper boat", on_event=stop)
    [first] = kling.list()
    assert stopped.value.__notes__ == [
        f"task {first.task_id} goes on: kling wait {first.task_id}"
    ]

    with pytest.raises(StillRunningError) as late:
        kling.text2video("Another boat", timeout=0.5)
    assert late.value.task_id == kling.list()[0].task_id
    with pytest.raises(NotSavedError, match="nothing to save yet"):
        first.save()

    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt) as interrupted:
        kling.wait(first)
    timer.join()
    assert interrupted.value.__notes__ == stopped.value.__notes__
    assert {each["status"] for each in sandbox.tasks} <= {"submitted", "processing"}
    assert recorded(first.task_id).owner_pid is None


def test_threads_and_running_loops_may_use_one_client(kling: Kling) -> None:
    looked: list[TaskStatus] = []

    def look(event: events.Event) -> None:
        if isinstance(event, events.Submitted):
            looked.append(kling.status(event.task_id).status)

    with ThreadPoolExecutor(2) as pool:
        running = [
            pool.submit(kling.text2video, prompt, on_event=look)
            for prompt in ("one", "two")
        ]
        jobs = [each.result() for each in running]
    assert len(looked) == 2

    async def inside() -> str | None:
        return kling.tts("three").task_id

    assert {job.prompt for job in jobs} == {"one", "two"}
    assert asyncio.run(inside())


def test_products_that_take_two_calls_do(kling: Kling, tmp_path: Path) -> None:
    sound = tmp_path / "sound.wav"
    sound.write_bytes(Sound(seconds=3, label="speech", kind="wav").render())

    with pytest.raises(UsageError, match="there are 2 faces"):
        kling.lip_sync(TWO, audio=sound)
    job = kling.lip_sync(TWO, audio=sound, face="1")
    session = kling.multi_elements_select(TWO)

    assert (job.product, job.status) == ("lip-sync", TaskStatus.SUCCEEDED)
    assert job.session_id
    assert session.session_id == session.task_id
    kling.multi_elements_add(str(session.session_id), frame=0, point=(0.5, 0.5))


@pytest.mark.sandbox(task_seconds=600)
def test_a_client_that_is_closed_ends_what_it_is_at_work_on(kling: Kling) -> None:
    is_submitted = threading.Event()

    def note(event: events.Event) -> None:
        if isinstance(event, events.Submitted):
            is_submitted.set()

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(kling.text2video, "A paper boat", on_event=note)
        assert is_submitted.wait(30)
        kling.close()
        with pytest.raises(StillRunningError, match="the client was closed") as closed:
            running.result()

    [job] = kling.list()
    assert closed.value.__notes__ == [
        f"task {job.task_id} goes on: kling wait {job.task_id}"
    ]
    assert kling.status(job).task_id == job.task_id


@pytest.mark.anyio
async def test_the_asynchronous_client_does_the_same(
    sandbox: SandboxServer, tmp_path: Path
) -> None:
    async with AsyncKling(api_base=sandbox.base_url, api_key=API_KEY) as kling:
        video, image = await asyncio.gather(
            kling.text2video("A paper boat"), kling.create_image("A boat")
        )
        waited = await image.wait()
        saved = await waited.save(tmp_path)
        looked = await video.refresh()
        [pack, *_] = await kling.packs()

        def stop(event: events.Event) -> None:
            raise LookupError

        with pytest.raises(LookupError) as stopped:
            await kling.tts("Good morning", external_id="speech", on_event=stop)
        assert stopped.value.__notes__ == [
            "job speech may have been accepted: kling wait speech"
        ]

        sandbox.faults("query:hang")
        running = asyncio.create_task(kling.text2video("Another boat"))
        await asyncio.sleep(0.3)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

        assert (looked.status, len(saved)) == (TaskStatus.SUCCEEDED, 1)
        assert pack.left_units is not None
        assert len(await kling.list()) == 4
        assert (await kling.wait_all([video, "last"]))[0].task_id == video.task_id


def test_a_sandbox_lives_as_long_as_its_client() -> None:
    with Kling(sandbox=True) as kling:
        first = kling.create_text2video("A paper boat")
        second = kling.tts("Good morning")

        assert kling.status(first).task_id == first.task_id
        assert second.status is TaskStatus.SUCCEEDED
    with pytest.raises(UsageError, match=r"no task|not known"):
        Kling(sandbox=True).status("nothing")


def test_arguments_may_be_what_programs_have(kling: Kling, tmp_path: Path) -> None:
    picture = tmp_path / "hero.png"
    picture.write_bytes(png())

    named = kling.create_omni_video("@hero waves", image={"hero": picture})
    made = named.wait()
    silent = kling.create_video_to_audio(video_id=made)
    seeded = kling.create_text2video("A boat", set={"options.seed": 7})

    bodies = [json.loads(recorded(e.task_id).request) for e in (named, silent, seeded)]
    assert "<<<image_1>>> waves" in json.dumps(bodies[0]) or "hero" in str(bodies[0])
    assert bodies[1]["video_id"] == made.outputs[0].id
    assert bodies[2]["options"]["seed"] == 7
