"""What the listener knows of tasks beyond their callbacks: journal and API."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, Protocol
from urllib.parse import urlsplit

import anyio

from kling_cli.api import KlingClient, Task, TaskStatus, from_settings, new_http
from kling_cli.catalogue import CredentialKind
from kling_cli.clock import Clock
from kling_cli.errors import AccountError, CredentialsError, KlingError
from kling_cli.jobs.events import Notice
from kling_cli.jobs.poller import TASKS_PATH, Poller
from kling_cli.listener.events import Mismatch, Verified
from kling_cli.listener.task_states import claimed_task, rank
from kling_cli.settings import Settings
from kling_cli.store import JobRecord, Journal, JournalError, StoredCallback


@dataclass(slots=True, kw_only=True)
class TaskSource:
    """Open for one listener. `asker` is None without credentials."""

    settings: Settings
    clock: Clock
    journal: Journal
    asker: Poller | None
    tell: Callable[[Notice], None]
    _is_ill: bool = False

    def find(self, task_id: str) -> JobRecord | None:
        """Return the journal's line about a task."""
        try:
            return self.journal.find(task_id)
        except JournalError as exc:
            self._complain(exc)
            return None

    def entry_of(self, task_id: str) -> JobRecord | None:
        """Return what to ask for, None where these credentials know no way to ask."""
        found = self.find(task_id)
        if found is not None or self.asker is None or not self.asker.is_bulk:
            return found
        return JobRecord(
            external_id="",
            task_id=task_id,
            command="listen",
            product="",
            model=None,
            route="",
            query_path=TASKS_PATH,
            api_base=self.settings.api_base,
            request="{}",
            written_at=self.clock.now(),
        )

    def unfinished(self) -> list[JobRecord]:
        """Return the tasks of the journal that are open at this account's host."""
        try:
            entries = self.journal.unfinished()
        except JournalError as exc:
            self._complain(exc)
            return []
        return [
            entry
            for entry in entries
            if entry.stage.is_open
            and entry.task_id
            and entry.api_base == self.settings.api_base
        ]

    def learn(self, task: Task) -> None:
        """Write down what the API said of a task of the journal."""
        entry = self.find(task.id)
        if entry is None or not entry.external_id:
            return
        try:
            self.journal.observe(entry.external_id, task)
        except JournalError as exc:
            self._complain(exc)

    def _complain(self, exc: JournalError) -> None:
        if not self._is_ill:
            self._is_ill = True
            self.tell(Notice(message=exc.message, hint=exc.hint))


@asynccontextmanager
async def open_task_source(
    settings: Settings, clock: Clock, tell: Callable[[Notice], None]
) -> AsyncIterator[TaskSource]:
    """Open the journal, and a client if there are credentials.

    Raises:
        JournalError: the state folder cannot be used.
    """
    with Journal.open(settings.state_dir) as journal:
        if journal.set_aside is not None:
            place = journal.set_aside
            tell(Notice(message=f"the journal was not readable; it is now {place}"))
        async with new_http(settings.api_base) as http:
            asker: Poller | None = None
            try:
                credentials = from_settings(settings)
            except KlingError as exc:
                if settings.credentials_problem is not None or settings.problems:
                    tell(Notice(message=exc.message, hint=exc.hint))
            else:
                is_bulk = credentials.kind == CredentialKind.API_KEY
                client = KlingClient(http, credentials, clock)
                asker = Poller(client, is_bulk=is_bulk)
            yield TaskSource(
                settings=settings, clock=clock, journal=journal, asker=asker, tell=tell
            )


BATCH_WINDOW_S: Final = 0.5  # callbacks that come within it are asked about together
MAX_BATCH: Final = 20  # ids of one query. Source: API reference 2.3
RETRY_DELAYS_S: Final = (2.0, 5.0, 10.0, 30.0)
MAX_QUEUED_TASKS: Final = 1000  # tasks; beyond them the oldest go unasked


class TaskQuery(Protocol):
    """The part of `jobs.ask.Asker` that verifying needs."""

    async def ask(self, entries: Sequence[JobRecord]) -> Mapping[str, Task]: ...


def mismatches(claim: Task, actual: Task | None) -> tuple[Mismatch, ...]:
    """Return the fields in which a callback says what the API does not. Pure.

    A callback that is behind the API is late, not wrong.
    """
    if actual is None:
        return (Mismatch("task_id", claim.id, None),)
    return tuple(_differences(claim, actual))


