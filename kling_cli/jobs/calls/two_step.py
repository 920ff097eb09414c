"""Two-step jobs: a call that opens a session, and a job that uses it.

The first call recognises what is in a video; the second names the session and what was
chosen in it. The second is validated before the first, which is paid for, is sent.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from kling_cli import catalogue
from kling_cli.api import Output, TaskStatus
from kling_cli.catalogue import (
    Appearance,
    Estimate,
    Field,
    FileContent,
    PreparedRequest,
    Product,
    SegmentSpec,
    SessionSpec,
    require_segment_fits,
    segment_insert_s,
)
from kling_cli.clock import Clock
from kling_cli.errors import (
    KlingError,
    OutcomeUnknownError,
    TaskFailedError,
    UsageError,
)
from kling_cli.jobs.events import (
    EmitEvent,
    Event,
    Finished,
    JobResult,
    Prepared,
    Remark,
    Submitted,
)
from kling_cli.jobs.history import JobHistory, resolve_references
from kling_cli.jobs.job import RunOptions
from kling_cli.jobs.order import Order
from kling_cli.jobs.outputs.destination import check_output
from kling_cli.jobs.outputs.naming import check_template
from kling_cli.jobs.prepare import (
    check_price,
    credential_kinds,
    new_external_id,
    prepare,
    read_files,
)
from kling_cli.settings import Settings
from kling_cli.store import SavedOutput

PLACEHOLDER_ID = "kling-made-when-sent"
_JOB_EVENTS = (Prepared, Submitted, Finished)


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoStepPlan:
    """Both validated requests; `first` is None when the session is open already.

    `second` has placeholders for a session and choice that are not known yet. `found`
    are the outputs of the session's first call, `video_s` is the video's duration, both
    as far as the journal has them.
    """

    use: SessionSpec
    order: Order
    step: Order
    first: PreparedRequest | None
    second: PreparedRequest
    found: tuple[Output, ...]
    video_s: float | None

    @property
    def session_id(self) -> str | None:
        return self.order.values.get(self.use.session_field)

    @property
    def chosen(self) -> str | None:
        """What the person has chosen, if anything."""
        return self.order.values.get(self.use.choice_field or "")

    @property
    def combined(self) -> PreparedRequest:
        """The second request at the price of both calls."""
        first, second = self.first, self.second
        if first is None or first.estimate is None or second.estimate is None:
            return second
        both = (first.estimate, second.estimate)
        together = Estimate(
            units=_sum_known(each.units for each in both),
            usd=_sum_known(each.usd for each in both),
            at_most_units=_sum_known(each.at_most_units for each in both),
            at_most_usd=_sum_known(each.at_most_usd for each in both),
            basis=" and ".join(each.basis for each in both),
        )
        return replace(second, estimate=together)


def _sum_known(amounts: Iterable[float | None]) -> float | None:
    """Return the sum; None where one of them is not known."""
    known = tuple(amounts)
    total = sum(each for each in known if each is not None)
    return None if None in known else round(total, 4)


def plan_two_steps(order: Order, settings: Settings) -> TwoStepPlan:
    """Return the plan of both calls, validated without the API.

    Raises:
        UsageError: a value of theirs is invalid.
        CredentialsError: these credentials cannot make the calls.
    """
    use, step = catalogue.load_product(order.product).session, order.before
    assert use is not None  # noqa: S101 -- the caller has looked
    assert step is not None  # noqa: S101
    product = catalogue.load_product(order.product)
    step = resolve_references(step, settings)
    order = resolve_references(order, settings)
    order = replace(order, values=read_files(product, order.values))
    history = JobHistory.of(settings)
    session_id = order.values.get(use.session_field)
    earlier = history.job(session_id) if session_id else None
    video_s = _video_duration(step, history) or history.video_seconds(session_id)
    kinds = credential_kinds(settings)
    if use.segment is not None:
        order = _with_sound_end(use.segment, order, history)
        require_segment_fits(use.segment, order.values, video_s=video_s)
    return TwoStepPlan(
        use=use,
        order=order,
        step=step,
        first=None if session_id else prepare(step, kinds, new_id=new_external_id),
        second=prepare(
            _with_placeholders(use, order, video_s),
            kinds,
            new_id=lambda: PLACEHOLDER_ID,
        ),
        found=earlier.outputs if earlier else (),
        video_s=video_s,
    )


def complete_order(
    plan: TwoStepPlan, session_id: str, found: Collection[Output], choice: str
) -> Order:
    """Return the order of the second call, with the results of the first.

    Raises:
        UsageError: the choice and the order do not fit together.
    """
    use, values = plan.use, dict(plan.order.values)
    values[use.session_field] = session_id
    values[str(use.choice_field)] = choice
    if use.segment is None:
        return replace(plan.order, values=values)
    chosen = next((one for one in found if one.id == choice), None)
    seen = _appearance(chosen)
    values[use.segment.insert_field] = segment_insert_s(
        use.segment, values, seen=seen, video_s=plan.video_s
    )
    return replace(plan.order, values=values, seconds=plan.video_s)


def _with_placeholders(use: SessionSpec, order: Order, video_s: float | None) -> Order:
    """Return the order with placeholders for the results of the first call."""
    unknown = {use.session_field: f"<{use.session_field}>"}
    if use.choice_field is not None:
        unknown[use.choice_field] = f"<{use.noun}>"
    values: Mapping[str, Any] = {**unknown, **order.values}
    if use.segment is None:
        return replace(order, values=values)
    least_s = values.get(use.segment.start_field, 0.0) + use.segment.overlap_s
    values = {use.segment.insert_field: 0.0, use.segment.end_field: least_s, **values}
    return replace(order, values=values, seconds=video_s)


def _video_duration(step: Order, history: JobHistory) -> float | None:
    """Return the duration of the first call's video, if the journal has it."""
    fields = catalogue.load_step(step.product).fields
    ids = [step.values.get(each.name) for each in fields if each.id_of]
    return next((history.seconds_of(each) for each in ids if each), None)


