"""Saving the outputs of a finished task, each under a name that cannot clash."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from kling_cli.api import Output, Task, httpx
from kling_cli.clock import Clock
from kling_cli.errors import KlingError, NotSavedError
from kling_cli.jobs.events import (
    Downloading,
    DownloadResumed,
    DownloadRetry,
    EmitEvent,
    Saved,
)
from kling_cli.jobs.job import Job
from kling_cli.jobs.outputs.content import extension
from kling_cli.jobs.outputs.download import Download
from kling_cli.jobs.outputs.naming import (
    append_to_stem,
    output_path,
    relative_to_cwd,
)
from kling_cli.jobs.outputs.partial_file import (
    JournalRecords,
    NullRecords,
    PartialRecords,
)
from kling_cli.jobs.session import Session
from kling_cli.store import JobRecord, OutputKey, SavedOutput

PROGRESS_STEP_BYTES = 65_536  # progress is reported at most this often
LOCK_FOLDER: Final = "saving"  # in the state folder
_UNLOCKED: Final = -1
LOCK_POLL_S: Final = 0.2
MAX_LOCK_WAIT_S: Final = 600.0  # a process that was stopped holds its locks


async def save_job(
    job: Job, task: Task, session: Session, *, is_always: bool = False
) -> None:
    """Save the outputs of a job's finished task; a failure is in the job.

    One process at a time saves a job; outputs that another has saved since this run
    began are not saved again, unless `is_always`.
    """

    async def query_again() -> Task | None:
        """Return the task with fresh links; None if there is no answer."""
        job.queries += 1
        try:
            fresh = await session.poller.fetch_one(job.record)
        except KlingError:
            return None
        if fresh is not None and job.state is not None:
            job.state = replace(job.state, task=fresh)
        return fresh

    def record_paths(paths: tuple[str, ...]) -> None:
        """Record each saved file at once: this process may end at any time."""
        absolute = tuple(str(Path(each).absolute()) if each else "" for each in paths)
        job.record = session.update_job(job.record, paths=absolute)

    def partial_records(file: OutputFile) -> PartialRecords:
        """Return the records of partial files; none if the task ends with this run."""
        if not job.is_resumable:
            return NullRecords()
        key = OutputKey(
            api_base=job.record.api_base,
            task_id=job.name,
            file_index=file.index,
            is_watermark=file.is_watermark,
        )
        return JournalRecords(session=session, output=key)

    async with exclusive_save(
        session.settings.state_dir, job.record.key, session.clock
    ):
        saver = Saver(
            http=session.http,
            clock=session.clock,
            emit=session.emit,
            record=job.record,
            folder=session.settings.output_dir or Path(),
            query_again=query_again,
            on_saved=record_paths,
            saved_elsewhere=() if is_always else _saved_elsewhere(job.record, session),
            partial_records=partial_records,
        )
        try:
            await saver.save(task)
        except KlingError as exc:
            job.error = exc
        job.saved = tuple(saver.saved)


def _saved_elsewhere(record: JobRecord, session: Session) -> tuple[str, ...]:
    """Return the paths that another process has recorded since this run began."""
    try:
        stored = session.journal.find_job(record.external_id)
    except KlingError:
        return ()
    return () if stored is None or stored.paths == record.paths else stored.paths


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputFile:
    """One file to save: an output, or the watermarked copy of one."""

    output: Output
    index: int
    is_watermark: bool

    def url_in(self, task: Task) -> str | None:
        """Return the URL of this file in an answer about the task."""
        if self.index > len(task.outputs):
            return None
        output = task.outputs[self.index - 1]
        return output.watermark_url if self.is_watermark else output.url


@dataclass(slots=True, kw_only=True)
class Saver:
    """Saves the outputs of one job. `query_again` returns the task with fresh links.

    A file that an earlier run has saved of an incomplete job is not saved again, nor
    one at a path that is among the `saved_elsewhere` of another process. `on_saved`
    gets the paths after each file, `""` for one still to come; `partial_records`
    returns the records of a file's partial files, so that a later run resumes them.
    """

    http: httpx.AsyncClient
    clock: Clock
    emit: EmitEvent
    record: JobRecord
    folder: Path
    query_again: Callable[[], Awaitable[Task | None]]
    on_saved: Callable[[tuple[str, ...]], None] = lambda _: None
    saved_elsewhere: tuple[str, ...] = ()
    partial_records: Callable[[OutputFile], PartialRecords] = lambda _: NullRecords()
    saved: list[SavedOutput] = field(default_factory=list)

    async def save(self, task: Task) -> tuple[SavedOutput, ...]:
        """Return every output with the path it was saved under.

        Raises:
            NotSavedError: a file could not be saved; `saved` has those that could.
        """
        if not _files_of(task, has_watermark=False):
            if task.outputs and all(each.is_of_library for each in task.outputs):
                return tuple(SavedOutput(output=each) for each in task.outputs)
            task = await self.query_again() or task
        files = _files_of(task, has_watermark=self.record.has_watermark)
        if not files:
            raise NotSavedError(
                f"task {task.id} succeeded but the API lists no files for it",
                hint=f"ask again later: kling download {task.id}",
            )
        failure: KlingError | None = None
        before = self._saved_before(len(files))
        for file, path in zip(files, before, strict=True):
            try:
                self.saved.append(await self._save_one(file, task, path))
            except NotSavedError as exc:
                self.saved.append(SavedOutput(output=file.output))
                failure = failure or self._with_link(exc, file, task)
            done = tuple(str(one.path or "") for one in self.saved)
            self.on_saved(done + before[len(done) :])
        if failure is not None:
            raise failure
        return tuple(self.saved)

    def _saved_before(self, n_files: int) -> tuple[str, ...]:
        """Return the path of each file that an earlier run has saved, or `""`."""
        paths = self.record.paths
        is_incomplete = len(paths) == n_files and "" in paths
        return paths if is_incomplete else ("",) * n_files

    async def _save_one(self, file: OutputFile, task: Task, before: str) -> SavedOutput:
        url = file.url_in(task) or ""
        name = self._target(file, task, url)
        if str(name.absolute()) in self.saved_elsewhere:
            before = str(name.absolute())
        if (size := _saved_size(before)) is not None:
            saved_path = Path(relative_to_cwd(before))
            return SavedOutput(output=file.output, path=saved_path, total_bytes=size)
        path = await self._download(file, task, url, name).save(
            name, is_forced=self.record.is_forced
        )
        size = path.stat().st_size
        self.emit(Saved(task_id=task.id, path=path, total_bytes=size))
        return SavedOutput(output=file.output, path=path, total_bytes=size)

    def _download(self, file: OutputFile, task: Task, url: str, name: Path) -> Download:
        progress = _DownloadReporter(self.emit, task.id, name.name)

        async def renew() -> str | None:
            fresh = await self.query_again()
            return file.url_in(fresh) if fresh else None

        return Download(
            http=self.http,
            clock=self.clock,
            url=url,
            renew=renew,
            on_bytes=progress.on_bytes,
            on_break=progress.on_break,
            output_type=file.output.type,
            on_resume=progress.on_resume,
            records=self.partial_records(file),
        )

    def _target(self, file: OutputFile, task: Task, url: str) -> Path:
        values = {
            "task_id": task.id,
            "external_id": self.record.external_id,
            "product": self.record.product,
            "model": self.record.model or "model",
            "prompt": self.record.prompt or "",
            "index": str(file.index),
            "ext": extension(file.output, url),
            "date": self.clock.now().astimezone().strftime("%Y-%m-%d"),
            "kind": "watermark" if file.is_watermark else file.output.type,
        }
        is_sole = len(task.outputs) == 1
        path = output_path(self.record.output, self.folder, values, is_sole=is_sole)
        if file.is_watermark and "{kind" not in (self.record.output or ""):
            return append_to_stem(path, "-watermark")
        return append_to_stem(path, "")

    def _with_link(
        self, error: NotSavedError, file: OutputFile, task: Task
    ) -> NotSavedError:
        """Return the error with the link, so that the person can fetch the file."""
        return NotSavedError(
            error.message,
            hint=f"kling download {task.id}, or fetch it yourself: {file.url_in(task)}",
        )


class _DownloadReporter:
    """Emits the events of one download; its progress no oftener than can be seen."""

    def __init__(self, emit: EmitEvent, task_id: str, name: str) -> None:
        self._emit = emit
        self._task_id = task_id
        self._name = name
        self._reported_bytes = -PROGRESS_STEP_BYTES

    def on_bytes(self, done_bytes: int, total_bytes: int | None) -> None:
        if (
            done_bytes - self._reported_bytes < PROGRESS_STEP_BYTES
            and done_bytes != total_bytes
        ):
            return
        self._reported_bytes = done_bytes
        self._emit(
            Downloading(
                task_id=self._task_id,
                name=self._name,
                done_bytes=done_bytes,
                total_bytes=total_bytes,
            )
        )

    def on_resume(self, done_bytes: int, total_bytes: int | None) -> None:
        self._emit(
            DownloadResumed(
                task_id=self._task_id,
                name=self._name,
                done_bytes=done_bytes,
                total_bytes=total_bytes,
            )
        )

    def on_break(self, reason: str, pause_s: float) -> None:
        self._emit(
            DownloadRetry(
                task_id=self._task_id, name=self._name, reason=reason, retry_s=pause_s
            )
        )


def _saved_size(path: str) -> int | None:
    """Return the size of a file saved before; None if it is no longer there."""
    file = Path(path)
    return file.stat().st_size if path and file.is_file() else None


def _files_of(task: Task, *, has_watermark: bool) -> list[OutputFile]:
    files: list[OutputFile] = []
    for index, output in enumerate(task.outputs, start=1):
        if output.url:
            files.append(OutputFile(output=output, index=index, is_watermark=False))
        if has_watermark and output.watermark_url:
            files.append(OutputFile(output=output, index=index, is_watermark=True))
    return files


@asynccontextmanager
async def exclusive_save(
    state_dir: Path, job: str, clock: Clock
) -> AsyncIterator[None]:
    """Hold the lock of `job`; wait for it at most `MAX_LOCK_WAIT_S`.

    Where locks do not work, in a folder that cannot be written for instance, every
    process saves.
    """
    name = hashlib.sha256(job.encode("utf-8", "replace")).hexdigest()[:16]
    path = state_dir / LOCK_FOLDER / f"{name}.lock"
    descriptor: int | None = None
    deadline = clock.monotonic() + MAX_LOCK_WAIT_S
    try:
        while (descriptor := _acquire(path)) is None and clock.monotonic() < deadline:
            await clock.sleep(LOCK_POLL_S)
        yield
    finally:
        if descriptor is not None and descriptor != _UNLOCKED:
            with suppress(OSError):
                path.unlink()
            os.close(descriptor)


def _acquire(path: Path) -> int | None:
    """Return the descriptor that holds the lock; None while another process has it."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        return _UNLOCKED
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(descriptor), path.stat()):
            return descriptor
    except BlockingIOError:
        pass
    except FileNotFoundError:  # its last owner has removed it: try again
        pass
    except OSError:  # a file system without locks
        os.close(descriptor)
        return _UNLOCKED
    os.close(descriptor)
    return None
