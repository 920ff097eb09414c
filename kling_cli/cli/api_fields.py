"""From the fields of `kling api` to a body of JSON, or to the query of a GET."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from kling_cli.catalogue import paths
from kling_cli.cli.json_source import json_or_text, read_bytes, read_json, strict_json
from kling_cli.errors import UsageError
from kling_cli.text import decode_text

if TYPE_CHECKING:
    from kling_cli.cli.api_options import Sent

_KEY = re.compile(r"[^.\[\]]+(?:\.[^.\[\]]+|\[[^.\[\]]*\])*")
_BRACKETS = re.compile(r"\[([^\[\]]*)\]")
_FILE_HINT = "give a readable file, or - for standard input"


def body_of(sent: Sent) -> Any:
    """Return the body, None for none: the input with the fields on top.

    Raises:
        UsageError: a field, a file or the JSON in it is none.
    """
    body = None if sent.source is None else read_json(sent.source, hint=_FILE_HINT)
    fields = list(_fields(sent))
    if not fields:
        return body
    body = {} if body is None else body
    if not isinstance(body, dict):
        raise UsageError(
            "fields can be put on top of a JSON object only",
            hint="leave out -f and -F, or --input",
        )
    for key, value in fields:
        _put(body, key, value)
    return body


def query_of(sent: Sent) -> Mapping[str, str]:
    """Return the fields as parameters of a query; a list is separated by commas.

    Raises:
        UsageError: there is a body, or an object where a query has a value.
    """
    if sent.source is not None:
        raise UsageError(
            "GET has no body, so --input is of no use to it",
            hint="give the parameters with -f, or use POST",
        )
    fields = body_of(sent) or {}
    return {key: _parameter(key, value) for key, value in fields.items()}


def _fields(sent: Sent) -> Iterator[tuple[str, Any]]:
    for text in sent.texts or ():
        yield _parted("-f", text)
    for text in sent.values or ():
        key, value = _parted("-F", text)
        yield key, _typed(value)


def _parted(option: str, text: str) -> tuple[str, str]:
    key, separator, value = text.partition("=")
    if not separator or not _KEY.fullmatch(key):
        raise UsageError(
            f"{option} {text}: not of the form KEY=VALUE",
            hint="-f prompt=… -F settings.duration=5 -f 'contents[][type]=prompt'",
        )
    return key, value


def _typed(text: str) -> Any:
    return _content(text[1:]) if text.startswith("@") else json_or_text(text)


def _content(name: str) -> Any:
    """Return what a file holds, as the API wants it in a body."""
    raw = read_bytes(name, hint=_FILE_HINT)
    if name.lower().endswith(".json"):
        try:
            return strict_json(raw)
        except ValueError as exc:
            raise UsageError(f"@{name} is not JSON: {exc}") from exc
    try:
        return decode_text(raw)
    except ValueError:
        return base64.b64encode(raw).decode("ascii")


def _put(body: dict[str, Any], key: str, value: Any) -> None:
    steps: list[str] = []
    wanted = _BRACKETS.sub(r".\1", key).split(".")
    for number, step in enumerate(wanted):
        rest = wanted[number + 1 :]
        steps.append(step or str(_index(paths.get(body, ".".join(steps)), rest)))
    try:
        paths.put(body, ".".join(steps), value)
    except UsageError as exc:
        raise UsageError(
            f"{key}: {exc.message}", hint="one field may not be a value and an object"
        ) from exc


def _index(entries: Any, rest: list[str]) -> int:
    """Return which entry `[]` means: the last while it lacks what comes, else a new."""
    if not isinstance(entries, list):
        return 0
    is_open = bool(entries) and bool(rest) and isinstance(entries[-1], dict)
    if is_open and ("" in rest or paths.get(entries[-1], ".".join(rest)) is None):
        return len(entries) - 1
    return len(entries)


def _parameter(key: str, value: Any) -> str:
    each = value if isinstance(value, list) else [value]
    if any(isinstance(one, dict | list) for one in each):
        raise UsageError(
            f"{key}: a query has no place for objects", hint="use POST, or a text"
        )
    return ",".join(one if isinstance(one, str) else json.dumps(one) for one in each)
