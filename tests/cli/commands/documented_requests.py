"""Documented requests as command lines, and the same with one value that is wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from kling_cli.catalogue import decoder, encoder
from kling_cli.catalogue.definition import loader
from kling_cli.catalogue.definition.schema import (
    CredentialKind,
    Field,
    FieldKind,
    FieldMapping,
    Limits,
    Model,
)
from tests.catalogue.reference import CALLS, Call, call_of

NONSENSE = "nonsense"
COMMANDS = {each.name: 2 if each.group else 1 for each in loader.summaries()}


@dataclass(frozen=True, slots=True)
class Example:
    """The documented request of a call, and the model it is for."""

    call: Call
    model: Model

    @property
    def id(self) -> str:
        return self.call.id

    @property
    def body(self) -> dict[str, Any]:
        """The documented body without a callback URL."""
        body = deepcopy(dict(self.call.documented["example"]))
        at = self.call.route.callback_url_path
        if at is not None and encoder.get_path(body, at) is not None:
            parent, _, key = at.rpartition(".")
            (encoder.get_path(body, parent) if parent else body).pop(key)
        return body

    @property
    def is_pair(self) -> bool:
        """Whether the legacy keys have to sign it, so that the legacy route is used."""
        return CredentialKind.KEY_PAIR in self.call.route.credentials

    @property
    def limits(self) -> Mapping[str, Limits]:
        return self.model.limits[self.call.route.name]

    @property
    def values(self) -> dict[str, Any]:
        values, problems = decoder.decode_body(
            self.call.product, self.call.route, self.model, self.body
        )
        assert problems == ()
        return values

    def line(self, *options: str, **changed: Any) -> list[str]:
        """Return the command line, with other values for some fields."""
        product, values = self.call.product, {**self.values, **changed}
        words = product.example.split()[1:]  # how it is called, before what is said
        line = [*words[: COMMANDS[product.name]], "--model", self.model.id]
        arguments = []
        for field in product.fields:
            if field.name not in values:
                continue
            if field.is_argument:
                value = values[field.name]
                arguments += [str(e) for e in (value if field.is_repeated else [value])]
            else:
                line += _option(field, values[field.name])
        return [*line, *options, "--", *arguments]

    def with_id(self, external_id: str) -> dict[str, Any]:
        """Return the expected body with another external id."""
        body = self.body
        at = self.call.route.external_id_path
        if at is not None:
            encoder.set_path(body, at, external_id)
        return body


def examples() -> list[Example]:
    """Return the documented request of every call that is a command."""
    return [
        Example(call, model)
        for each in CALLS
        if (call := call_of(each)) is not None and call.product.name in COMMANDS
        if (model := _model(call)) is not None
    ]


def _model(call: Call) -> Model | None:
    wire_id = call.documented["example"].get(call.route.model_path or "")
    if len(call.models) == 1:
        return call.models[0]
    return decoder.model_by_wire_id(call.product, call.route, wire_id)


def _option(field: Field, value: Any) -> list[str]:
    spelling = field.spelling
    if field.kind is FieldKind.SWITCH:
        return [spelling if value else spelling.replace("--", "--no-", 1)]
    values = value if field.is_repeated else (value,)
    return [word for each in values for word in (spelling, _typed(each))]


def _typed(value: Any) -> str:
    if isinstance(value, Mapping) and "prompt" in value:
        return f"{value['duration']}:{value['prompt']}"
    return json.dumps(value) if isinstance(value, dict | list) else str(value)


@dataclass(frozen=True, slots=True)
class Wrong:
    """An example whose `field` has a value outside the documented ones."""

    example: Example
    field: Field
    limits: Limits
    mapping: FieldMapping

    @property
    def id(self) -> str:
        return f"{self.example.id}-{self.field.name}"

    @property
    def value(self) -> Any:
        """A value of the right kind that is not among those allowed."""
        choices = self.limits.choices or ()
        if self.limits.maximum is not None:
            return int(self.limits.maximum) + 1
        numbers = [each for each in choices if isinstance(each, int | float)]
        return int(max(numbers)) + 1 if numbers else NONSENSE

    @property
    def line(self) -> list[str]:
        value = (self.value,) if self.field.is_repeated else self.value
        return self.example.line("--json", **{self.field.name: value})

    @property
    def raw(self) -> dict[str, Any]:
        """The documented body with the wrong value at its mapping."""
        body, mapping = self.example.with_id("job-wrong"), self.mapping
        value: Any = NONSENSE if mapping.encode else self.value
        value = str(value) if mapping.sent_as == "text" else value
        value = value * 1000 if mapping.sent_as == "milliseconds" else value
        if mapping.item is None:
            many = self.field.is_repeated and mapping.codec is None
            encoder.set_path(body, mapping.path, [value] if many else value)
            return body
        other_entries = [
            entry
            for entry in encoder.get_path(body, mapping.path) or []
            if not _is_of(entry, mapping.item)
        ]
        encoder.set_path(
            body,
            mapping.path,
            [*other_entries, {**mapping.item, str(mapping.item_key): value}],
        )
        return body

    @property
    def wire(self) -> str:
        """The last part of the field name that the refusal names."""
        return (self.mapping.item_key or self.mapping.path).rpartition(".")[2]


def wrongs() -> Iterator[Wrong]:
    """Yield every field of every example that has a closed set of values."""
    for example in examples():
        for name, limits in example.limits.items():
            mapping = example.call.route.mappings.get(name)
            field = example.call.product.field(name)
            is_closed = limits.choices is not None or limits.maximum is not None
            can_be_said = bool(field.options) or field.is_argument
            if mapping is None or limits.is_fixed or not can_be_said:
                continue
            if is_closed:
                yield Wrong(example, field, limits, mapping)


def _is_of(entry: Mapping[str, Any], item: Mapping[str, Any]) -> bool:
    return bool(item) and all(entry.get(key) == value for key, value in item.items())