def _with_sound_end(fit: SegmentSpec, order: Order, history: JobHistory) -> Order:
    """Return the order with the end of the sound, unless another was given.

    Raises:
        UsageError: the end is not known, or is after that of the sound.
    """
    product, values = catalogue.load_product(order.product), order.values
    given = [name for name in fit.audio_fields if values.get(name)]
    if len(given) != 1:
        return order  # the rules say so
    field, sound, end = (
        product.field(given[0]),
        values[given[0]],
        values.get(fit.end_field),
    )
    seconds = history.seconds_of(sound) if field.id_of else None
    if isinstance(sound, FileContent):
        if sound.facts.format is None:
            return order  # it is no sound: the validation says so
        seconds = sound.duration_s
    if seconds is None and end is None:
        raise UsageError(
            f"{field.spelling}: how long that sound lasts cannot be seen from here",
            hint=f"say where to stop in it, in seconds:"
            f" {product.field(fit.end_field).spelling} 4.5",
        )
    if seconds is not None and end is None:
        _require_long_enough(fit, product, field, seconds, values.get(fit.start_field))
    if seconds is not None and end is not None and round(end - seconds, 2) > 0:
        raise UsageError(
            f"{product.field(fit.end_field).spelling} {end:g}: the sound lasts only"
            f" {seconds:.3f} s"
        )
    if end is None:
        end = math.floor((seconds or 0.0) * 1000) / 1000
    return replace(order, values={**values, fit.end_field: end})


def _require_long_enough(
    fit: SegmentSpec,
    product: Product,
    sound: Field,
    seconds: float,
    start: float | None,
) -> None:
    """Refuse a sound that is too short; the message names the options typed."""
    left_s = round(seconds - (start or 0.0), 3)
    if left_s >= fit.overlap_s:
        return
    begins = product.field(fit.start_field).spelling
    cut = f" ({max(left_s, 0.0):.3g} s from {begins} {start:g})" if start else ""
    raise UsageError(
        f"{sound.spelling}: the sound lasts {seconds:.3g} s{cut};"
        f" {fit.overlap_s:g} s are needed",
        hint="choose a longer sound" + (f", or an earlier {begins}" if start else ""),
    )


def _appearance(found: Output | None) -> Appearance:
    if found is None:
        return Appearance()
    start_s = (found.facts or {}).get("start_s", 0.0)
    if found.duration_s is None:
        return Appearance(start_s=start_s)
    return Appearance(start_s=start_s, end_s=round(start_s + found.duration_s, 3))


