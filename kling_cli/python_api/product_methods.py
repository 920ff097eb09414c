"""The methods of the clients that make things: one a product, from the catalogue.

The arguments are the fields that the product's command has as arguments and options, by
the names of those, and `JOB_ARGUMENTS`. `products.pyi` declares them for type checkers
and editors; `python -m docs.maker` writes it.
"""

from __future__ import annotations

import keyword
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from inspect import Parameter, Signature
from types import FunctionType, MethodType
from typing import Any, Final, Protocol

from kling_cli import catalogue
from kling_cli.catalogue import Field, FieldKind, Model, Product
from kling_cli.errors import UsageError
from kling_cli.jobs.order import Order, read_fields, to_order
from kling_cli.python_api.job import BaseJob

# Arguments that every job has: type, and what they mean.
SUBMIT_ARGUMENTS: Final[Mapping[str, tuple[str, str]]] = {
    "model": ("str | None", "One of {models} (default: the newest that fits)."),
    "set": (
        "Mapping[str, Any] | None",
        "Any other fields of the request body, by dotted key.",
    ),
    "external_id": (
        "str | None",
        "Your own id for the task, unique over the account (default: one is made).",
    ),
    "max_units": ("float | None", "Refuse what may cost more units than this."),
    "timeout": (
        "float | str | None",
        "How long to wait, in seconds or such as `10m`; 0 for ever.",
    ),
    "on_event": ("OnEvent | None", "Is called with each event of the job."),
}
WAIT_ARGUMENTS: Final[Mapping[str, tuple[str, str]]] = {
    "callback": (
        'Literal["auto", "require", "off"] | None',
        "Callbacks if a tunnel can be had, no job without one, or polling only.",
    ),
    "tunnel": ("str | None", "Which tunnel callbacks come through."),
    "callback_url": (
        "str | None",
        "Your own public URL of the listener; no tunnel is started.",
    ),
    "port": ("int", "Port of the listener on this machine (default: a free one)."),
    "output": (
        "str | PathLike[str] | None",
        "Save to this file, folder or template (default: `job.save()` does).",
    ),
    "force": ("bool", "Overwrite files that exist."),
}
CREATE_ARGUMENTS: Final[Mapping[str, tuple[str, str]]] = {
    "callback_url": (
        "str | None",
        "The URL of your own handler, which the API calls as it is.",
    ),
}
DEFAULTS: Final[Mapping[str, Any]] = {"port": 0, "force": False}


class ProductClient(Protocol):
    """The part of a client that runs a job."""

    def _generate(
        self, order: Order, arguments: Mapping[str, Any], *, is_waiting: bool
    ) -> Any: ...

    def _take_step(self, order: Order, arguments: Mapping[str, Any]) -> Any: ...


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument that is a field of the product, or of the call that goes before."""

    name: str
    field: Field
    product: Product
    is_positional: bool
    is_required: bool


def field_arguments(product: Product) -> tuple[Argument, ...]:
    """Return the fields that can be given, those without an option's name first."""
    step = catalogue.opening_step(product)
    found = [
        *(_arguments(step, is_step=True) if step else ()),
        *_arguments(product, is_step=False),
    ]
    return tuple(sorted(found, key=lambda each: not each.is_positional))


def _arguments(product: Product, *, is_step: bool) -> Iterator[Argument]:
    is_required = True
    for field in product.fields:
        if not field.options and not field.is_argument:
            continue
        if is_step and not field.is_argument and product.step is None:
            continue
        is_required = is_required and field.is_argument and _is_always(product, field)
        yield Argument(
            name=argument_name(field),
            field=field,
            product=product,
            is_positional=field.is_argument,
            is_required=is_required and field.is_argument,
        )


def argument_name(field: Field) -> str:
    """Return the Python name: that of the option, with an underscore for each dash."""
    name = field.spelling.lstrip("-").replace("-", "_").lower()
    return f"{name}_" if keyword.iskeyword(name) else name


def _is_always(product: Product, field: Field) -> bool:
    """Return whether every model requires the field."""
    found = [
        limits.get(field.name)
        for model in product.models
        if is_offered(model)
        for limits in model.limits.values()
    ]
    return all(each is not None and each.is_required for each in found)


def is_offered(model: Model) -> bool:
    """Return whether a job can still be made with the model."""
    return model.status != "discontinued"


def argument_help(argument: Argument) -> str:
    """Return what a field means, where there is no standard input."""
    return argument.field.help.replace("; `-` reads it from standard input", "")


