from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import typer

from kling_cli.cli.options.declaration import declare_command

seen: list[Any] = []


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """A group of options."""

    width: Annotated[int, typer.Option("--width", "-w")] = 3
    height: Annotated[int | None, typer.Option("--height")] = None


def draw(*, name: Annotated[str, typer.Argument()], size: Size) -> int:
    """Draw something."""
    seen.append((name, size))
    return 7


def call(*arguments: str) -> Any:
    command = declare_command(draw, name="draw")
    return command.main(args=list(arguments), prog_name="draw", standalone_mode=False)


def test_a_group_of_options_arrives_as_one_value() -> None:
    code = call("boat", "-w", "5")

    assert seen.pop() == ("boat", Size(width=5))
    assert code == 7


def test_an_option_that_was_not_typed_has_the_default() -> None:
    call("boat")

    assert seen.pop() == ("boat", Size(width=3, height=None))


def paint() -> None:
    """Paint something.

    This goes on over
    two lines of the source.

    kling paint boat
    """


def test_a_paragraph_of_help_is_one_line_for_the_terminal_to_wrap() -> None:
    command = declare_command(paint, name="paint")

    assert command.help == (
        "Paint something.\n\nThis goes on over two lines of the source.\n\n"
        "kling paint boat"
    )
