"""Making a job of two calls: find what is there, choose, and submit the job proper.

The first call costs something and its answer cannot be asked for again, so it is a job
of its own in the journal, and whatever fails after it names the session to go on with.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from kling_cli.api.task import Output, TaskStatus
from kling_cli.clock import Clock
from kling_cli.errors import (
    KlingError,
    OutcomeUnknownError,
    TaskFailedError,
    UsageError,
)
from kling_cli.jobs.destination import check_output
from kling_cli.jobs.events import (
    Event,
    Finished,
    JobResult,
    Prepared,
    Remark,
    SavedOutput,
    Submitted,
)
from kling_cli.jobs.intent import Intent, complete, intend
from kling_cli.jobs.naming import check_template
from kling_cli.jobs.options import RunOptions
from kling_cli.jobs.prepare import Order, check_price
from kling_cli.jobs.run import generate
from kling_cli.products import catalogue
from kling_cli.products.model import Product
from kling_cli.settings import Settings

Ask = Callable[[tuple[Output, ...]], str]
"""Asks a person which of the things found is meant."""

_SILENT = (Prepared, Submitted, Finished)


@dataclass(frozen=True, slots=True, kw_only=True)
class InSteps:
    """A job of two calls. Without `ask` there is nobody who could choose."""

    options: RunOptions
    settings: Settings
    tell: Callable[[Event], None]
    clock: Clock
    ask: Ask | None = None

    async def run(self, order: Order) -> JobResult:
        """Make the job and see it through.

        Raises:
            KlingError: it ended before anything was sent.
        """
        check_template(self.options.output or "")
        intent = intend(order, self.settings)
        check_price(intent.whole, self.options.max_units)
        check_output(self.options, self.settings.output_dir or Path())
        if intent.session_id is not None:
            return await self._go_on(intent, intent.session_id, intent.found, None)
        needs_way = self.options.callback == "require"
        found = await self.find(intent.step, needs_way=needs_way)
        if found.error is not None or found.task_id is None:
            return replace(found, product=order.product)
        outputs = tuple(one.output for one in found.outputs)
        return await self._go_on(intent, found.task_id, outputs, found.units)

    async def find(self, step: Order, *, needs_way: bool = False) -> JobResult:
        """Make the first call alone, and say what it has found.

        With `needs_way` it is not made unless callbacks can come in later on.

        Raises:
            KlingError: it ended before it was written down; nothing was sent.
        """
        product = catalogue.step(step.product)
        options = replace(
            self.options,
            is_waiting=True,
            is_downloading=False,
            output=None,
            needs_way=needs_way,
        )
        result = await generate(
            step,
            options,
            settings=self.settings,
            tell=partial(self._tell_of_step, product),
            clock=self.clock,
        )
        return result if result.error is not None else self._told(result, product)

    def _told(self, result: JobResult, step: Product) -> JobResult:
        """Tell what was found, and return the result with its session."""
        count = len(result.outputs)
        what = f"{count or 'no'} {step.output}{'' if count == 1 else 's'} found"
        cost = "" if result.units is None else f" ({result.units:g} units)"
        self.tell(Remark(message=f"{what}{cost}, session {result.task_id}"))
        if count:
            return replace(result, session_id=result.task_id)
        return replace(
            result,
            status=TaskStatus.FAILED,
            task_id=None,
            external_id=None,
            error=_nothing(step),
        )

    async def _go_on(
        self,
        intent: Intent,
        session_id: str,
        found: tuple[Output, ...],
        spent: float | None,
    ) -> JobResult:
        """Make the second call; a failure tells how to go on without the first."""
        choice = intent.said
        try:
            choice = choice_of(intent, found, self.ask)
            order = complete(intent, session_id, found, choice)
            result = await generate(
                order,
                replace(self.options, max_units=None),
                settings=self.settings,
                tell=self.tell,
                clock=self.clock,
            )
        except KlingError as exc:
            result = JobResult(
                command=self.options.command,
                status=TaskStatus.UNKNOWN,
                product=intent.order.product,
                outputs=tuple(SavedOutput(output=one) for one in found),
                units=spent,
                error=exc,
            )
        ids = [str(one.id) for one in found]
        likely = choice if choice in ids or not ids else ids[0]
        self._show_the_way(result, intent, session_id, likely or "0")
        return replace(result, session_id=session_id)

    def _show_the_way(
        self, result: JobResult, intent: Intent, session_id: str, choice: str
    ) -> None:
        error = result.error
        is_there = result.task_id is not None or isinstance(error, OutcomeUnknownError)
        if error is None or is_there or self.settings.is_sandbox:
            return
        product = catalogue.load(intent.order.product)
        session = product.field(intent.use.named_by).spelling
        face = product.field(str(intent.use.choice)).spelling
        way = (
            f"while the session lives, nothing needs to be found again: the same"
            f" command with {session} {session_id} {face} {choice}"
        )
        error.hint = f"{error.hint}; {way}" if error.hint else way

    def _tell_of_step(self, step: Product, event: Event) -> None:
        """Pass on what happens but for what is said of a job proper."""
        if isinstance(event, Prepared):
            cost = "" if event.units is None else f", about {event.units:g} units"
            self.tell(Remark(message=f"looking for {step.output}s{cost}"))
        if not isinstance(event, _SILENT):
            self.tell(event)


def choice_of(intent: Intent, found: tuple[Output, ...], ask: Ask | None) -> str:
    """Return which of the things found is meant: the one said, the only one, or asked.

    Raises:
        UsageError: it is not there, or there are several and nobody to ask.
        StoppedError: the person asked has stopped the command.
    """
    ids = [str(one.id) for one in found]
    noun, said = intent.use.noun, intent.said
    if said is not None:
        if ids and said not in ids:
            raise UsageError(f"there is no {noun} {said}: {_listed(found)}")
        return said
    if len(ids) == 1:
        return ids[0]
    if not ids:
        raise UsageError(
            f"this machine does not know the {noun}s of that session",
            hint=f"say which {noun} is meant",
        )
    if ask is None:
        raise UsageError(f"there are {len(ids)} {noun}s, choose one: {_listed(found)}")
    return ask(found)


def span(one: Output) -> str:
    """Return when something is seen: `0 to 5.041 s`."""
    start_s = (one.facts or {}).get("start_s", 0.0)
    if one.duration_s is None:
        return f"from {start_s:g} s"
    return f"{start_s:g} to {round(start_s + one.duration_s, 3):g} s"


def _listed(found: tuple[Output, ...]) -> str:
    return ", ".join(f"{one.id} ({span(one)})" for one in found)


def _nothing(step: Product) -> TaskFailedError:
    remedy = step.step.remedy if step.step else None
    return TaskFailedError(f"no {step.output} was found in the video", hint=remedy)
