"""A job of two calls as it is meant, before either is sent; and what it then becomes.

The first call opens a session and says what is in a video; the second names the session
and what was chosen. Whatever can be wrong with the second is found before the first,
which costs something, is sent.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from kling_cli.api.task import Output
from kling_cli.catalogue import catalogue, default_model
from kling_cli.catalogue.field import Field
from kling_cli.catalogue.model import CredentialKind, Product
from kling_cli.catalogue.rule import Estimate
from kling_cli.catalogue.session import Fit, Seen, SessionUse, insertion, require_room
from kling_cli.errors import UsageError
from kling_cli.jobs.media import sound_seconds, with_files_read
from kling_cli.jobs.memory import Memory, with_memory
from kling_cli.jobs.prepare import Order, Request, prepare
from kling_cli.jobs.run import kinds_of, new_external_id
from kling_cli.settings.settings import Settings

UNKNOWN_ID = "kling-made-when-sent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """Both orders, checked; `first` is None when the session is open already.

    `second` stands for a request whose session and choice are not known yet. `found` is
    what an earlier run has found in the session, `video_s` how long the video is, as
    far as this machine knows.
    """

    use: SessionUse
    order: Order
    step: Order
    first: Request | None
    second: Request
    found: tuple[Output, ...]
    video_s: float | None

    @property
    def session_id(self) -> str | None:
        return self.order.values.get(self.use.named_by)

    @property
    def said(self) -> str | None:
        """What the person has chosen, if they have."""
        return self.order.values.get(self.use.choice or "")

    @property
    def whole(self) -> Request:
        """The second request at the price of both calls."""
        first, second = self.first, self.second
        if first is None or first.estimate is None or second.estimate is None:
            return second
        both = (first.estimate, second.estimate)
        together = Estimate(
            units=_sum(each.units for each in both),
            usd=_sum(each.usd for each in both),
            at_most_units=_sum(each.at_most_units for each in both),
            at_most_usd=_sum(each.at_most_usd for each in both),
            basis=" and ".join(each.basis for each in both),
        )
        return replace(second, estimate=together)


def _sum(amounts: Iterable[float | None]) -> float | None:
    """Return the sum; None where one of them is not known."""
    known = tuple(amounts)
    total = sum(each for each in known if each is not None)
    return None if None in known else round(total, 4)


def intend(order: Order, settings: Settings) -> Intent:
    """Return both calls, checked as far as nobody needs to be asked.

    Raises:
        UsageError: something of them will not do.
        CredentialsError: these credentials cannot make the calls.
    """
    use, step = catalogue.load(order.product).session, order.before
    assert use is not None  # noqa: S101 -- the caller has looked
    assert step is not None  # noqa: S101
    order, step = with_memory(order, settings), with_memory(step, settings)
    memory = Memory.of(settings)
    session_id = order.values.get(use.named_by)
    earlier = memory.job(session_id) if session_id else None
    video_s = _length(step, memory) or memory.video_seconds(session_id)
    kinds = kinds_of(settings)
    if use.fit is not None:
        order = _with_end(use.fit, order, kinds, memory)
        require_room(use.fit, order.values, video_s=video_s)
    return Intent(
        use=use,
        order=order,
        step=step,
        first=None if session_id else prepare(step, kinds, new_id=new_external_id),
        second=prepare(
            _as_if_known(use, order, video_s), kinds, new_id=lambda: UNKNOWN_ID
        ),
        found=earlier.outputs if earlier else (),
        video_s=video_s,
    )


def complete(
    intent: Intent, session_id: str, found: Collection[Output], choice: str
) -> Order:
    """Return the order of the second call, with all that the first one has told.

    Raises:
        UsageError: what was chosen does not go with what was asked for.
    """
    use, values = intent.use, dict(intent.order.values)
    values[use.named_by] = session_id
    values[str(use.choice)] = choice
    if use.fit is None:
        return replace(intent.order, values=values)
    chosen = next((one for one in found if one.id == choice), None)
    seen = _seen(chosen)
    values[use.fit.insert] = insertion(
        use.fit, values, seen=seen, video_s=intent.video_s
    )
    return replace(intent.order, values=values, seconds=intent.video_s)


def _as_if_known(use: SessionUse, order: Order, video_s: float | None) -> Order:
    """Return the order with marks in place of what only the first call will tell."""
    unknown = {use.named_by: f"<{use.named_by}>"}
    if use.choice is not None:
        unknown[use.choice] = f"<{use.noun}>"
    values: Mapping[str, Any] = {**unknown, **order.values}
    if use.fit is None:
        return replace(order, values=values)
    least_s = values.get(use.fit.start, 0.0) + use.fit.overlap_s
    values = {use.fit.insert: 0.0, use.fit.end: least_s, **values}
    return replace(order, values=values, seconds=video_s)


def _length(step: Order, memory: Memory) -> float | None:
    """Return how long the video is that the first call is about."""
    fields = catalogue.step(step.product).fields
    ids = [step.values.get(each.name) for each in fields if each.id_of]
    return next((memory.seconds_of(each) for each in ids if each), None)


def _with_end(
    fit: Fit, order: Order, kinds: Collection[CredentialKind], memory: Memory
) -> Order:
    """Return the order with the sound's end where nobody said another.

    Raises:
        UsageError: nobody here knows where the sound ends, or it ends before.
    """
    product = catalogue.load(order.product)
    given = [name for name in fit.sounds if order.values.get(name)]
    if len(given) != 1:
        return order  # the rules say so
    plan = default_model.plan_for(product, order.model, order.values, kinds).plan
    values = with_files_read(plan, order.values)
    sound, end = str(values[given[0]]), values.get(fit.end)
    field = product.field(given[0])
    seconds = memory.seconds_of(sound) if field.id_of else sound_seconds(sound)
    if seconds is None and end is None:
        raise UsageError(
            f"{field.spelling}: how long that sound lasts cannot be seen from here",
            hint=f"say where to stop in it, in seconds:"
            f" {product.field(fit.end).spelling} 4.5",
        )
    if seconds is not None and end is None:
        _require_enough(fit, product, field, seconds, values.get(fit.start))
    if seconds is not None and end is not None and round(end - seconds, 2) > 0:
        raise UsageError(
            f"{product.field(fit.end).spelling} {end:g}: the sound lasts only"
            f" {seconds:.3f} s"
        )
    if end is None:
        values[fit.end] = math.floor((seconds or 0.0) * 1000) / 1000
    return replace(order, values={**order.values, fit.end: values[fit.end]})


def _require_enough(
    fit: Fit, product: Product, sound: Field, seconds: float, start: float | None
) -> None:
    """Refuse a sound that is too short to its end, by the options that were typed."""
    left_s = round(seconds - (start or 0.0), 3)
    if left_s >= fit.overlap_s:
        return
    begins = product.field(fit.start).spelling
    cut = f" ({max(left_s, 0.0):.3g} s from {begins} {start:g})" if start else ""
    raise UsageError(
        f"{sound.spelling}: the sound lasts {seconds:.3g} s{cut};"
        f" {fit.overlap_s:g} s are needed",
        hint="choose a longer sound" + (f", or an earlier {begins}" if start else ""),
    )


def _seen(found: Output | None) -> Seen:
    if found is None:
        return Seen()
    start_s = (found.facts or {}).get("start_s", 0.0)
    if found.duration_s is None:
        return Seen(start_s=start_s)
    return Seen(start_s=start_s, end_s=round(start_s + found.duration_s, 3))
