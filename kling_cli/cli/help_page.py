"""Formatting of `--help`: sections of two columns, fitted to the terminal's width.

`--help` is the short form: the options most users need first, one line each where
possible, then the others by subject. `kling help COMMAND` is the long form, with every
sentence. Both are plain text with a few styles; no library is loaded to format them.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from textwrap import wrap
from typing import Any, Final, NamedTuple

from typer.core import TyperCommand, TyperGroup

from kling_cli.cli.output.terminal.capabilities import Styler, styler_for
from kling_cli.cli.output.terminal.text import completion_note

OPTIONS: Final = "Options"  # the first section, of everything without a panel
COMMANDS: Final = "Commands"
_MAX_WIDTH: Final = 100  # columns: longer lines are hard to read
_MAX_LABEL_WIDTH: Final = 26  # a longer one has its text below it
_MIN_TEXT_WIDTH: Final = (
    24  # columns beside a label; with less room the text goes below
)
_FEW: Final = 12  # rows that need no sections
_GAP: Final = "  "
_WORD: Final = re.compile(r"""(?:"[^"]*"|'[^']*'|\S)+""")


class HelpRow(NamedTuple):
    """A row of a section: the option or command, and its help text."""

    label: str
    text: str


class HelpPage:
    """A mixin that formats the help of a command or group in this layout."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the page in its short form."""
        formatter.write(format_page(self, ctx))

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """Return what a shell is offered, with notes that fit a menu."""
        found: list[Any] = super().shell_complete(ctx, incomplete)  # type: ignore[misc]  # -- of what this is mixed into
        commands = getattr(self, "commands", {})
        for each in found:  # typer has truncated the help of commands
            text = commands[each.value].help if each.value in commands else each.help
            each.help = completion_note(first_clause(text or ""))
        return found


class PagedCommand(HelpPage, TyperCommand):
    """A typer command with this help page.

    Parameters that are not in `short_help_texts` have their first clause. None: there
    is no short form, and `--help` has every sentence.
    """

    short_help_texts: Mapping[str, str] | None = None


class PagedGroup(HelpPage, TyperGroup):
    """A typer group with this help page."""


def format_page(command: Any, ctx: Any, *, is_full: bool = False) -> str:
    """Return the page of `command`, for stdout as it is."""
    from shutil import get_terminal_size

    is_full = is_full or getattr(command, "short_help_texts", None) is None
    width = min(get_terminal_size().columns, _MAX_WIDTH) - 1
    return (
        "\n".join(_page_lines(command, ctx, width, styler_for(sys.stdout), is_full))
        + "\n"
    )


def _page_lines(
    command: Any, ctx: Any, width: int, style: Styler, is_full: bool
) -> Iterator[str]:
    about, examples = _split_help(command.help or "")
    usage = f"Usage: {ctx.command_path} {' '.join(command.collect_usage_pieces(ctx))}"
    yield from wrap(usage, width, subsequent_indent=_GAP, break_long_words=False)
    for paragraph in about:
        yield ""
        yield from wrap(paragraph, width, break_on_hyphens=False)
    if examples:
        yield ""
    for example in examples:
        for line in _command_line(example, width - len(_GAP)):
            yield _GAP + style(line, "bold")
    for title, rows, label_width in _measured_sections(
        command, ctx, width, is_full=is_full
    ):
        yield ""
        yield style(title, "bold")
        for row in rows:
            yield from _row(row, label_width, width, style)
    if note := _footer(command, ctx, is_full=is_full):
        yield ""
        yield from wrap(note, width, break_on_hyphens=False)


def _split_help(text: str) -> tuple[list[str], list[str]]:
    """Return the paragraphs of a help text, and those that are command lines."""
    paragraphs = [each.strip() for each in text.split("\n\n") if each.strip()]
    examples = [each for each in paragraphs if each.startswith("kling ")]
    return [each for each in paragraphs if each not in examples], examples


def _command_line(text: str, width: int) -> Iterator[str]:
    """Yield an example command line, wrapped so that it can be copied."""
    line = ""
    for word in _WORD.findall(text):
        if not line:
            line = word
        elif len(f"{line} {word} \\") <= width:
            line += f" {word}"
        else:
            yield from wrap(f"{line} \\", width, drop_whitespace=False)
            line = f"{_GAP}{word}"
    yield from wrap(line, width, drop_whitespace=False)


def _footer(command: Any, ctx: Any, *, is_full: bool) -> str:
    """Return the last line of a page: how to see the rest."""
    if isinstance(command, TyperGroup):
        return f"The options of a command: {ctx.command_path} COMMAND --help"
    words = ctx.command_path.split()[1:]
    return "" if is_full else f"More about every option: kling help {' '.join(words)}"


# ---- Sections


def _measured_sections(
    command: Any, ctx: Any, width: int, *, is_full: bool
) -> Iterator[tuple[str, Sequence[HelpRow], int]]:
    """Yield each section's title, rows and width of its first column.

    All sections of commands have one width, and all of options.
    """
    for sections in (
        _command_sections(command),
        _option_sections(command, ctx, is_full=is_full),
    ):
        rows = [row for each in sections.values() for row in each]
        label_width = _label_width(rows, width)
        for title, its_rows in sections.items():
            if its_rows:
                yield title, its_rows, label_width


