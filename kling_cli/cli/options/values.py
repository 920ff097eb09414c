"""Task ids as they come from a command line."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from kling_cli.catalogue import Field, FieldKind, Product
from kling_cli.cli.options.product_fields import MODES
from kling_cli.cli.output.streams import read_input
from kling_cli.errors import UsageError
from kling_cli.text import BYTE_ORDER_MARK, decode_text, is_text, normal_text


def distinct(task_ids: Iterable[str]) -> tuple[str, ...]:
    """Return the ids in the order typed, each once, without surrounding space.

    A list of ids that Windows has saved gives them with carriage returns and a mark.

    Raises:
        UsageError: one is empty, as an unset shell variable makes it.
    """
    ids = tuple(dict.fromkeys(normal_text(each).strip() for each in task_ids))
    if not is_text(ids):
        raise UsageError(
            "a task id is not a text", hint="kling list shows the ids of this machine"
        )
    if "" in ids:
        raise UsageError(
            "a task id is empty", hint="kling list shows the ids of this machine"
        )
    return ids


def strict_json(text: str | bytes) -> Any:
    """Return the value of a JSON text.

    Raises:
        ValueError: it is none, or has a number that JSON cannot write: NaN, 1e999.
    """
    if isinstance(text, str):
        text = text.removeprefix(BYTE_ORDER_MARK)  # in bytes json sees it itself
    try:
        return json.loads(text, parse_constant=_finite, parse_float=_finite)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def json_or_text(text: str) -> Any:
    """Return the value of a JSON text; what is no JSON is the value itself."""
    try:
        return strict_json(text)
    except ValueError:
        return text


def read_json(source: str, *, hint: str) -> Any:
    """Return the JSON of a file, or of standard input for `-`.

    Raises:
        UsageError: it cannot be read (`hint` says what to do), or is not JSON.
    """
    raw = read_bytes(source, hint=hint)
    try:
        return strict_json(raw)
    except ValueError as exc:
        raise UsageError(f"{named(source)} is not JSON: {exc}", hint=hint) from exc


def read_bytes(source: str, *, hint: str) -> bytes:
    """Return the content of a file, or of standard input for `-`.

    Raises:
        UsageError: it cannot be read.
    """
    if source == "-":
        return _read_stdin(hint)
    try:
        return Path(source).expanduser().read_bytes()
    except (OSError, ValueError, RuntimeError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else str(exc)
        raise UsageError(f"{named(source)}: {reason}", hint=hint) from exc


def named(source: str) -> str:
    """Return what a message calls `source`."""
    return "standard input" if source == "-" else source


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is no number of JSON")
    return number


def _read_stdin(hint: str) -> bytes:
    from kling_cli.cli.output.streams import read_input

    try:
        return read_input()
    except UsageError as exc:
        raise UsageError(exc.message, hint=hint) from exc


_SECONDS = re.compile(r"(\d{1,6}(?:\.\d{1,3})?)\s*s?")  # the API counts milliseconds
_POINT = re.compile(r"(\d*\.?\d+)\s*,\s*(\d*\.?\d+)")
_NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)?")


def read_values(
    product: Product,
    typed: Mapping[str, Any],
    *,
    read_stdin: Callable[[], str] | None = None,
) -> dict[str, Any]:
    """Return the values that were given, by field name; `typed` has None for the rest.

    Raises:
        UsageError: no JSON, no such file, an empty prompt, two different resolutions, a
            negative prompt that looks like a count.
    """
    given = {
        field.name: _value(field, typed[field.name])
        for field in product.fields
        if typed.get(field.name) not in (None, [], ())
    }
    if given.get("prompt") == "-":
        given["prompt"] = (read_stdin or _text_from_stdin)()
    if not str(given.get("prompt", "words")).strip():
        raise UsageError("the prompt is empty", hint="say what the video should show")
    _refuse_count(product, str(given.get("negative_prompt", "")))
    if typed.get("mode") is not None:
        _take_mode(given, typed["mode"])
    return given


def read_extra(pairs: Sequence[str]) -> dict[str, Any]:
    """Return `--set` pairs by dotted key; a value that is no JSON is text.

    Raises:
        UsageError: a pair without a key or without `=`.
    """
    extra: dict[str, Any] = {}
    for pair in pairs:
        key, separator, value = pair.partition("=")
        if not separator or not all(key.split(".")):
            raise UsageError(
                f"--set {pair}: not of the form KEY=VALUE",
                hint="--set settings.seed=7",
            )
        extra[key] = json_or_text(value)
    return extra


def _value(field: Field, typed: Any) -> Any:
    read = _READERS.get(field.kind, _as_typed)
    if field.is_repeated:
        return tuple(one for each in typed for one in _several(field, each))
    return read(field, typed)


def _several(field: Field, typed: Any) -> Sequence[Any]:
    """Return the values of one option: itself, or those of a JSON list."""
    read = _READERS.get(field.kind, _as_typed)
    is_list = isinstance(typed, str) and re.match(r"\[|@.+\.json$", typed)
    if field.kind is FieldKind.JSON or not is_list:
        return (read(field, typed),)
    if os.path.isfile(typed):  # noqa: PTH113 -- takes a text too long for a name
        return (read(field, typed),)
    values = _json(field, typed)
    if not isinstance(values, list):
        raise UsageError(f"{field.spelling} {typed[:80]}: not a JSON list")
    return values


def _text(_field: Field, typed: Any) -> Any:
    return normal_text(typed) if isinstance(typed, str) else typed


def _as_typed(_field: Field, typed: Any) -> Any:
    return typed


def _point(field: Field, typed: Any) -> Any:
    """Return a point that was typed as `X,Y`; what is a value already."""
    if not isinstance(typed, str):
        return typed
    found = _POINT.fullmatch(typed.strip())
    if found is None:
        raise UsageError(
            f"{field.spelling} {typed}: not two shares, of width and of height",
            hint=f"{field.spelling} 0.5,0.5 is the middle of the picture",
        )
    return {"x": float(found[1]), "y": float(found[2])}


def _seconds(field: Field, typed: Any) -> Any:
    """Return seconds that were typed; what is a number already."""
    if not isinstance(typed, str):
        return typed
    found = _SECONDS.fullmatch(typed.strip())
    if found is None:
        raise UsageError(
            f"{field.spelling} {typed}: not a number of seconds",
            hint=f"{field.spelling} 1.5",
        )
    return float(found[1])


def _take_mode(given: dict[str, Any], mode: str) -> None:
    resolution = MODES[mode]
    if given.setdefault("resolution", resolution) != resolution:
        raise UsageError(
            f"--mode {mode} means --resolution {resolution},"
            f" and --resolution {given['resolution']} was given too",
            hint="leave one of them out",
        )


def _refuse_count(product: Product, negative: str) -> None:
    """Refuse a number as a negative prompt where `-n` means that, and nothing counts.

    Elsewhere, in image commands and in most other programs, `-n 4` makes four of them.
    """
    if not _NUMBER.fullmatch(negative.strip()):
        return
    field = product.field("negative_prompt")
    if "-n" in field.options:
        raise UsageError(
            f"{field.spelling} {negative}: only a number, and this says what to avoid",
            hint="one run makes one result: leave out -n, and run the command once for"
            f' each; or say it in words: {field.spelling} "the number {negative}"',
        )


def _json(field: Field, text: Any) -> Any:
    """Return the value of a JSON text or of a file of it; what is a value already."""
    if not isinstance(text, str):
        return text
    source = _file(field, text[1:]) if text.startswith("@") else text
    try:
        return strict_json(source)
    except ValueError as exc:
        raise UsageError(
            f"{field.spelling} {text[:80]}: not JSON: {exc}",
            hint="quote it for the shell, or put it into a file and give @file.json",
        ) from exc


_READERS: Mapping[FieldKind, Callable[[Field, Any], Any]] = MappingProxyType(
    {
        FieldKind.TEXT: _text,
        FieldKind.JSON: _json,
        FieldKind.TIME: _seconds,
        FieldKind.POINT: _point,
    }
)


def _file(field: Field, name: str) -> str:
    try:
        return decode_text(Path(name).expanduser().read_bytes())
    except (OSError, ValueError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else str(exc)
        raise UsageError(f"{field.spelling} @{name}: {reason}") from exc


def _text_from_stdin() -> str:
    """Return standard input to its end, as text."""
    try:
        return decode_text(read_input()).strip()
    except ValueError as exc:
        raise UsageError(
            f"standard input is {exc}", hint="save it as UTF-8, or convert it: iconv"
        ) from exc
