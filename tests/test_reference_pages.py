"""The reference pages are those the catalogue makes, and valid Markdown."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from docs.maker.__main__ import FOLDER, PICTURE, main, pages
from docs.maker.picture import picture, words
from kling_cli.cli.app import import_command
from kling_cli.cli.command_table import GROUPS, entries, group_members

PAGES = pages()
AGAIN = "what is described has changed: run `python -m docs.maker` and commit docs"

COMMANDS = (*entries(), *(one for group in GROUPS for one in group_members(group.name)))
PRODUCTS = [
    one
    for one in COMMANDS
    if one.target == "kling_cli.cli.commands.generate:make_command"
]

each_page = pytest.mark.parametrize("name", PAGES)


def test_the_pages_are_those_of_the_catalogue() -> None:
    written = {path.name: path.read_text("utf-8") for path in FOLDER.glob("*.md")}

    assert sorted(written) == sorted(PAGES), AGAIN
    changed = [name for name, text in PAGES.items() if written[name] != text]
    assert changed == [], AGAIN


@each_page
def test_every_row_of_a_table_has_as_many_cells_as_its_head(name: str) -> None:
    blocks = re.findall(r"(?:^\|.*\n)+", PAGES[name], re.MULTILINE)

    assert blocks
    for block in blocks:
        head, ruler, *rows = block.splitlines()
        widths = {len(re.split(r"(?<!\\)\|", row)) for row in (head, ruler, *rows)}
        assert len(widths) == 1, head
        assert re.fullmatch(r"\|( -{3}:? \|)+", ruler)
        assert rows, head


@each_page
def test_every_link_leads_somewhere(name: str) -> None:
    links = re.findall(r"\]\(([^)]+)\)", PAGES[name])

    assert [one for one in links if not (FOLDER / one).resolve().exists()] == []


@pytest.mark.parametrize("entry", PRODUCTS, ids=lambda entry: entry.name)
def test_a_page_has_every_option_of_its_command_that_is_not_everybody_s(
    entry: object,
) -> None:
    name = str(getattr(entry, "product", ""))
    command, other = import_command(entry), import_command(next(iter(entries())))  # type: ignore[arg-type]  # -- an entry
    shared = {each.opts[0] for each in other.params} | {"--mode", "--help"}
    own = {each.opts[0] for each in command.params if each.opts[0] not in shared}

    missing = [
        one for one in own if one[0] == "-" and f"`{one}`" not in PAGES[f"{name}.md"]
    ]

    assert missing == []


def test_pages_of_what_is_no_more_are_taken_away(tmp_path: Path) -> None:
    folder = tmp_path / FOLDER.name
    folder.mkdir()
    (folder / "gone.md").write_text("old")

    main(tmp_path)

    assert sorted(path.name for path in folder.iterdir()) == sorted(PAGES)
    assert (tmp_path / PICTURE.name).read_text("utf-8") == picture()


def test_the_picture_shows_what_the_live_display_shows() -> None:
    written = PICTURE.read_text("utf-8")

    assert words(written) == words(picture()), AGAIN
    assert "http://" not in written.replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert "https://" not in written.replace("https://www.textualize.io", "")
