"""Local files as the API takes them: looked at, checked, and as bare base64."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kling_cli.catalogue import audio, image
from kling_cli.catalogue.field import Field, FieldKind
from kling_cli.catalogue.limits import is_url
from kling_cli.catalogue.model import Plan, Problem
from kling_cli.catalogue.prompt import split_handle
from kling_cli.errors import UsageError


def with_files_read(plan: Plan, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values with the content of local files in place of their paths.

    Raises:
        UsageError: a file cannot be read, or the API would not take it.
    """
    read = dict(values)
    for field in plan.product.fields:
        if field.name in read and field.kind in _LINK_ONLY:
            _require_no_file(field, read[field.name])
        if field.name not in read or field.kind not in _PROBLEMS:
            continue
        value = read[field.name]
        if field.is_repeated:
            read[field.name] = tuple(_read(plan, field, each) for each in value)
        else:
            read[field.name] = _read(plan, field, value)
    return read


def sound_seconds(content: str) -> float | None:
    """Return how long a sound lasts that has been read; None for a link to one."""
    if is_url(content):
        return None
    return audio.describe(base64.b64decode(content)).seconds


def _read(plan: Plan, field: Field, value: str) -> str:
    """Return a URL as it is, and a local file as bare base64; a handle stays."""
    handle, name = _parted(field, value)
    if is_url(name):
        return value
    content = base64.b64encode(_content(plan, field, name)).decode("ascii")
    return content if handle is None else f"{handle}={content}"


def _parted(field: Field, value: str) -> tuple[str | None, str]:
    """Part `NAME=FILE`, unless a file is really called so."""
    # takes a text too long for a name
    if not field.has_handle or os.path.isfile(value):  # noqa: PTH113 -- see above
        return None, value
    return split_handle(value)


def _require_no_file(field: Field, value: Any) -> None:
    """Refuse what lies on this machine where the API fetches from a URL.

    Raises:
        UsageError: the value is a file's name.
    """
    for each in value if field.is_repeated else (value,):
        _, name = _parted(field, str(each))
        path = Path(name.removeprefix("file://")).expanduser()
        if not is_url(name) and path.is_file():
            size = path.stat().st_size / 1_000_000
            raise UsageError(
                f"{field.spelling} {name}: a file on this machine ({size:.1f} MB); the"
                f" API takes a {_LINK_ONLY[field.kind]} by URL only",
                hint="put it where the internet can fetch it and give that URL; of what"
                " Kling made, kling status TASK_ID shows it",
            )


def _content(plan: Plan, field: Field, name: str) -> bytes:
    option = field.spelling
    most_bytes = plan.max_bytes(field.name)
    raw = _bytes_of(name, option, most_bytes)
    if len(raw) > most_bytes:
        raise UsageError(
            f"{option} {name}: more than the {most_bytes:,} bytes allowed",
            hint="save it smaller, or give a URL",
        )
    wrong = _PROBLEMS[field.kind](plan, field, raw)
    if wrong:
        raise UsageError(
            f"{option} {name}: " + "; ".join(one.message for one in wrong),
            hint=next((one.hint for one in wrong if one.hint), None),
        )
    return raw


def _bytes_of(name: str, option: str, most_bytes: int) -> bytes:
    try:
        path = Path(name.removeprefix("file://")).expanduser()
        with path.open("rb") as file:
            return file.read(most_bytes + 1)  # no more, be it /dev/zero
    except (OSError, ValueError, RuntimeError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else str(exc)
        raise UsageError(
            f"{option} {name[:200]}: {reason}", hint="give a readable file or a URL"
        ) from exc


def _of_image(plan: Plan, field: Field, raw: bytes) -> tuple[Problem, ...]:
    return image.problems(
        image.describe(raw),
        plan.max_bytes(field.name),
        formats=plan.route.image_formats,
        max_side_px=plan.route.image_max_side_px,
    )


def _of_audio(plan: Plan, field: Field, raw: bytes) -> tuple[Problem, ...]:
    limits = plan.limits.get(field.name)
    seconds = limits.seconds if limits is not None else None
    return audio.problems(audio.describe(raw), seconds=seconds)


_PROBLEMS = {FieldKind.IMAGE: _of_image, FieldKind.AUDIO: _of_audio}
_LINK_ONLY = {FieldKind.VIDEO: "video", FieldKind.LINK: "file"}
