"""Everything behind the listener's door: who keeps, shows, checks and asks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Final

from anyio.abc import TaskGroup

from kling_cli.api.task import Task
from kling_cli.callbacks.answer import RECEIVED, Answer
from kling_cli.callbacks.door import Door, capability_door
from kling_cli.callbacks.keyfile import load_key
from kling_cli.callbacks.limits import Limits
from kling_cli.callbacks.receiver import Receiver
from kling_cli.clock import Clock
from kling_cli.errors import KlingError
from kling_cli.jobs.entry import Entry
from kling_cli.jobs.journal import KeptCallback
from kling_cli.listen.account import Account, open_account
from kling_cli.listen.broker import Broker
from kling_cli.listen.controls import Controls, Forwards
from kling_cli.listen.doors import bare_door, mock_marks, standing_door
from kling_cli.listen.forward import Record, forwarding
from kling_cli.listen.keeper import CountingKeeper, Keeper, open_keeper
from kling_cli.listen.known import Known
from kling_cli.listen.lines import Line
from kling_cli.listen.options import ListenOptions
from kling_cli.listen.outcomes import open_outcomes
from kling_cli.listen.reconcile import Reconciler
from kling_cli.listen.rejections import Rejections
from kling_cli.listen.verify import Verifier
from kling_cli.settings import Settings

DRAIN_S: Final = 12.0  # for forwards under way when the listening ends
TICK_S: Final = 0.5  # between looks at what was turned away
_ERRORS: Final = 400


@dataclass(slots=True, kw_only=True)
class Desk:
    """Works on what comes through the door; `receiver` is the door's app."""

    account: Account
    keeper: Keeper
    known: Known
    controls: Controls
    clock: Clock
    limits: Limits
    rejections: Rejections = field(init=False)
    broker: Broker = field(init=False)
    reconciler: Reconciler = field(init=False)
    verifier: Verifier | None = field(init=False)
    receiver: Receiver = field(init=False)

    def start(self, group: TaskGroup) -> None:
        """Begin to work, in `group`."""
        group.start_soon(self.broker.run)
        group.start_soon(self.reconciler.run)
        group.start_soon(self.reconciler.watch_sleep)
        group.start_soon(self._tick)
        if self.verifier is not None:
            group.start_soon(self.verifier.run)

    async def finish(self) -> None:
        """Work on what has come so far, to the end."""
        self.broker.work()
        self.controls.resume()
        if self.controls.forwards is not None:
            await self.controls.forwards.drain(DRAIN_S)
        self.rejections.flush()

    def learn(self, task: Task) -> None:
        """Take an answer of the API."""
        self.account.learn(task)
        self.broker.confirm(task)

    def open_entries(self) -> Sequence[Entry]:
        """Return what to ask for after an outage: the journal's, and what was heard."""
        entries = {entry.task_id: entry for entry in self.account.unfinished()}
        for task_id in self.known.open_ids():
            entry = self.account.entry_of(task_id)
            if entry is not None:
                entries.setdefault(task_id, entry)
        return list(entries.values())

    async def stand_in(self, kept: KeptCallback) -> int | None:
        """Keep and pass on a callback that was made up; return its number."""
        try:
            number = await self.keeper.keep(kept)
        except KlingError:
            number = 0
        self.broker.stand_in(replace(kept, id=number))
        return number or None

    async def _tick(self) -> None:
        while True:
            await self.clock.sleep(TICK_S)
            self.rejections.tick()


@asynccontextmanager
async def open_desk(
    options: ListenOptions,
    *,
    settings: Settings,
    clock: Clock,
    tell: Callable[[Line], None],
    finish: Callable[[str], None],
) -> AsyncIterator[Desk]:
    """Open journal, keeper and forwarder, and put the desk together.

    Raises:
        UsageError: the state folder, or a secret, cannot be used.
    """
    async with AsyncExitStack() as stack:
        account = await stack.enter_async_context(open_account(settings, clock, tell))
        keeper: Keeper = CountingKeeper()
        if options.is_keeping:
            keeper = await stack.enter_async_context(open_keeper(settings.state_dir))
        forwards = await stack.enter_async_context(
            open_forwards(options, settings=settings, clock=clock, tell=tell)
        )
        desk = Desk(
            account=account,
            keeper=keeper,
            known=Known(account.find),
            controls=Controls(callback_url="", forwards=forwards, stop=finish),
            clock=clock,
            limits=replace(Limits(), answer_s=Limits().answer_s + options.delay_s),
        )
        furnish(desk, options, tell)
        yield desk


@asynccontextmanager
async def open_forwards(
    options: ListenOptions,
    *,
    settings: Settings,
    clock: Clock,
    tell: Callable[[Line], None],
) -> AsyncIterator[Forwards | None]:
    """Open the forwarder if there is a target; what becomes of forwards is kept."""
    async with AsyncExitStack() as stack:
        if not options.targets:
            yield None
            return
        record: Record = _forget
        if options.is_keeping:
            record = await stack.enter_async_context(
                open_outcomes(settings.state_dir, tell=tell)
            )
        yield await stack.enter_async_context(
            forwarding(
                options.targets,
                options.manner,
                clock=clock,
                tell=tell,
                record=lambda kept: record(kept) if kept.callback_id else None,
            )
        )


def furnish(desk: Desk, options: ListenOptions, tell: Callable[[Line], None]) -> None:
    """Put in their places those who work at the desk."""
    asker = desk.account.asker
    desk.rejections = Rejections(
        tell, clock=desk.clock, unknown=lambda: desk.receiver.counts.unknown
    )
    desk.verifier = None
    if asker is not None:
        desk.verifier = Verifier(
            asker, desk.account.entry_of, clock=desk.clock, tell=tell, learn=desk.learn
        )
    desk.reconciler = Reconciler(
        asker,
        desk.known,
        clock=desk.clock,
        tell=tell,
        open_entries=desk.open_entries,
        stand_in=desk.stand_in,
        learn=desk.learn,
    )
    desk.broker = _broker(desk, options, tell)


def _broker(desk: Desk, options: ListenOptions, tell: Callable[[Line], None]) -> Broker:
    return Broker(
        desk.keeper,
        desk.known,
        desk.controls,
        tell=tell,
        finish=desk.controls.stop,
        rejections=desk.rejections,
        wanted=options.wanted,
        until=options.until,
        verifier=desk.verifier,
    )


def hang_door(desk: Desk, options: ListenOptions, token: str) -> None:
    """Make the door's app.

    Raises:
        UsageError: a webhook secret is none.
    """
    settings = desk.account.settings
    key = load_key(settings.state_dir)
    doors: list[Door] = [standing_door(token)]
    if options.is_keeping:  # others read their callbacks in the journal
        doors.append(capability_door(key))
    if options.is_tokenless:
        doors.append(bare_door())
    desk.receiver = Receiver(
        doors,
        desk.broker.keep,
        tell=desk.broker.hear,
        clock=desk.clock,
        secrets=settings.webhook_secrets,
        limits=desk.limits,
        mark=mock_marks(key),
        reply=reply(options.status),
        delay_s=options.delay_s,
    )


def reply(status: int) -> Answer:
    """Return the answer to what was let in; an unusual one says that it is meant."""
    if status == RECEIVED.status:
        return RECEIVED
    is_error = status >= _ERRORS
    return Answer(
        status=status, key="error" if is_error else "status", word="as --respond says"
    )


def _forget(_: object) -> None:
    """Keep no history."""
