"""`--list`: the choices of a field that has too many for `--help`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from kling_cli.cli.output.tables import plain_table
from kling_cli.cli.output.terminal.streams import write_result
from kling_cli.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from kling_cli.catalogue import Field, Product
    from kling_cli.cli.options.shared import OutputOptions


class FieldChoice(NamedTuple):
    """A row of the list."""

    name: str
    group: str
    note: str
    ended: str | None  # since when it is no longer offered, an ISO date


def print_choices(
    product: Product, field: Field, word: str, output_options: OutputOptions
) -> int:
    """Print the field's choices, filtered by `word` in their name or by their group.

    With --quiet: the names of what is still offered.

    Raises:
        UsageError: there are none.
    """
    choices = (
        FieldChoice(name, group.name, group.note, group.discontinued.get(name))
        for group in field.groups
        for name in group.choices
    )
    found = [each for each in choices if _matches(each, word)]
    if not found:
        hint = f"kling {product.name} --list shows them all"
        raise UsageError(f"no {field.name} has {word} in its name", hint=hint)
    if output_options.is_json:
        _print_document(product, found)
    elif output_options.is_quiet:
        lines = [each.name for each in found if each.ended is None]
        write_result("\n".join(lines))
    else:
        rows = [(each.name, each.group, each.ended or each.note) for each in found]
        write_result("\n".join(plain_table(rows)))
    return int(ExitCode.DONE)


def _matches(choice: FieldChoice, word: str) -> bool:
    return word.lower() in choice.name.lower() or word.lower() == choice.group


def _print_document(product: Product, found: Sequence[FieldChoice]) -> None:
    """Print the JSON document of the command with the choices as one more key."""
    from kling_cli.cli.output.json_document import jobless_document, print_document

    choices = [each._asdict() for each in found]
    print_document(jobless_document(product.name) | {"choices": choices})