ChooseInput = Callable[[tuple[Output, ...]], str]
"""Asks a person which of the outputs to use; returns its id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoStepJob:
    """The run of a two-step job. `ask` lets a person choose; None if there is none."""

    options: RunOptions
    settings: Settings
    emit: EmitEvent
    clock: Clock
    ask: ChooseInput | None = None

    async def run(self, order: Order) -> JobResult:
        """Run both calls.

        Raises:
            KlingError: it ended before anything was sent.
        """
        check_template(self.options.output or "")
        plan = plan_two_steps(order, self.settings)
        check_price(plan.combined, self.options.max_units)
        check_output(self.options, self.settings.output_dir or Path())
        if plan.session_id is not None:
            return await self._run_second(plan, plan.session_id, plan.found, None)
        needs_ingress = self.options.callback == "require"
        found = await self.find(plan.step, needs_ingress=needs_ingress)
        if found.error is not None or found.task_id is None:
            return replace(found, product=order.product)
        outputs = tuple(one.output for one in found.outputs)
        return await self._run_second(plan, found.task_id, outputs, found.units)

    async def find(self, step: Order, *, needs_ingress: bool = False) -> JobResult:
        """Run the first call alone, and report its outputs.

        With `needs_ingress` it is not made unless callbacks could be received.

        Raises:
            KlingError: it ended before the job was in the journal; nothing was sent.
        """
        from kling_cli.jobs.generation import generate  # a plan alone needs no tunnels

        product = catalogue.load_step(step.product)
        options = replace(
            self.options,
            is_waiting=True,
            is_downloading=False,
            output=None,
            needs_ingress=needs_ingress,
        )
        result = await generate(
            step,
            options,
            settings=self.settings,
            emit=partial(self._emit_step_event, product),
            clock=self.clock,
        )
        return (
            result if result.error is not None else self._report_found(result, product)
        )

    def _report_found(self, result: JobResult, step: Product) -> JobResult:
        """Report what was found, and return the result with its session."""
        count = len(result.outputs)
        what = f"{count or 'no'} {step.output}{'' if count == 1 else 's'} found"
        cost = "" if result.units is None else f" ({result.units:g} units)"
        self.emit(Remark(message=f"{what}{cost}, session {result.task_id}"))
        if count:
            return replace(result, session_id=result.task_id)
        return replace(
            result,
            status=TaskStatus.FAILED,
            task_id=None,
            external_id=None,
            error=_nothing_found_error(step),
        )

    async def _run_second(
        self,
        plan: TwoStepPlan,
        session_id: str,
        found: tuple[Output, ...],
        spent: float | None,
    ) -> JobResult:
        """Run the second call; the error's hint says how to repeat it alone."""
        from kling_cli.jobs.generation import generate

        choice = plan.chosen
        try:
            choice = choose_input(plan, found, self.ask)
            order = complete_order(plan, session_id, found, choice)
            result = await generate(
                order,
                replace(self.options, max_units=None),
                settings=self.settings,
                emit=self.emit,
                clock=self.clock,
            )
        except KlingError as exc:
            result = JobResult(
                command=self.options.command,
                status=TaskStatus.UNKNOWN,
                product=plan.order.product,
                outputs=tuple(SavedOutput(output=one) for one in found),
                units=spent,
                error=exc,
            )
        ids = [str(one.id) for one in found]
        likely = choice if choice in ids or not ids else ids[0]
        self._add_repeat_hint(result, plan, session_id, likely or "0")
        return replace(result, session_id=session_id)

    def _add_repeat_hint(
        self, result: JobResult, plan: TwoStepPlan, session_id: str, choice: str
    ) -> None:
        error = result.error
        is_there = result.task_id is not None or isinstance(error, OutcomeUnknownError)
        if error is None or is_there or self.settings.is_sandbox:
            return
        product = catalogue.load_product(plan.order.product)
        session = product.field(plan.use.session_field).spelling
        face = product.field(str(plan.use.choice_field)).spelling
        advice = (
            f"while the session lives, nothing needs to be found again: the same"
            f" command with {session} {session_id} {face} {choice}"
        )
        error.hint = f"{error.hint}; {advice}" if error.hint else advice

    def _emit_step_event(self, step: Product, event: Event) -> None:
        """Emit the events of the first call, except those of a job of its own."""
        if isinstance(event, Prepared):
            cost = "" if event.units is None else f", about {event.units:g} units"
            self.emit(Remark(message=f"looking for {step.output}s{cost}"))
        if not isinstance(event, _JOB_EVENTS):
            self.emit(event)


def choose_input(
    plan: TwoStepPlan, found: tuple[Output, ...], ask: ChooseInput | None
) -> str:
    """Return the id of the output to use: the one given, the only one, or the choice.

    Raises:
        UsageError: it does not exist, or there are several and no one to ask.
        StoppedError: the person asked has stopped the command.
    """
    ids = [str(one.id) for one in found]
    noun, chosen = plan.use.noun, plan.chosen
    if chosen is not None:
        if ids and chosen not in ids:
            raise UsageError(f"there is no {noun} {chosen}: {_list_choices(found)}")
        return chosen
    if len(ids) == 1:
        return ids[0]
    if not ids:
        raise UsageError(
            f"this machine does not know the {noun}s of that session",
            hint=f"say which {noun} is meant",
        )
    if ask is None:
        raise UsageError(
            f"there are {len(ids)} {noun}s, choose one: {_list_choices(found)}"
        )
    return ask(found)


def time_span(one: Output) -> str:
    """Return when an output is seen in the video: `0 to 5.041 s`."""
    seen = _appearance(one)
    if seen.end_s is None:
        return f"from {seen.start_s:g} s"
    return f"{seen.start_s:g} to {seen.end_s:g} s"


def _list_choices(found: tuple[Output, ...]) -> str:
    return ", ".join(f"{one.id} ({time_span(one)})" for one in found)


def _nothing_found_error(step: Product) -> TaskFailedError:
    remedy = step.step.empty_hint if step.step else None
    return TaskFailedError(f"no {step.output} was found in the video", hint=remedy)
