"""How a product builds on a call made before it: on its session, and what it found.

Some products take two calls: a step (`data/steps/`) opens a session and says what is in
a video, and the product's own call names that session. `SessionUse` says which of our
fields are concerned; what is decided by it is decided here, and nowhere by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kling_cli.errors import UsageError

# A clip ordered with 5 s has 5.041. Source: API reference, section 6, read 2026-10-04.
DURATION_TOLERANCE_S = 0.05

Range = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentSpec:
    """Where a cut of a sound goes that belongs to something seen in the video.

    `sounds` are the fields that may hold the sound, `start` and `end` those of the cut,
    `insert` that of the moment in the video; for `overlap_s` of it the chosen thing
    must be seen. All of it in seconds.
    """

    audio_fields: tuple[str, ...]
    start_field: str
    end_field: str
    insert_field: str
    overlap_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSpec:
    """Which step opens a session; the product's field `session_field` holds its id.

    The product's command takes the step itself when it `is_opened_here`; otherwise a
    command of its own does. `choice` is the field that says which of the things found,
    each a `noun`, is meant. `lengths` says how long the video must be, in seconds, by
    field and value.
    """

    step: str
    session_field: str
    noun: str
    is_opened_here: bool = False
    choice_field: str | None = None
    segment: SegmentSpec | None = None
    video_durations: Mapping[str, Mapping[int, Range]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepSpec:
    """What is to be known of a step besides what every call has.

    `remedy` is what to try when it has recognised nothing, `over` when it was refused,
    most likely because the session has ended; the one that it opens lives for
    `session_hours`, where that is known. `follows` are lines that say what to type
    next. What it answers is worth keeping where it `saves`.
    """

    empty_hint: str
    refused_hint: str | None = None
    session_hours: int | None = None
    next_steps: tuple[str, ...] = ()
    is_saved: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Appearance:
    """When something is seen in a video; `end_s` None: nobody here knows."""

    start_s: float = 0.0
    end_s: float | None = None


def segment_insert_s(
    segment: SegmentSpec,
    values: Mapping[str, Any],
    *,
    seen: Appearance,
    video_s: float | None,
) -> float:
    """Return when in the video the cut begins: as said, or when the thing appears.

    It begins earlier where it would otherwise run beyond the video's end.

    Raises:
        UsageError: it is not seen long enough meanwhile, or the video ends before.
    """
    cut_s = values[segment.end_field] - values.get(segment.start_field, 0.0)
    at_s = values.get(segment.insert_field)
    if at_s is None:
        latest_s = seen.start_s if video_s is None else max(0.0, video_s - cut_s)
        at_s = _round_to_ms(min(seen.start_s, latest_s))
    if video_s is not None and at_s + cut_s > video_s + DURATION_TOLERANCE_S:
        raise _segment_too_long(cut_s, at_s, video_s)
    if seen.end_s is None:
        return float(at_s)
    shared_s = min(at_s + cut_s, seen.end_s) - max(at_s, seen.start_s)
    if round(shared_s, 3) < segment.overlap_s:
        raise UsageError(
            f"the sound goes from {at_s:g} to {_round_to_ms(at_s + cut_s):g} s of the"
            f" video and the face is seen from {seen.start_s:g} to {seen.end_s:g} s:"
            f" {segment.overlap_s:g} s of it must be common",
            hint="choose another --at, or another --face",
        )
    return float(at_s)


def require_segment_fits(
    segment: SegmentSpec, values: Mapping[str, Any], *, video_s: float | None
) -> None:
    """Return when the cut can be in a video of this length at all.

    Raises:
        UsageError: it is longer, or begins too late.
    """
    if segment.end_field not in values or video_s is None:
        return
    segment_insert_s(segment, values, seen=Appearance(), video_s=video_s)


def fit_video_duration(
    use: SessionSpec, values: Mapping[str, Any], video_s: float | None
) -> dict[str, Any]:
    """Return the values with those that follow from the length of the video.

    Raises:
        UsageError: one that was said does not go with that length.
    """
    found = dict(values)
    if video_s is None:
        return found
    for name, by_value in use.video_durations.items():
        able = [value for value, span in by_value.items() if _is_within(video_s, span)]
        if not able or found.get(name, able[0]) not in by_value:
            continue  # the API, or the limits, say what is wrong
        if found.setdefault(name, able[0]) not in able:
            raise UsageError(
                f"--{name} {found[name]}: the selected video lasts {video_s:.3g} s",
                hint=f"--{name} {able[0]} goes with it",
            )
    return found


def _is_within(seconds: float, span: Range) -> bool:
    return span[0] - DURATION_TOLERANCE_S <= seconds <= span[1] + DURATION_TOLERANCE_S


def _segment_too_long(cut_s: float, at_s: float, video_s: float) -> UsageError:
    room_s = _round_to_ms(video_s - at_s)
    return UsageError(
        f"{_round_to_ms(cut_s):g} s of sound from {at_s:g} s on end after the video,"
        f" which lasts {video_s:g} s",
        hint=f"at most {max(room_s, 0.0):g} s of it fit in: cut it with --from and"
        " --to, or choose another --at",
    )


def _round_to_ms(seconds: float) -> float:
    return round(seconds, 3)