def _command_sections(command: Any) -> dict[str, list[HelpRow]]:
    """Return the sub-commands of a group, by title."""
    commands: dict[str, list[HelpRow]] = {}
    for name, each in getattr(command, "commands", {}).items():
        if not each.hidden:
            title = each.rich_help_panel or COMMANDS
            also = "".join(f", {alias}" for alias in getattr(each, "aliases", ()))
            row = HelpRow(name + also, (each.help or "").split("\n\n")[0])
            commands.setdefault(title, []).append(row)
    return commands


def _option_sections(
    command: Any, ctx: Any, *, is_full: bool
) -> dict[str, list[HelpRow]]:
    """Return arguments and options by title; a few of them need one title only.

    `--help` is the last of those without a panel.
    """
    options: dict[str, list[HelpRow]] = {OPTIONS: []}
    *params, last = command.get_params(ctx)
    for param in params:
        if not param.hidden:
            title = getattr(param, "rich_help_panel", None) or OPTIONS
            row = _param_row(command, param, ctx, is_full=is_full)
            options.setdefault(title, []).append(row)
    if sum(map(len, options.values())) <= _FEW:
        options = {OPTIONS: [row for rows in options.values() for row in rows]}
    options[OPTIONS].append(_param_row(command, last, ctx, is_full=is_full))
    return options


def _param_row(command: Any, param: Any, ctx: Any, *, is_full: bool) -> HelpRow:
    label = _label(param, ctx, is_full=is_full)
    text = " ".join((param.help or "").split())
    if not is_full:
        text = command.short_help_texts.get(param.name) or first_clause(text)
    notes = [each for each in (_default(param, ctx, text), _required(param)) if each]
    if not notes:
        return HelpRow(label, text)
    stop = "." if text.endswith(".") else ""
    return HelpRow(label, f"{text.removesuffix('.')} ({', '.join(notes)}){stop}")


def _label(param: Any, ctx: Any, *, is_full: bool) -> str:
    """Return `-d, --duration SECONDS`, `--[no-]sound`, or the name of an argument."""
    if param.param_type_name == "argument":
        return str(param.metavar or param.make_metavar(ctx)).split(":")[0]
    off = [each for each in param.secondary_opts if each.startswith("--")]
    spellings = list(param.opts)
    if off and is_full:
        spellings += off
    elif off and param.default is True:
        spellings = off
    elif off:
        spellings = [_with_negation(each, off) for each in spellings]
    spellings.sort(key=lambda each: each.startswith("--"))
    indent = "" if spellings[0][:2] != "--" else "    "
    metavar = _metavar(param, ctx)
    return f"{indent}{', '.join(spellings)}{f' {metavar}' if metavar else ''}"


def _with_negation(spelling: str, off: Sequence[str]) -> str:
    """Return `--[no-]sound` for `--sound` where there is a `--no-sound` too."""
    name = spelling.removeprefix("--")
    return f"--[no-]{name}" if f"--no-{name}" in off else spelling


def _metavar(param: Any, ctx: Any) -> str:
    if param.is_flag or param.count:
        return ""
    choices = getattr(param.type, "choices", None)
    if param.metavar is None and choices:
        return "|".join(str(each) for each in choices)
    return str(param.metavar or param.make_metavar(ctx)).strip("<>")


def _default(param: Any, ctx: Any, text: str) -> str:
    """Return the default of an option if the help should show it."""
    is_shown = getattr(param, "show_default", False)
    if param.param_type_name == "argument" or not is_shown or "default:" in text:
        return ""
    value = param.get_default(ctx, call=False)
    if isinstance(value, bool) or value in (None, "", (), []) or callable(value):
        return ""
    return f"default: {value}"


def _required(param: Any) -> str:
    is_option = param.param_type_name != "argument"
    return "required" if is_option and param.required else ""


# ---- Text


def first_clause(text: str) -> str:
    """Return the first clause of a help text, without its full stop.

    It ends at a semicolon or a full stop that is followed by a blank, outside of
    brackets and backticks.
    """
    depth, is_code = 0, False
    for index, char in enumerate(text):
        is_code ^= char == "`"
        depth += (char in "([{") - (char in ")]}")
        is_end = char in ";." and text[index + 1 : index + 2] in ("", " ")
        if is_end and depth == 0 and not is_code:
            return text[:index]
    return text


def _label_width(rows: Iterable[HelpRow], width: int) -> int:
    """Return how wide the column of labels is: as the longest that is not too long."""
    lengths = [len(row.label) for row in rows if len(row.label) <= _MAX_LABEL_WIDTH]
    widest = max(lengths, default=0)
    return widest if width - widest - 2 * len(_GAP) >= _MIN_TEXT_WIDTH else 0


def _row(row: HelpRow, label_width: int, width: int, style: Styler) -> Iterator[str]:
    """Yield a row; the text of a label that is too long begins below it."""
    indent = len(_GAP) + (label_width + len(_GAP) if label_width else 2 * len(_GAP))
    room = max(width - indent, 1)
    texts = wrap(row.text, room, break_on_hyphens=False) or [""]
    label = _GAP + style(row.label, "cyan")
    if not label_width or len(row.label) > label_width:
        yield from _cut(row.label, width, style)
    else:
        padding = " " * (label_width - len(row.label)) + _GAP
        yield (label + padding + texts.pop(0)).rstrip()
    for text in texts:
        yield " " * indent + text


def _cut(label: str, width: int, style: Styler) -> Iterator[str]:
    """Yield a label on lines of its own."""
    indent = label[: -len(label.lstrip())]
    for part in wrap(label.strip(), width - len(_GAP + indent)):
        yield _GAP + indent + style(part, "cyan")
