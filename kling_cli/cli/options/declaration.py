"""Declaring a command: a function whose parameters are groups of options.

A parameter annotated with a frozen dataclass, such as those of `shared.py`, stands for
all options of that group: they are declared once and passed as one value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from inspect import Parameter, Signature, cleandoc, signature
from typing import Any, get_type_hints

import typer
from typer.core import TyperCommand

from kling_cli.cli.help_page import PagedCommand, PagedGroup
from kling_cli.errors import ExitCode, StoppedError


def declare_command(
    function: Callable[..., Any],
    *,
    name: str,
    help_text: str | None = None,
    short_help_texts: Mapping[str, str] | None = None,
) -> Any:
    """Return the command that parses its groups of options and calls `function`.

    What `function` returns is the exit code; None is 0. With `short_help_texts` of some
    parameters, `--help` is the short form.
    """
    groups: dict[str, Any] = {
        parameter.name: parameter.annotation
        for parameter in _parameters(function)
        if is_dataclass(parameter.annotation)
    }

    def run(**values: Any) -> Any:
        for parameter, group in groups.items():
            names = [field.name for field in fields(group)]
            values[parameter] = group(**{each: values.pop(each) for each in names})
        try:
            return function(**values)
        except KeyboardInterrupt as exc:  # typer would exit without a message
            raise StoppedError("interrupted", exit_code=ExitCode.INTERRUPTED) from exc

    run.__doc__ = _unwrapped_paragraphs(function.__doc__ or "")
    with_signature(run, list(_flattened_parameters(function)))
    app = typer.Typer(
        add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None
    )
    app.command(name, cls=PagedCommand, help=help_text)(run)
    command: Any = typer.main.get_command(app)
    command.short_help_texts = short_help_texts
    return command


def _unwrapped_paragraphs(text: str) -> str:
    """Return a docstring with each paragraph on one line, as the terminal wraps it."""
    paragraphs = cleandoc(text).split("\n\n")
    return "\n\n".join(" ".join(each.split()) for each in paragraphs)


def with_signature(function: Any, parameters: Sequence[Parameter]) -> Any:
    """Return `function` with a signature of these parameters."""
    function.__signature__ = Signature(list(parameters))
    return function


def _parameters(function: Callable[..., Any]) -> Iterator[Parameter]:
    """Yield the parameters with their annotations evaluated; a dynamic one as it is."""
    if hasattr(function, "__signature__"):
        yield from signature(function).parameters.values()
        return
    hints = get_type_hints(function, include_extras=True)
    for parameter in signature(function).parameters.values():
        yield parameter.replace(annotation=hints[parameter.name])


def _flattened_parameters(function: Callable[..., Any]) -> Iterator[Parameter]:
    for parameter in _parameters(function):
        if not is_dataclass(parameter.annotation):
            yield parameter.replace(kind=Parameter.KEYWORD_ONLY)
            continue
        hints = get_type_hints(parameter.annotation, include_extras=True)
        for field in fields(parameter.annotation):
            yield _group_parameter(field, hints[field.name])


def _group_parameter(field: Field[Any], annotation: Any) -> Parameter:
    default = Parameter.empty if field.default is MISSING else field.default
    return Parameter(
        field.name, Parameter.KEYWORD_ONLY, default=default, annotation=annotation
    )


class DefaultGroup(PagedGroup):
    """A group that runs its first sub-command when none is named."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse, reading options without a sub-command as those of the first."""
        is_option = not args or args[0].startswith("-")
        if is_option and not {"--help", "-h"} & set(args) and not ctx.resilient_parsing:
            args = [next(iter(self.commands)), *args]
        return super().parse_args(ctx, args)


def make_command_group(
    name: str, help_text: str, commands: Mapping[str, Callable[..., Any] | Any]
) -> DefaultGroup:
    """Return a group of sub-commands; a function's docstring is its help."""
    group = DefaultGroup(name=name, help=help_text, rich_markup_mode=None)
    for each, found in commands.items():
        made = (
            found
            if isinstance(found, TyperCommand)
            else declare_command(found, name=each)
        )
        group.add_command(made)
    return group
