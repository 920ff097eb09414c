"""Dotted paths into a body of JSON: `settings.audio`, `video_list.0.video_url`."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from kling_cli.errors import UsageError


def get(body: Any, path: str) -> Any:
    """Return what stands at `path`, None when there is nothing or null."""
    for step in path.split("."):
        if isinstance(body, dict):
            body = body.get(step)
        elif isinstance(body, list) and step.isdecimal() and int(step) < len(body):
            body = body[int(step)]
        else:
            return None
    return body


def put(body: dict[str, Any], path: str, value: Any) -> None:
    """Set `path` to `value`, making objects and lists where there are none yet.

    A number is an index where a list stands or nothing does yet; one past the end of a
    list appends.

    Raises:
        UsageError: the path leads through a list by a word, or through a value.
    """
    here: Any = body
    steps = path.split(".")
    for step, following in pairwise(steps):
        below = get(here, step)
        if below is None:
            below = [] if following.isdecimal() else {}
            _set(here, step, below, path)
        here = below
    _set(here, steps[-1], value, path)


def _set(here: Any, step: str, value: Any, path: str) -> None:
    if isinstance(here, dict):
        here[step] = value
    elif isinstance(here, list) and step.isdecimal():
        here[int(step) : int(step) + 1] = [value]
    else:
        raise UsageError(
            f"{path}: {step} stands where the request has no object",
            hint="see the request with --dry-run",
        )
