"""Saving what a finished task made: every output, under names that cannot clash."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from kling_cli.api.http import httpx
from kling_cli.api.task import Output, Task
from kling_cli.clock import Clock
from kling_cli.errors import KlingError, NotSavedError
from kling_cli.jobs.download import Download
from kling_cli.jobs.entry import Entry
from kling_cli.jobs.events import (
    Downloading,
    DownloadResumed,
    DownloadRetry,
    Event,
    Saved,
    SavedOutput,
)
from kling_cli.jobs.naming import extension, from_here, target, with_addition
from kling_cli.jobs.part import NoRecords, PartialRecords

STEP_BYTES = 65_536  # progress is told at most this often


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """One file to save: an output, or the watermarked copy of one."""

    output: Output
    index: int
    is_watermark: bool

    def url_in(self, task: Task) -> str | None:
        """Return where this file lies, according to the task's newest answer."""
        if self.index > len(task.outputs):
            return None
        output = task.outputs[self.index - 1]
        return output.watermark_url if self.is_watermark else output.url


@dataclass(slots=True, kw_only=True)
class Saver:
    """Saves the outputs of one job. `ask_again` returns the task as it stands now.

    What an earlier run has saved of an incomplete job is not saved again. `note` is
    given the paths after each file, `""` where one is still to come. `others` are the
    paths under which another process has just saved the same: what is where we would
    put it is not saved again.
    given the paths after each file, `""` where one is still to come; `records_of` says
    where the partial file of a wish is written down, so that a later run goes on with
    it.
    """

    http: httpx.AsyncClient
    clock: Clock
    tell: Callable[[Event], None]
    entry: Entry
    folder: Path
    ask_again: Callable[[], Awaitable[Task | None]]
    note: Callable[[tuple[str, ...]], None] = lambda _: None
    others: tuple[str, ...] = ()
    records_of: Callable[[Wish], PartialRecords] = lambda _: NoRecords()
    saved: list[SavedOutput] = field(default_factory=list)

    async def save(self, task: Task) -> tuple[SavedOutput, ...]:
        """Return every output with the path it was saved under.

        Raises:
            NotSavedError: a file could not be saved; `saved` has those that could.
        """
        if not _wishes(task, has_watermark=False):
            if task.outputs and all(each.is_of_library for each in task.outputs):
                return tuple(SavedOutput(output=each) for each in task.outputs)
            task = await self.ask_again() or task
        wishes = _wishes(task, has_watermark=self.entry.has_watermark)
        if not wishes:
            raise NotSavedError(
                f"task {task.id} succeeded but the API lists no files for it",
                hint=f"ask again later: kling download {task.id}",
            )
        failure: KlingError | None = None
        before = self._saved_before(len(wishes))
        for wish, path in zip(wishes, before, strict=True):
            try:
                self.saved.append(await self._save_one(wish, task, path))
            except NotSavedError as exc:
                self.saved.append(SavedOutput(output=wish.output))
                failure = failure or self._explained(exc, wish, task)
            done = tuple(str(one.path or "") for one in self.saved)
            self.note(done + before[len(done) :])
        if failure is not None:
            raise failure
        return tuple(self.saved)

    def _saved_before(self, n_wishes: int) -> tuple[str, ...]:
        """Return the path of each file that an earlier run has saved, or `""`."""
        paths = self.entry.paths
        is_incomplete = len(paths) == n_wishes and "" in paths
        return paths if is_incomplete else ("",) * n_wishes

    async def _save_one(self, wish: Wish, task: Task, before: str) -> SavedOutput:
        url = wish.url_in(task) or ""
        name = self._target(wish, task, url)
        if str(name.absolute()) in self.others:
            before = str(name.absolute())
        if (size := _size_of(before)) is not None:
            there = Path(from_here(before))
            return SavedOutput(output=wish.output, path=there, total_bytes=size)
        path = await self._download(wish, task, url, name).save(
            name, is_forced=self.entry.is_forced
        )
        size = path.stat().st_size
        self.tell(Saved(task_id=task.id, path=path, total_bytes=size))
        return SavedOutput(output=wish.output, path=path, total_bytes=size)

    def _download(self, wish: Wish, task: Task, url: str, name: Path) -> Download:
        progress = _Progress(self.tell, task.id, name.name)

        async def renew() -> str | None:
            fresh = await self.ask_again()
            return wish.url_in(fresh) if fresh else None

        return Download(
            http=self.http,
            clock=self.clock,
            url=url,
            renew=renew,
            on_bytes=progress.on_bytes,
            on_break=progress.on_break,
            output_type=wish.output.type,
            on_resume=progress.on_resume,
            records=self.records_of(wish),
        )

    def _target(self, wish: Wish, task: Task, url: str) -> Path:
        values = {
            "task_id": task.id,
            "external_id": self.entry.external_id,
            "product": self.entry.product,
            "model": self.entry.model or "model",
            "prompt": self.entry.prompt or "",
            "index": str(wish.index),
            "ext": extension(wish.output, url),
            "date": self.clock.now().astimezone().strftime("%Y-%m-%d"),
            "kind": "watermark" if wish.is_watermark else wish.output.type,
        }
        is_sole = len(task.outputs) == 1
        path = target(self.entry.output, self.folder, values, is_sole=is_sole)
        if wish.is_watermark and "{kind" not in (self.entry.output or ""):
            return with_addition(path, "-watermark")
        return with_addition(path, "")

    def _explained(self, error: NotSavedError, wish: Wish, task: Task) -> NotSavedError:
        """Return the error with the link: it is what the person has paid for."""
        return NotSavedError(
            error.message,
            hint=f"kling download {task.id}, or fetch it yourself: {wish.url_in(task)}",
        )


class _Progress:
    """Tells how one download goes, not oftener than anybody can see."""

    def __init__(self, tell: Callable[[Event], None], task_id: str, name: str) -> None:
        self._tell = tell
        self._task_id = task_id
        self._name = name
        self._told_bytes = -STEP_BYTES

    def on_bytes(self, done_bytes: int, total_bytes: int | None) -> None:
        if done_bytes - self._told_bytes < STEP_BYTES and done_bytes != total_bytes:
            return
        self._told_bytes = done_bytes
        self._tell(
            Downloading(
                task_id=self._task_id,
                name=self._name,
                done_bytes=done_bytes,
                total_bytes=total_bytes,
            )
        )

    def on_resume(self, done_bytes: int, total_bytes: int | None) -> None:
        self._tell(
            DownloadResumed(
                task_id=self._task_id,
                name=self._name,
                done_bytes=done_bytes,
                total_bytes=total_bytes,
            )
        )

    def on_break(self, reason: str, pause_s: float) -> None:
        self._tell(
            DownloadRetry(
                task_id=self._task_id, name=self._name, reason=reason, retry_s=pause_s
            )
        )


def _size_of(path: str) -> int | None:
    """Return the bytes of a file saved before; None where there is none any more."""
    there = Path(path)
    return there.stat().st_size if path and there.is_file() else None


def _wishes(task: Task, *, has_watermark: bool) -> list[Wish]:
    wishes: list[Wish] = []
    for index, output in enumerate(task.outputs, start=1):
        if output.url:
            wishes.append(Wish(output=output, index=index, is_watermark=False))
        if has_watermark and output.watermark_url:
            wishes.append(Wish(output=output, index=index, is_watermark=True))
    return wishes
