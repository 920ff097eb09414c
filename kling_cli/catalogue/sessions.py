"""Validates jobs that build on the session of an earlier call.

Some products take two calls: a step (`data/steps/`) opens a session and finds things
in a video, and the product's own call names that session. `SessionSpec` names the
fields concerned; no other code names them.
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
    """The fields that place a segment of audio in the video, beside the chosen thing.

    `audio_fields` may hold the audio, `start_field` and `end_field` bound the segment,
    `insert_field` is its time in the video; the chosen thing must be seen during at
    least `overlap_s` of it. All times are in seconds.
    """

    audio_fields: tuple[str, ...]
    start_field: str
    end_field: str
    insert_field: str
    overlap_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSpec:
    """The step that opens a session, and the fields that refer to it.

    `session_field` holds the session's id. The product's command makes the step's call
    itself when it `is_opened_here`; otherwise a command of its own does. `choice_field`
    selects one of the things found, each a `noun`. `video_durations` are the durations
    of the video, in seconds, that go with a field's value.
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
    """What a step has beyond other calls.

    `empty_hint` is for a call that recognised nothing, `refused_hint` for one that was
    refused, most likely because the session has ended; the session it opens lives for
    `session_hours`, where that is known. `next_steps` are lines with what to type next.
    If it `is_saved`, its answer has files worth saving.
    """

    empty_hint: str
    refused_hint: str | None = None
    session_hours: int | None = None
    next_steps: tuple[str, ...] = ()
    is_saved: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Appearance:
    """When a thing is seen in a video; `end_s` is None where it is unknown."""

    start_s: float = 0.0
    end_s: float | None = None


def segment_insert_s(
    segment: SegmentSpec,
    values: Mapping[str, Any],
    *,
    seen: Appearance,
    video_s: float | None,
) -> float:
    """Return when in the video the segment begins: as given, or when the thing appears.

    It begins earlier where it would otherwise exceed the video's end.

    Raises:
        UsageError: the thing is not seen for long enough, or the video ends before.
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
    """Return when the segment fits into a video of this duration.

    Raises:
        UsageError: it is longer, or begins too late.
    """
    if segment.end_field not in values or video_s is None:
        return
    segment_insert_s(segment, values, seen=Appearance(), video_s=video_s)


def fit_video_duration(
    use: SessionSpec, values: Mapping[str, Any], video_s: float | None
) -> dict[str, Any]:
    """Return the values with those that follow from the duration of the video.

    Raises:
        UsageError: a given one does not go with that duration.
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