def _differences(claim: Task, actual: Task) -> Iterator[Mismatch]:
    is_ahead = rank(claim.status) > rank(actual.status)
    is_other_end = claim.status.is_final and claim.status is not actual.status
    if claim.status is not TaskStatus.UNKNOWN and (is_ahead or is_other_end):
        yield Mismatch("status", claim.status.value, actual.status.value)
    theirs, ours = claim.external_id, actual.external_id
    if theirs and ours and theirs != ours:
        yield Mismatch("external_id", theirs, ours)
    if actual.status is TaskStatus.SUCCEEDED:
        yield from _unmatched_urls(claim, actual)


def _unmatched_urls(claim: Task, actual: Task) -> Iterator[Mismatch]:
    links = [_without_signature(output.url) for output in actual.outputs]
    for index, output in enumerate(claim.outputs):
        link = _without_signature(output.url)
        if link is not None and link not in links:
            actual_link = links[index] if index < len(links) else None
            yield Mismatch(f"outputs[{index}].url", link, actual_link)


def _without_signature(url: str | None) -> str | None:
    """Return a link without its signature, which is a secret and changes."""
    if url is None:
        return None
    try:
        split = urlsplit(url)
    except ValueError:
        return "not a URL"
    host = split.netloc.rpartition("@")[2]
    return f"{split.scheme}://{host}{split.path}"


class Verifier:
    """Asks about the tasks of callbacks, and tells `Verified` for each callback.

    `entry_of` gives what to ask for a task id, None for one that cannot be asked about
    with these credentials. `learn` hears each answer of the API.
    """

    def __init__(
        self,
        asks: TaskQuery,
        entry_of: Callable[[str], JobRecord | None],
        *,
        clock: Clock,
        tell: Callable[[Verified | Notice], None],
        learn: Callable[[Task], None],
    ) -> None:
        self._asks = asks
        self._entry_of = entry_of
        self._clock = clock
        self._tell = tell
        self._learn = learn
        self._waiting: OrderedDict[str, list[StoredCallback]] = OrderedDict()
        self._bell = anyio.Event()
        self._is_over = False

    def submit(self, kept: StoredCallback) -> bool:
        """Take a callback to be asked about soon; return whether it will be."""
        task_id = kept.task_id
        if self._is_over or task_id is None or self._entry_of(task_id) is None:
            return False
        self._waiting.setdefault(task_id, []).append(kept)
        if len(self._waiting) > MAX_QUEUED_TASKS:
            self._waiting.popitem(last=False)
        self._bell.set()
        return True

    async def run(self) -> None:
        """Ask until cancelled, or until the credentials prove useless."""
        failures = 0
        while not self._is_over:
            await self._bell.wait()
            self._bell = anyio.Event()
            pause_s = (
                RETRY_DELAYS_S[min(failures, len(RETRY_DELAYS_S)) - 1]
                if failures
                else BATCH_WINDOW_S
            )
            await self._clock.sleep(pause_s)
            is_answered = await self._ask_some()
            failures = 0 if is_answered else failures + 1
            if self._waiting:
                self._bell.set()

    async def _ask_some(self) -> bool:
        """Ask about the tasks that have waited longest; return whether that worked."""
        ids = list(self._waiting)[:MAX_BATCH]
        entries = {task_id: self._entry_of(task_id) for task_id in ids}
        try:
            answers = await self._asks.ask([one for one in entries.values() if one])
        except (CredentialsError, AccountError) as exc:
            self._is_over = True
            self._tell(
                Notice(message=f"callbacks go unverified: {exc.message}", hint=exc.hint)
            )
            return False
        except KlingError:
            return False  # asked again; forwarding and showing go on
        for task_id, entry in entries.items():
            actual = answers.get(entry.key) if entry else None
            self._judge(task_id, actual)
        return True

    def _judge(self, task_id: str, actual: Task | None) -> None:
        if actual is not None:
            self._learn(actual)
        for kept in self._waiting.pop(task_id, ()):
            claim = claimed_task(kept.raw)
            if claim is None:
                continue
            found = mismatches(claim, actual)
            self._tell(
                Verified(
                    number=kept.id,
                    task_id=task_id,
                    is_true=not found,
                    actual=actual.status.value if actual is not None else None,
                    mismatches=found,
                )
            )
