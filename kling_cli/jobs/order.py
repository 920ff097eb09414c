"""An order: what a person asks for, parsed from options or from a JSON value.

A command parses its options here, `kling run` a complete request (`--dry-run --json`
prints one, `docs/json.md` describes it), and the Python API its arguments.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from kling_cli import catalogue
from kling_cli.catalogue import Field, FieldKind, Product, expected_type, split_handle
from kling_cli.errors import UsageError
from kling_cli.text import BYTE_ORDER_MARK, decode_text, normalize_text

MODES = MappingProxyType({"std": "720p", "pro": "1080p", "4k": "4k"})
_SECONDS = re.compile(r"(\d{1,6}(?:\.\d{1,3})?)\s*s?")  # the API counts milliseconds
_POINT = re.compile(r"(\d*\.?\d+)\s*,\s*(\d*\.?\d+)")
_NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)?")
KEYS = ("product", "model", "fields", "set", "external_id")
_TYPED_KINDS = (FieldKind.JSON, FieldKind.TIME, FieldKind.POINT)
_HANDLE_KEYS = {"name", "value"}
_SHOWN = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """The job that a person asks for. Images and audio may be URLs or paths.

    `extra` has the dotted keys of `--set`, which win over everything else. `seconds` is
    how long the result will be, where that follows from an input. `before` is the call
    that opens its session, where the product's own command makes that one too.
    """

    product: str
    model: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)
    external_id: str | None = None
    seconds: float | None = None
    before: Order | None = None


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


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is no number of JSON")
    return number


def read_values(
    product: Product,
    typed: Mapping[str, Any],
    *,
    read_stdin: Callable[[], str] | None = None,
) -> dict[str, Any]:
    """Return the values that were given, by field name; `typed` has None for the rest.

    A prompt `-` is what `read_stdin` returns, where that is given.

    Raises:
        UsageError: no JSON, no such file, an empty prompt, two different resolutions, a
            negative prompt that looks like a count.
    """
    given = {
        field.name: _value(field, typed[field.name])
        for field in product.fields
        if typed.get(field.name) not in (None, [], ())
    }
    if read_stdin is not None and given.get("prompt") == "-":
        given["prompt"] = read_stdin()
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
    return normalize_text(typed) if isinstance(typed, str) else typed


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
            hint="one run makes one result, so run the command once for each; or say it"
            f' in words: {field.spelling} "the number {negative}"',
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


def of_order(order: Order, *, model: str) -> dict[str, Any]:
    """Return `order` as a request, with the model it was given if it named none."""
    request: dict[str, Any] = {
        "product": order.product,
        "model": model,
        "fields": {
            name: list(value) if isinstance(value, tuple) else value
            for each in (order.before, order)
            if each is not None
            for name, value in each.values.items()
        },
        "set": dict(order.extra),
    }
    if order.external_id is not None:
        request["external_id"] = order.external_id
    return request


def to_order(request: Any, *, external_id: str | None = None) -> Order:
    """Return the order a request stands for; `external_id` is stronger than its own.

    Raises:
        UsageError: a key, product or field is unknown, or a value of another kind.
    """
    _require_object(request, "the request")
    _require_known(request, {key: key for key in KEYS}, "a request has no key")
    name = _text_of(request, "product")
    if name is None:
        raise UsageError(
            "the request does not say which product", hint='"product": "text2video"'
        )
    product = catalogue.load_creatable(name)
    step = catalogue.opening_step(product)
    fields = request.get("fields") or {}
    _require_object(fields, "fields")
    spellings = _spellings(product) | (_spellings(step) if step else {})
    _require_known(fields, spellings, f"{product.name} has no field")
    first = None
    if step is not None:
        first = Order(product=step.name, values=read_fields(step, fields))
    return Order(
        product=product.name,
        model=_text_of(request, "model"),
        values=read_fields(product, fields),
        extra=_extra(request.get("set") or {}),
        external_id=external_id or _text_of(request, "external_id"),
        before=first,
    )


def read_fields(product: Product, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of those fields of a request that are the product's.

    Raises:
        UsageError: a value is of another kind.
    """
    typed = {
        field.name: _typed(field, fields[field.name])
        for field in product.fields
        if fields.get(field.name) is not None
    }
    return read_values(product, typed)


def _typed(field: Field, value: Any) -> Any:
    """Return the value as an option would have had it: one, or a list of them."""
    if not field.is_repeated:
        return _one(field, value)
    if not isinstance(value, list):
        raise UsageError(
            f"fields.{field.name}: {_shown(value)} is not a list",
            hint=f'"{field.name}": [{_shown(value)}]',
        )
    return [_one(field, each) for each in value]


def _one(field: Field, value: Any) -> Any:
    if field.has_handle and isinstance(value, dict):
        return _with_handle(field, value)
    is_source = field.kind in _TYPED_KINDS and isinstance(value, str)
    wanted = None if is_source else expected_type(field, value)
    if wanted is not None:
        raise UsageError(f"fields.{field.name}: {_shown(value)} is not {wanted}")
    return value


def _with_handle(field: Field, value: Mapping[str, Any]) -> str:
    """Return `{"name": "hero", "value": "12"}` as `hero=12`."""
    if value.keys() == _HANDLE_KEYS:
        joined = f"{value['name']}={value['value']}"
        if split_handle(joined) == (value["name"], value["value"]):
            return joined
    raise UsageError(
        f"fields.{field.name}: {_shown(value)} is not a value with a name",
        hint='{"name": "hero", "value": "…"}; a name is a word of at most 32 letters,'
        " digits, - and _",
    )


def _extra(pairs: Any) -> dict[str, Any]:
    _require_object(pairs, "set")
    for key in pairs:
        if not all(key.split(".")):
            raise UsageError(
                f"set: {key!r} is not a dotted key", hint='"settings.seed": 7'
            )
    return dict(pairs)


def _text_of(request: Mapping[str, Any], key: str) -> str | None:
    value = request.get(key)
    if value is None or isinstance(value, str):
        return value or None
    raise UsageError(f"{key}: {_shown(value)} is not a text")


def _require_object(value: Any, what: str) -> None:
    if not isinstance(value, dict):
        raise UsageError(
            f"{what}: {_shown(value)} is not a JSON object",
            hint='{"product": "text2video", "fields": {"prompt": "A paper boat"}}',
        )


def _spellings(product: Product) -> dict[str, str]:
    """Return the names of the fields by all that a person may call them."""
    found = {field.name: field.name for field in product.fields}
    for each in product.fields:
        for option in each.options:
            found.setdefault(option.lstrip("-").replace("-", "_"), each.name)
    if "resolution" in found:
        found.setdefault("mode", "resolution")
    return found


def _require_known(
    given: Iterable[str], spellings: Mapping[str, str], complaint: str
) -> None:
    """Refuse what is not called by its name; a near spelling gives the hint."""
    from difflib import get_close_matches

    names = list(dict.fromkeys(spellings.values()))
    for name in given:
        if name not in names:
            near = get_close_matches(name.replace("-", "_"), spellings, n=3)
            meant = " or ".join(dict.fromkeys(spellings[each] for each in near))
            hint = f"did you mean {meant}?" if meant else f"it has {', '.join(names)}"
            raise UsageError(f"{complaint} {name}", hint=hint)


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
