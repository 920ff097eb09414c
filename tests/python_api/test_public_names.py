"""What `from kling_cli import …` gives, and what it costs."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import kling_cli

STUB = Path(kling_cli.__file__).with_suffix(".pyi")
NAMES: list[str] = vars(kling_cli)["__all__"]
PRINT_MODULES = """
import sys
before = set(sys.modules)
import kling_cli
print(sorted(set(sys.modules) - before))
from kling_cli import KlingError
heavy = {"httpx", "anyio", "typer", "asyncio", "sqlite3"}
print(sorted((set(sys.modules) - before) & heavy))
"""


def test_the_stub_lists_the_public_names() -> None:
    imports = [
        node
        for node in ast.parse(STUB.read_text("utf-8")).body
        if isinstance(node, ast.ImportFrom)
    ]
    listed = [alias.asname or alias.name for node in imports for alias in node.names]

    assert sorted([*listed, "__version__"]) == sorted(NAMES)
    assert set(NAMES) <= set(dir(kling_cli))
    for name in NAMES:
        assert getattr(kling_cli, name) is not None


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Klang'"):
        kling_cli.Klang  # type: ignore[attr-defined]  # noqa: B018 -- that is the test


def test_an_import_costs_nothing_until_a_name_is_touched() -> None:
    program = [sys.executable, "-c", PRINT_MODULES]

    printed = subprocess.run(program, capture_output=True, text=True, check=True).stdout

    assert printed.splitlines() == ["['kling_cli']", "[]"]
