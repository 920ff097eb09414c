"""The clients `AsyncKling` and `Kling`: the same methods, with `await` and without."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from concurrent.futures import CancelledError, Future
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType
from typing import Any, Final, Self, TypeVar, Unpack

import anyio
from anyio.from_thread import BlockingPortal

from kling_cli.api import Pack
from kling_cli.errors import StillRunningError
from kling_cli.jobs.events import JobResult
from kling_cli.jobs.order import Order
from kling_cli.python_api.job import AsyncJob, Job, OnEvent, paths_of
from kling_cli.python_api.products import Products
from kling_cli.python_api.runner import (
    ClientSettings,
    FilePath,
    JobRunner,
    StartedJobs,
    TaskReference,
)

T = TypeVar("T")

_END: Final = object()


class AsyncKling(Products[Coroutine[Any, Any, AsyncJob]]):
    """A client of the Kling API for asyncio programs.

    Settings that are not given are those of the command line: environment, config file,
    stored login. With `sandbox=True`, a simulator runs in this process until the client
    is closed. Use it as an async context manager, or call `aclose`.

    There is a method for each product, which waits until the task has ended as the
    command of that name does, and one that begins with `create_`, which returns once
    the API has the task. A failure is a `KlingError`. A task that was submitted goes
    on, whatever ends the wait for it.

    Raises:
        UsageError: a setting is nonsense.
    """

    def __init__(self, **settings: Unpack[ClientSettings]) -> None:
        self._runner = JobRunner(settings)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """End what the client has started: its sandbox, and the tasks in that."""
        await self._runner.aclose()

    async def wait(
        self,
        task: TaskReference,
        *,
        timeout: float | str | None = None,
        output: FilePath | None = None,
        force: bool = False,
        on_event: OnEvent | None = None,
    ) -> AsyncJob:
        """Return a job when its task has succeeded; save its outputs to `output`.

        Raises:
            TaskFailedError, ContentRefusedError: it has failed.
            StillRunningError: the time is over; the task goes on.
            KlingError: it is not known, or the API cannot be asked.
        """
        given = {"timeout": timeout, "output": output, "force": force}
        return AsyncJob(await self._runner.wait(task, given, on_event), self)

    async def wait_all(
        self,
        tasks: Iterable[TaskReference] | None = None,
        *,
        timeout: float | str | None = None,
        on_event: OnEvent | None = None,
    ) -> tuple[AsyncJob, ...]:
        """Return jobs when all have ended: by default this machine's unfinished ones.

        What went wrong is in the `error` of each.

        Raises:
            KlingError: nothing could be begun.
        """
        results = await self._runner.wait_all(tasks, {"timeout": timeout}, on_event)
        return tuple(AsyncJob(each, self) for each in results)

    async def status(self, task: TaskReference) -> AsyncJob:
        """Ask once how a task stands; that it has failed is no error.

        Raises:
            KlingError: it is not known, or the API cannot be asked.
        """
        return AsyncJob(await self._runner.status(task), self)

    async def download(
        self,
        task: TaskReference,
        output: FilePath | None = None,
        *,
        force: bool = False,
        on_event: OnEvent | None = None,
    ) -> tuple[Path, ...]:
        """Save the outputs of a task that has succeeded, and return their paths.

        `output` is a file, a folder or a template such as `{task_id}-{index}.{ext}`; a
        free name is chosen, unless `force` overwrites what exists.

        Raises:
            NotSavedError: there is nothing to save yet, or a file cannot be written.
            KlingError: it is not known, or the API cannot be asked.
        """
        given = {"output": output, "force": force}
        return paths_of(await self._runner.download(task, given, on_event))

    async def packs(self) -> tuple[Pack, ...]:
        """Return the account's resource packs: what is left in each, and until when.

        Raises:
            KlingError: the API cannot be asked.
        """
        return await self._runner.packs()

    async def list(self, limit: int = 20) -> tuple[AsyncJob, ...]:
        """Return this machine's jobs as they last stood, newest first.

        Raises:
            JournalError: the journal cannot be read.
        """
        return tuple(AsyncJob(each, self) for each in self._runner.history(limit))

    async def _generate(
        self, order: Order, arguments: Mapping[str, Any], *, is_waiting: bool
    ) -> AsyncJob:
        result = await self._runner.generate(
            order,
            arguments,
            is_waiting=is_waiting,
            on_event=arguments.get("on_event"),
        )
        return AsyncJob(result, self)

    async def _take_step(self, order: Order, arguments: Mapping[str, Any]) -> AsyncJob:
        return AsyncJob(await self._runner.take_step(order, arguments), self)


class LoopThread:
    """An event loop in a thread of its own, started when it is needed.

    `finish` is awaited at its end. A process that was forked starts another one.
    """

    def __init__(self, finish: Callable[[], Awaitable[None]]) -> None:
        self._finish = finish
        self._lock = threading.Lock()
        self._running: tuple[int, threading.Thread, BlockingPortal] | None = None

    def portal(self) -> BlockingPortal:
        """Return what runs functions in the loop."""
        with self._lock:
            if self._running is None or self._running[0] != os.getpid():
                ready: Future[BlockingPortal] = Future()
                thread = threading.Thread(
                    target=anyio.run,
                    args=(self._serve, ready),
                    name="kling",
                    daemon=True,  # so that the end of the program closes it, not waits
                )
                thread.start()
                self._running = os.getpid(), thread, ready.result()
            return self._running[2]

    def close(self) -> None:
        """Cancel what runs in the loop, and end it."""
        with self._lock:
            running, self._running = self._running, None
            if running is None or running[0] != os.getpid():
                return
            _, thread, portal = running
            portal.call(portal.stop, True)
            thread.join()

    async def _serve(self, ready: Future[BlockingPortal]) -> None:
        try:
            async with BlockingPortal() as portal:
                ready.set_result(portal)
                await portal.sleep_until_stopped()
        finally:
            await self._finish()


class Kling(Products[Job]):
    """A client of the Kling API: `AsyncKling` in an event loop of its own.

    Several threads may use it, and so may code inside a running event loop, which
    stands still meanwhile. Use it as a context manager, or call `close`; the end of the
    program closes it too. `on_event` is called in the thread that called the method; an
    exception there, or Ctrl-C, ends the wait and not the task.

    Everything else is as with `AsyncKling`.

    Raises:
        UsageError: a setting is nonsense.
    """

    def __init__(self, **settings: Unpack[ClientSettings]) -> None:
        self._runner = JobRunner(settings)
        self._loop = LoopThread(self._runner.aclose)
        weakref.finalize(self, self._loop.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End what the client has started: its loop, its sandbox, the tasks in that."""
        self._loop.close()

    def wait(
        self,
        task: TaskReference,
        *,
        timeout: float | str | None = None,
        output: FilePath | None = None,
        force: bool = False,
        on_event: OnEvent | None = None,
    ) -> Job:
        """Return a job when its task has succeeded; save its outputs to `output`.

        Raises:
            TaskFailedError, ContentRefusedError: it has failed.
            StillRunningError: the time is over; the task goes on.
            KlingError: it is not known, or the API cannot be asked.
        """
        given = {"timeout": timeout, "output": output, "force": force}
        result = self._call(lambda tell: self._runner.wait(task, given, tell), on_event)
        return Job(result, self)

    def wait_all(
        self,
        tasks: Iterable[TaskReference] | None = None,
        *,
        timeout: float | str | None = None,
        on_event: OnEvent | None = None,
    ) -> tuple[Job, ...]:
        """Return jobs when all have ended: by default this machine's unfinished ones.

        What went wrong is in the `error` of each.

        Raises:
            KlingError: nothing could be begun.
        """
        given = {"timeout": timeout}
        results = self._call(
            lambda tell: self._runner.wait_all(tasks, given, tell), on_event
        )
        return tuple(Job(each, self) for each in results)

    def status(self, task: TaskReference) -> Job:
        """Ask once how a task stands; that it has failed is no error.

        Raises:
            KlingError: it is not known, or the API cannot be asked.
        """
        return Job(self._call(lambda _: self._runner.status(task)), self)

    def download(
        self,
        task: TaskReference,
        output: FilePath | None = None,
        *,
        force: bool = False,
        on_event: OnEvent | None = None,
    ) -> tuple[Path, ...]:
        """Save the outputs of a task that has succeeded, and return their paths.

        `output` is a file, a folder or a template such as `{task_id}-{index}.{ext}`; a
        free name is chosen, unless `force` overwrites what exists.

        Raises:
            NotSavedError: there is nothing to save yet, or a file cannot be written.
            KlingError: it is not known, or the API cannot be asked.
        """
        given = {"output": output, "force": force}
        result = self._call(
            lambda tell: self._runner.download(task, given, tell), on_event
        )
        return paths_of(result)

    def packs(self) -> tuple[Pack, ...]:
        """Return the account's resource packs: what is left in each, and until when.

        Raises:
            KlingError: the API cannot be asked.
        """
        return self._call(lambda _: self._runner.packs())

    def list(self, limit: int = 20) -> tuple[Job, ...]:
        """Return this machine's jobs as they last stood, newest first.

        Raises:
            JournalError: the journal cannot be read.
        """
        return tuple(Job(each, self) for each in self._runner.history(limit))

    def _generate(
        self, order: Order, arguments: Mapping[str, Any], *, is_waiting: bool
    ) -> Job:
        result: JobResult = self._call(
            lambda tell: self._runner.generate(
                order, arguments, is_waiting=is_waiting, on_event=tell
            ),
            arguments.get("on_event"),
        )
        return Job(result, self)

    def _take_step(self, order: Order, arguments: Mapping[str, Any]) -> Job:
        result = self._call(lambda _: self._runner.take_step(order, arguments))
        return Job(result, self)

    def _call(
        self,
        work: Callable[[OnEvent], Awaitable[T]],
        on_event: OnEvent | None = None,
    ) -> T:
        """Return what `work` returns in the loop; pass its events on in this thread.

        Whatever is raised here, by `on_event` or Ctrl-C, cancels it and waits for that.
        """
        messages: SimpleQueue[Any] = SimpleQueue()
        started, has_ended = StartedJobs(), threading.Event()

        async def in_loop() -> T:
            try:
                return await work(messages.put)
            finally:
                messages.put(_END)
                has_ended.set()

        future = self._loop.portal().start_task_soon(in_loop)
        try:
            for event in iter(messages.get, _END):
                started.record(event)
                if on_event is not None:
                    on_event(event)
        except BaseException as exc:
            future.cancel()
            has_ended.wait()
            while not messages.empty():
                started.record(messages.get())
            self._runner.annotate(exc, started)
            raise
        return self._result_of(future, started)

    def _result_of(self, future: Future[T], started: StartedJobs) -> T:
        """Return the result of work that has ended.

        Raises:
            StillRunningError: the client was closed meanwhile.
        """
        try:
            return future.result()
        except CancelledError:
            error = StillRunningError("the client was closed while it was at work")
            self._runner.annotate(error, started)
            raise error from None
