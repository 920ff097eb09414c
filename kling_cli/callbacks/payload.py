"""Parser of callback bodies, which are untrusted input.

Pure. Source: API reference 4.2 to 4.4, read 2026-10-04.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

from kling_cli.catalogue import Generation

MAX_DEPTH: Final = 32  # a documented body has five levels
MAX_DIGITS: Final = 64
MAX_ID_LENGTH: Final = 256
UNKNOWN: Final = "unknown"

# The status of both generations to ours. Either shape may have either.
_STATUSES: Final = {
    "submitted": "submitted",
    "processing": "processing",
    "succeed": "succeeded",
    "succeeded": "succeeded",
    "failed": "failed",
}


class MalformedPayloadError(ValueError):
    """A body that is not a callback; the message quotes nothing of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackPayload:
    """What a callback claims about a task; the API is asked before it is believed.

    `status` is `submitted`, `processing`, `succeeded`, `failed`, or `unknown` for any
    other word and for none. `generation` is read from the keys. `document` is all that
    the body says about the task.
    """

    task_id: str
    external_id: str | None
    status: str
    generation: Generation
    document: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


def parse_payload(raw: bytes) -> CallbackPayload:
    """Return what `raw` claims about a task.

    Accepted are the flat object of either generation, the same in an envelope under
    `data`, and the short form with `task_id` and `status`.

    Raises:
        MalformedPayloadError: it is none of these, or malformed JSON: repeated keys,
            NaN, overlong numbers, lone surrogates, deep nesting.
    """
    task = parse_object(raw)
    is_legacy = "task_id" in task
    status = task.get("task_status") or task.get("status")
    return CallbackPayload(
        task_id=_task_id(task["task_id" if is_legacy else "id"]),
        external_id=_external_id(task),
        status=_STATUSES.get(status.lower(), UNKNOWN)
        if isinstance(status, str)
        else UNKNOWN,
        generation=Generation.LEGACY if is_legacy else Generation.NEW,
        document=task,
    )


def parse_object(raw: bytes) -> dict[str, Any]:
    """Return the object that describes the task, as the API's own answers have it.

    Raises:
        MalformedPayloadError: there is none, or `parse_payload` refuses the body.
    """
    return _task_object(_parse(raw))


def _task_object(document: Any) -> dict[str, Any]:
    """Return the object that describes the task, from its envelope if there is one."""
    if isinstance(document, dict):
        for candidate in (document.get("data"), document):
            if isinstance(candidate, dict) and (
                "task_id" in candidate or "id" in candidate
            ):
                return candidate
    raise MalformedPayloadError("no object with a task id")


def _task_id(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if isinstance(value, str) and 0 < len(value) <= MAX_ID_LENGTH:
        return value
    raise MalformedPayloadError("the task id is not a text of sensible length")


def _external_id(task: dict[str, Any]) -> str | None:
    info = task.get("task_info")
    inner = info.get("external_task_id") if isinstance(info, dict) else None
    for value in (task.get("external_id"), inner, task.get("external_task_id")):
        if isinstance(value, str) and 0 < len(value) <= MAX_ID_LENGTH:
            return value
    return None


def _parse(raw: bytes) -> Any:
    try:
        document = _DECODER.decode(raw.removeprefix(_BOM).decode())
    except MalformedPayloadError:
        raise
    except RecursionError:
        raise MalformedPayloadError("JSON nested too deeply") from None
    except ValueError:  # not UTF-8, not JSON
        raise MalformedPayloadError("not JSON in UTF-8") from None
    if _needs_full_check(raw):
        _check_texts(document)
    return document


def _needs_full_check(raw: bytes) -> bool:
    """Return whether depth or surrogates must be checked, judging by the bytes alone.

    Text decoded from UTF-8 has no surrogates but those that are written as escapes.
    """
    return rb"\u" in raw or raw.count(b"[") + raw.count(b"{") >= MAX_DEPTH


def _check_texts(document: Any) -> None:
    for text in _texts(document):
        if not text.isascii() and _has_lone_surrogate(text):
            raise MalformedPayloadError("text with a lone surrogate")


def _texts(document: Any) -> Iterator[str]:
    """Yield every text in the document, keys included, without recursion."""
    level: list[Any] = [document]
    for _ in range(MAX_DEPTH):
        below: list[Any] = []
        for value in level:
            if isinstance(value, str):
                yield value
            else:
                below.extend(_children(value))
        level = below
    if level:
        raise MalformedPayloadError("JSON nested too deeply")


def _children(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return [*value.keys(), *value.values()]
    return value if isinstance(value, list) else ()


def _has_lone_surrogate(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise MalformedPayloadError("a key that is repeated")
    return document


def _integer(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise MalformedPayloadError("a number without end")
    return int(digits)


def _float(digits: str) -> float:
    value = float(digits) if len(digits) <= MAX_DIGITS else math.inf
    if not math.isfinite(value):
        raise MalformedPayloadError("a number without end")
    return value


def _constant(_name: str) -> NoReturn:
    raise MalformedPayloadError("a number that is none")


_BOM: Final = b"\xef\xbb\xbf"
_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_int=_integer,
    parse_float=_float,
    parse_constant=_constant,
)
