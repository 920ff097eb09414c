"""Writes the reference pages, the live display's picture and the API's type stub.

`python -m docs.maker`, at the root of the repository.
"""

from __future__ import annotations

from pathlib import Path

from docs.maker import index_pages, product_page, stubs
from docs.maker.picture import picture
from kling_cli.catalogue.definition import loader
from kling_cli.cli.command_table import entries

DOCS = Path(__file__).parents[1]
FOLDER = DOCS / "reference"
PICTURE = DOCS / "live-display.svg"


def pages() -> dict[str, str]:
    """Return the pages by their file names."""
    commands = {entry.name for entry in entries()}
    described = (*loader.all_products(), *loader.all_managed())
    products = [
        each for each in described if product_page.command(each).split()[1] in commands
    ]
    return {
        "README.md": index_pages.readme(products),
        "models.md": index_pages.models(products),
        "prices.md": index_pages.price_list(products),
        **{f"{each.name}.md": product_page.page(each) for each in products},
    }


def main(docs: Path = DOCS) -> None:
    """Write everything, and delete the pages of products that are gone."""
    folder = docs / FOLDER.name
    folder.mkdir(exist_ok=True)
    made = pages()
    for path in folder.glob("*.md"):
        if path.name not in made:
            path.unlink()
    for name, text in made.items():
        (folder / name).write_text(text, encoding="utf-8")
    (docs / PICTURE.name).write_text(picture(), encoding="utf-8")


if __name__ == "__main__":
    main()
    stubs.STUB.write_text(stubs.stub(), encoding="utf-8")
