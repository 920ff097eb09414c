"""The layout of `--help` and `kling help`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import typer

from kling_cli.catalogue.definition import loader
from kling_cli.cli.app import app, import_command
from kling_cli.cli.command_table import GROUPS, entries, group_members
from kling_cli.cli.commands.help import help_command
from kling_cli.cli.help_page import first_clause, format_page
from kling_cli.cli.options.product_fields import short_help
from kling_cli.main import run_command_line

GENERATING = [entry for entry in entries() if entry.product]
GENERATING += [
    one for group in GROUPS for one in group_members(group.name) if one.product
]


@pytest.fixture(autouse=True)
def _columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


@pytest.fixture
def helped(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Return a function that returns the output of `kling help`."""

    def helped(*words: str) -> str:
        assert help_command(words=list(words)) == 0
        return capsys.readouterr().out

    return helped


def short_page(entry: Any) -> str:
    command = import_command(entry)
    context = command.make_context(entry.name, [], resilient_parsing=True)
    return format_page(command, context)


@pytest.mark.parametrize("entry", GENERATING, ids=lambda entry: entry.name)
def test_a_short_page_fits_80_columns_and_names_every_option(entry: Any) -> None:
    command, printed = import_command(entry), short_page(entry)

    assert [line for line in printed.splitlines() if len(line) > 80] == []
    for param in command.params:
        spellings = [each.removeprefix("--") for each in param.opts]
        if param.param_type_name == "option" and not param.hidden:
            assert any(each in printed for each in spellings), param.name


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("Say it; more about it.", "Say it"),
        ("Say it. More about it.", "Say it"),
        ("Say it.", "Say it"),
        ("An id (of v1.5; not v2). More.", "An id (of v1.5; not v2)"),
        ("Say `a; b. c` here. More.", "Say `a; b. c` here"),
        ("A file such as {a}.{b} or 0.5", "A file such as {a}.{b} or 0.5"),
    ],
)
def test_the_first_clause_is_the_short_text(text: str, first: str) -> None:
    assert first_clause(text) == first


@pytest.mark.parametrize(
    ("product", "field", "words"),
    [
        ("text2video", "duration", "Length in seconds: 3 to 15 (default: 5)"),
        (
            "text2video", "resolution",
            "Picture size: 720p, 1080p, 4k (default: 720p)",
        ),
        (
            "text2video", "shot_type",
            "Who cuts the shots: you (customize) or the model (intelligence)",
        ),
        ("image2video", "elements", "An element of your library: up to 3"),
        ("image", "n", "How many images to make: 1 to 9 (default: 1)"),
        ("text2video", "shots", "One shot of a storyboard, up to six times"),
    ],
)  # fmt: skip
def test_a_short_text_says_what_any_model_takes(
    product: str, field: str, words: str
) -> None:
    described = loader.load_product(product)

    assert short_help(described, described.field(field)) == words


def test_the_long_page_has_every_sentence(helped: Callable[..., str]) -> None:
    printed = " ".join(helped("text2video").split())

    assert "3 to 15 (kling-3.0-turbo, kling-3.0), otherwise 5 or 10." in printed
    assert "--sound, --no-sound" in printed
    assert "--wait" in printed
    assert "More about every option" not in printed


def test_help_finds_commands_of_groups_and_aliases(
    helped: Callable[..., str],
) -> None:
    assert helped("events", "show").startswith("Usage: kling events show")
    assert helped("t2v").splitlines()[2] == "Make a video from a prompt."
    assert "Log in" in helped("auth")


@pytest.mark.parametrize(
    ("words", "printed"),
    [
        (["evnts"], "Did you mean 'events'"),
        (["list", "all"], "kling list has no commands"),
        (["solution", "nonsense"], "No such command 'nonsense'"),
    ],
)
def test_help_about_nothing_is_a_wrong_usage(
    words: list[str], printed: str, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr("sys.argv", ["kling", "help", *words])

    assert run_command_line() == 2
    assert printed in capsys.readouterr().err


@pytest.mark.parametrize(
    ("alias", "words"),
    [
        (["t2v"], "kling text2video"),
        (["i2v"], "kling image2video"),
        (["login"], "--with-key"),
    ],
)
def test_an_alias_is_the_command(
    alias: list[str], words: str, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr("sys.argv", ["kling", *alias, "--help"])

    assert run_command_line() == 0
    assert words in capsys.readouterr().out


def test_json_of_an_alias_names_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["kling", "t2v", "--nonsense", "--json"])

    assert run_command_line() == 2
    assert '"command": "text2video"' in capsys.readouterr().out


def test_aliases_stand_beside_their_command_and_hidden_ones_nowhere() -> None:
    root: Any = typer.main.get_command(app)
    context = root.make_context("kling", [], resilient_parsing=True)
    printed = format_page(root, context).splitlines()

    assert "  text2video, t2v    Make a video from a prompt." in printed
    assert not any(line.startswith(("  login", "  help")) for line in printed)
