"""One value of a body, by the kind of its field and the way its place spells it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from kling_cli.catalogue.field import FieldKind
from kling_cli.catalogue.model import Problem
from kling_cli.catalogue.place import Place

_JSON_TYPES: Mapping[FieldKind, tuple[tuple[type, ...], str]] = {
    FieldKind.INTEGER: ((int,), "an integer"),
    FieldKind.NUMBER: ((int, float), "a number"),
    FieldKind.SWITCH: ((bool,), "a boolean"),
    FieldKind.CHOICE: ((str, int, float), "a string or a number"),
    FieldKind.POINT: ((dict,), "an object"),
    FieldKind.JSON: ((dict, list), "an object or an array"),
}


class UnreadableError(Exception):
    """A raw value that stands for none of ours."""

    def __init__(self, wire: str, message: str) -> None:
        super().__init__(message)
        self.problem = Problem(field=wire, message=message)


def decode(place: Place, kind: FieldKind, raw: Any, wire: str) -> Any:
    """Return our value for `raw`, which stands at `wire`.

    Raises:
        UnreadableError: it is missing, of another type, or no word of the API's.
    """
    if raw is None:
        raise UnreadableError(wire, f"{wire} is required")
    if place.encode is not None:
        return _ours(place.encode, raw, wire)
    if place.sent_as == "text":
        return _number(kind, raw, wire)
    if place.sent_as == "integer":
        return str(typed(FieldKind.INTEGER, raw, wire))
    if place.sent_as == "milliseconds":
        return typed(FieldKind.INTEGER, raw, wire) / 1000
    return typed(kind, raw, wire)


def typed(kind: FieldKind, raw: Any, wire: str) -> Any:
    """Return `raw` when it has the JSON type of `kind`."""
    types, words = _JSON_TYPES.get(kind, ((str,), "a string"))
    is_flag = isinstance(raw, bool) and kind is not FieldKind.SWITCH
    if is_flag or not isinstance(raw, types):
        raise UnreadableError(wire, f"{wire} must be {words}")
    return raw


def _ours(encode: Mapping[Any, Any], raw: Any, wire: str) -> Any:
    for ours, theirs in encode.items():
        if type(raw) is type(theirs) and raw == theirs:
            return ours
    raise UnreadableError(wire, f"{wire} value '{raw}' is invalid")


def _number(kind: FieldKind, raw: Any, wire: str) -> Any:
    text = typed(FieldKind.TEXT, raw, wire)
    if not re.fullmatch(r"-?\d{1,9}(\.\d{1,9})?", text):
        raise UnreadableError(wire, f"{wire} value '{text}' is invalid")
    if kind is FieldKind.INTEGER and "." in text:
        raise UnreadableError(wire, f"{wire} value '{text}' is invalid")
    return int(text) if kind is FieldKind.INTEGER else float(text)


def shots(raw: Any, wire: str) -> tuple[dict[str, Any], ...]:
    """Return the shots of a legacy `multi_prompt`, in the order of their indexes.

    Raises:
        UnreadableError: an entry is not of the documented form.
    """
    entries = typed(FieldKind.JSON, raw, wire)
    if not isinstance(entries, list):
        raise UnreadableError(wire, f"{wire} must be an array")
    numbered = dict(_shot(each, f"{wire}[{i}]") for i, each in enumerate(entries))
    if sorted(numbered) != list(range(1, len(entries) + 1)):
        raise UnreadableError(wire, f"{wire} indexes must count from 1")
    return tuple(numbered[number] for number in sorted(numbered))


def _shot(entry: Any, wire: str) -> tuple[int, dict[str, Any]]:
    if not isinstance(entry, Mapping):
        raise UnreadableError(wire, f"{wire} must be an object")
    index = decode(Place(at=""), FieldKind.INTEGER, entry.get("index"), f"{wire}.index")
    words = decode(Place(at=""), FieldKind.TEXT, entry.get("prompt"), f"{wire}.prompt")
    as_text = Place(at="", sent_as="text")
    seconds = decode(
        as_text, FieldKind.INTEGER, entry.get("duration"), f"{wire}.duration"
    )
    return index, {"duration": seconds, "prompt": words}
