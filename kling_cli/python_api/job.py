"""Jobs as programs see them: how a task stood when it was last asked about."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Protocol

from kling_cli.api import Output, TaskStatus
from kling_cli.errors import KlingError
from kling_cli.jobs.events import Event, JobResult

OnEvent = Callable[[Event], object]
"""Is called with each event of `kling_cli.events` while a job is run."""


def paths_of(result: JobResult) -> tuple[Path, ...]:
    """Return the files that the outputs of a job were saved to."""
    return tuple(one.path for one in result.outputs if one.path is not None)


class BaseJob:
    """What is known of a job; it does not change, a later look gives another one."""

    __slots__ = ("result",)

    def __init__(self, result: JobResult) -> None:
        self.result = result

    def __repr__(self) -> str:
        return (
            f"<{type(self).__name__} {self.task_id or self.external_id}"
            f" {self.product} {self.result.state}>"
        )

    @property
    def task_id(self) -> str | None:
        """The task's id; None while it is not known whether there is a task."""
        return self.result.task_id

    @property
    def external_id(self) -> str | None:
        """The id that the caller chose, or that was made for the job."""
        return self.result.external_id

    @property
    def product(self) -> str | None:
        """What was asked for: `text2video`."""
        return self.result.product

    @property
    def model(self) -> str | None:
        """The id of the model."""
        return self.result.model

    @property
    def prompt(self) -> str | None:
        """The text that the job was made from."""
        return self.result.prompt

    @property
    def status(self) -> TaskStatus:
        """Where the task is in its life."""
        return self.result.status

    @property
    def message(self) -> str | None:
        """Why the task failed, in the words of the API."""
        return self.result.status_message

    @property
    def outputs(self) -> tuple[Output, ...]:
        """What the task made: a `type`, an `id`, a `url` that ends at `expires_at`."""
        return tuple(one.output for one in self.result.outputs)

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files that its outputs were saved to."""
        return paths_of(self.result)

    @property
    def units(self) -> float | None:
        """The units charged; None until they are known."""
        return self.result.units

    @property
    def estimated_units(self) -> float | None:
        """The units to be expected, where that could be said before."""
        return self.result.estimated_units

    @property
    def created_at(self) -> datetime | None:
        """When the API made the task."""
        return self.result.created_at

    @property
    def updated_at(self) -> datetime | None:
        """When the task last changed."""
        return self.result.updated_at

    @property
    def expires_at(self) -> datetime | None:
        """When the first link of the outputs ends, or the session of a step."""
        return self.result.expires_at

    @property
    def session_id(self) -> str | None:
        """The session that the job opened or built on."""
        return self.result.session_id

    @property
    def completed_by(self) -> str | None:
        """What brought the final state first: `callback` or `poll`."""
        return self.result.completed_by

    @property
    def error(self) -> KlingError | None:
        """Why the job failed, or why nothing more is known of it."""
        return self.result.error

    @property
    def name(self) -> str:
        """The id by which the job is found again."""
        return self.task_id or self.external_id or ""


class AsyncJobClient(Protocol):
    """The part of a client that a job of it needs."""

    async def wait(
        self,
        task: BaseJob,
        *,
        timeout: float | str | None = None,
        on_event: OnEvent | None = None,
    ) -> AsyncJob: ...

    async def status(self, task: BaseJob) -> AsyncJob: ...

    async def download(
        self,
        task: BaseJob,
        output: str | Path | None = None,
        *,
        force: bool = False,
        on_event: OnEvent | None = None,
    ) -> tuple[Path, ...]: ...


class AsyncJob(BaseJob):
    """A job of an `AsyncKling`."""

    __slots__ = ("_client",)

    def __init__(self, result: JobResult, client: AsyncJobClient) -> None:
        super().__init__(result)
        self._client = client

    async def wait(
        self,
        *,
        timeout: float | str | None = None,
        on_event: OnEvent | None = None,
    ) -> AsyncJob:
        """Return the job when its task has ended; as `AsyncKling.wait`."""
        return await self._client.wait(self, timeout=timeout, on_event=on_event)

    async def refresh(self) -> AsyncJob:
        """Return the job as it stands now; as `AsyncKling.status`."""
        return await self._client.status(self)

    async def save(
        self,
        path: str | Path | None = None,
        *,
        force: bool = False,
        on_event: OnEvent | None = None,
    ) -> tuple[Path, ...]:
        """Save the outputs and return their paths; as `AsyncKling.download`."""
        return await self._client.download(self, path, force=force, on_event=on_event)


class JobClient(Protocol):
    """The part of a client that a job of it needs."""

    def wait(
        self,
        task: BaseJob,
        *,
        timeout: float | str | None = None,
        on_event: OnEvent | None = None,
    ) -> Job: ...

    def status(self, task: BaseJob) -> Job: ...

    def download(
        self,
        task: BaseJob,
        output: str | Path | None = None,
        *,
        force: bool = False,
        on_event: OnEvent | None = None,
    ) -> tuple[Path, ...]: ...


class Job(BaseJob):
    """A job of a `Kling`."""

    __slots__ = ("_client",)

    def __init__(self, result: JobResult, client: JobClient) -> None:
        super().__init__(result)
        self._client = client

    def wait(
        self,
        *,
        timeout: float | str | None = None,
        on_event: OnEvent | None = None,
    ) -> Job:
        """Return the job when its task has ended; as `Kling.wait`."""
        return self._client.wait(self, timeout=timeout, on_event=on_event)

    def refresh(self) -> Job:
        """Return the job as it stands now; as `Kling.status`."""
        return self._client.status(self)

    def save(
        self,
        path: str | Path | None = None,
        *,
        force: bool = False,
        on_event: OnEvent | None = None,
    ) -> tuple[Path, ...]:
        """Save the outputs and return their paths; as `Kling.download`."""
        return self._client.download(self, path, force=force, on_event=on_event)
