"""The README is held to the program: tables, options, commands."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from kling_cli.cli.app import import_command
from kling_cli.cli.command_table import entries
from kling_cli.errors import ExitCode
from kling_cli.settings.sources import CONFIG_KEYS, SETTINGS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def section(title: str) -> str:
    """Return the text under a heading of the second level."""
    pattern = rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)"
    found = re.search(pattern, README, re.MULTILINE | re.DOTALL)
    assert found, f"the README has no section {title}"
    return found[1]


def first_column(text: str) -> list[str]:
    """Return the first cells of the tables in `text`, without heads and rulers."""
    cells = [
        row.split(" | ")[0].strip("| ") for row in text.splitlines() if row[:1] == "|"
    ]
    return [cell for cell in cells if not set(cell) <= set("-: ")][1:]


def options_of(command: str) -> set[str]:
    """Return every option that a command takes, all spellings."""
    found = import_command(next(entry for entry in entries() if entry.name == command))
    return {
        spelling
        for param in found.params
        for spelling in (*param.opts, *param.secondary_opts)
        if spelling.startswith("-")
    }


def names_of_commands() -> set[str]:
    return {entry.name for entry in entries()}


def test_exit_codes_are_those_of_the_program() -> None:
    described = [int(cell) for cell in first_column(section("Exit codes"))]

    assert described == sorted(code.value for code in ExitCode)


def test_settings_are_those_of_the_program() -> None:
    described = {cell.strip("`") for cell in first_column(section("Settings"))}

    assert described == {one.variable for one in SETTINGS if one.variable}


def test_the_example_of_a_config_file_has_known_keys_only() -> None:
    example = re.search(r"```toml\n(.*?)```", section("Settings"), re.DOTALL)
    assert example

    tables = tomllib.loads(example[1])

    flat = {
        f"{name}.{inner}" if isinstance(value, dict) else name
        for name, value in tables.items()
        for inner in (value if isinstance(value, dict) else [name])
    }
    assert flat <= CONFIG_KEYS


@pytest.mark.parametrize("command", ["text2video", "image2video"])
def test_described_options_exist(command: str) -> None:
    table = section("Options of the generating commands")
    described = set(re.findall(r"`(-{1,2}[a-z-]+)", "\n".join(first_column(table))))

    missing = described - options_of(command)

    of_text_alone = {"-a", "--aspect-ratio"}  # a frame decides the shape
    assert missing - (of_text_alone if command == "image2video" else set()) == set()


def test_shared_options_are_all_described() -> None:
    shared = options_of("text2video") & options_of("image2video")
    fields = {"--multi-shot", "--no-multi-shot", "--shot-type", "--cfg-scale"}
    fields |= {"--shot", "--voice", "--camera", "--help", "-h"}

    described = set(re.findall(r"`(-{1,2}[a-z-]+)", README))

    assert shared - fields - described == set()


def test_commands_are_those_of_the_program() -> None:
    described = {
        cell.split()[1].strip("`") for cell in first_column(section("Commands"))
    }

    assert described == names_of_commands()


def test_every_command_in_an_example_exists() -> None:
    blocks = "\n".join(re.findall(r"```(?:sh|console)\n(.*?)```", README, re.DOTALL))
    used = set(re.findall(r"\bkling ([a-z0-9-]+)", blocks)) - {"cli"}

    assert used <= names_of_commands()


def test_linked_pages_exist() -> None:
    links = re.findall(r"\]\((?!http)([^)#]+)", README)

    assert [link for link in links if not (ROOT / link).exists()] == []
