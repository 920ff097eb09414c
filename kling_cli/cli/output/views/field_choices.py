"""`--list`: the choices of a field that has too many for `--help`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

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
    found = [each for each in choices_of(field) if _matches(each, word)]
    if not found:
        hint = f"kling {product.name} --list shows them all"
        raise UsageError(f"no {field.name} has {word} in its name", hint=hint)
    if output_options.is_json:
        _print_document(product, found)
    elif output_options.is_quiet:
        lines = [each.name for each in found if each.ended is None]
        write_result("\n".join(lines))
    else:
        write_result("\n".join(choice_table(found)))
    return int(ExitCode.DONE)


def choices_of(field: Field) -> Iterator[FieldChoice]:
    """Yield every choice in the order of its description."""
    for group in field.groups:
        for name in group.choices:
            yield FieldChoice(
                name, group.name, group.note, group.discontinued.get(name)
            )


def choice_table(found: Sequence[FieldChoice]) -> Iterator[str]:
    """Yield one line a choice, in columns; nothing is cut."""
    rows = [(each.name, each.group, each.ended or each.note) for each in found]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()


def _matches(choice: FieldChoice, word: str) -> bool:
    return word.lower() in choice.name.lower() or word.lower() == choice.group


def _print_document(product: Product, found: Sequence[FieldChoice]) -> None:
    """Print the JSON document of the command with the choices as one more key."""
    from kling_cli.cli.output.json_document import jobless_document, print_document

    choices = [each._asdict() for each in found]
    print_document(jobless_document(product.name) | {"choices": choices})