@dataclass(frozen=True, slots=True)
class ProductMethod:
    """The method `name` of a client: makes `product`, and waits for it or does not.

    `is_step`: it is a call that costs nothing and is answered at once.
    """

    name: str
    product: str
    is_waiting: bool = True
    is_step: bool = False

    def __get__(self, client: ProductClient | None, owner: type) -> Any:
        function = _function(self)
        return function if client is None else MethodType(function, client)

    @property
    def description(self) -> Product:
        """The description of what it makes."""
        return catalogue.load_description(self.product)

    @property
    def job_arguments(self) -> Mapping[str, tuple[str, str]]:
        """The arguments that are not fields, with their types and meanings."""
        if self.is_step:
            facts = self.description.step
            saving = {name: WAIT_ARGUMENTS[name] for name in ("output", "force")}
            return saving if facts and facts.is_saved else {}
        further = WAIT_ARGUMENTS if self.is_waiting else CREATE_ARGUMENTS
        return {**SUBMIT_ARGUMENTS, **further}

    @property
    def signature(self) -> Signature:
        """The arguments after `self`; those by position come first."""
        fields = [
            Parameter(
                each.name,
                Parameter.POSITIONAL_OR_KEYWORD
                if each.is_positional
                else Parameter.KEYWORD_ONLY,
                default=Parameter.empty if each.is_required else None,
            )
            for each in field_arguments(self.description)
        ]
        job = [
            Parameter(name, Parameter.KEYWORD_ONLY, default=DEFAULTS.get(name))
            for name in self.job_arguments
        ]
        return Signature([*fields, *job])

    def documentation(self, field_help: Callable[[Argument], str] | None = None) -> str:
        """Return the docstring; `field_help` returns other words for a field."""
        help_of = field_help or argument_help
        names = [each.id for each in self.description.models if is_offered(each)]
        product = self.description
        summary = product.summary
        if not self.is_waiting:
            summary = f"Submit only, and return at once. {summary}"
        lines = [summary, "", "Args:"]
        lines += [
            f"    {each.name}: {help_of(each)}" for each in field_arguments(product)
        ]
        lines += [
            f"    {name}: {words.format(models=', '.join(names))}"
            for name, (_, words) in self.job_arguments.items()
        ]
        return "\n".join(lines)

    def call(self, client: ProductClient, *args: Any, **arguments: Any) -> Any:
        """Run the job that the arguments describe, as `client` does."""
        given = self._bind(args, arguments)
        product = self.description
        arguments_of = field_arguments(product)
        fields = {
            each.field.name: _as_json(each.field, given.pop(each.name))
            for each in arguments_of
        }
        fields = {name: value for name, value in fields.items() if value is not None}
        if self.is_step:
            order = Order(product=product.name, values=read_fields(product, fields))
            return client._take_step(order, given)  # noqa: SLF001 -- its own method
        request = {
            "product": product.name,
            "model": given.pop("model"),
            "fields": fields,
            "set": dict(given.pop("set") or {}),
        }
        try:
            order = to_order(request, external_id=given.pop("external_id"))
        except UsageError as exc:
            raise _as_of_argument(exc, arguments_of) from None
        return client._generate(  # noqa: SLF001 -- the client's own method
            order, given, is_waiting=self.is_waiting
        )

    def _bind(
        self, args: Sequence[Any], arguments: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return every argument by its name.

        Raises:
            TypeError: as for any function, with the name that may have been meant.
        """
        signature = self.signature
        try:
            bound = signature.bind(*args, **arguments)
        except TypeError as exc:
            from difflib import get_close_matches

            names = list(signature.parameters)
            near = [
                found[0]
                for name in arguments
                if name not in names and (found := get_close_matches(name, names, n=1))
            ]
            meant = f" (did you mean {near[0]}?)" if near else ""
            raise TypeError(f"{self.name}(): {exc}{meant}") from None
        bound.apply_defaults()
        return dict(bound.arguments)


def _as_of_argument(error: UsageError, arguments: Sequence[Argument]) -> UsageError:
    """Return an error about a field of a request as one about an argument."""
    message = error.message
    for each in arguments:
        message = message.replace(f"fields.{each.field.name}: ", f"{each.name}: ")
    return UsageError(message, hint=error.hint)


@cache
def _function(method: ProductMethod) -> FunctionType:
    """Return the method as a function that `help()` and editors can show."""

    def function(self: ProductClient, /, *args: Any, **arguments: Any) -> Any:
        return method.call(self, *args, **arguments)

    function.__name__ = method.name
    function.__qualname__ = f"Products.{method.name}"
    function.__doc__ = method.documentation()
    of_instance = Parameter("self", Parameter.POSITIONAL_ONLY)
    function.__dict__["__signature__"] = Signature(
        [of_instance, *method.signature.parameters.values()]
    )
    assert isinstance(function, FunctionType)  # noqa: S101 -- it was just made
    return function


def product_methods() -> Iterator[ProductMethod]:
    """Yield the methods in the order of the list of commands; cheap."""
    for product in (*catalogue.product_names(), *catalogue.managed_names()):
        name = product.replace("-", "_")
        yield ProductMethod(name, product)
        yield ProductMethod(f"create_{name}", product, is_waiting=False)
    for step in catalogue.step_summaries():
        name = f"{step.group}_{step.command}".replace("-", "_")
        yield ProductMethod(name, step.name, is_step=True)


def _as_json(field: Field, value: Any) -> Any:
    """Return an argument as a request in JSON has it."""
    if value is None or not field.is_repeated:
        return _one_as_json(field, value)
    if isinstance(value, Mapping) and field.has_handle:
        return [
            {"name": name, "value": _one_as_json(field, each)}
            for name, each in value.items()
        ]
    is_text = isinstance(value, str)  # a sequence too
    is_one = is_text or not isinstance(value, Sequence) or _is_point(field, value)
    values = (value,) if is_one else value
    return [_one_as_json(field, each) for each in values]


def _is_point(field: Field, value: Any) -> bool:
    return field.kind is FieldKind.POINT and isinstance(value, tuple)


def _one_as_json(field: Field, value: Any) -> Any:
    if isinstance(value, BaseJob):
        return value.name
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if _is_point(field, value):
        return dict(zip(("x", "y"), value, strict=True))
    return list(value) if isinstance(value, tuple) else value
