"""Holds the source to the house rules: who knows whom, sizes, words."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "kling_cli"

# A part may know those further down, never those further up or beside it.
FOUNDATION = frozenset({"errors", "clock", "settings", "secret", "__init__"})
MAY_KNOW: dict[str, frozenset[str]] = {
    "cli": frozenset(
        {"cli", "listen", "jobs", "sandbox", "callbacks", "tunnels", "api", "products"}
    ),
    "listen": frozenset({"listen", "jobs", "callbacks", "tunnels", "api", "products"}),
    "jobs": frozenset({"jobs", "callbacks", "tunnels", "api", "products"}),
    "sandbox": frozenset({"sandbox", "products"}),
    "callbacks": frozenset({"callbacks", "products"}),
    "tunnels": frozenset({"tunnels"}),
    "api": frozenset({"api", "products"}),
    "products": frozenset({"products"}),
}
# Where no imports go in a circle, lazy ones and those for types included.
WITHOUT_CIRCLES = (
    *("api", "callbacks", "jobs", "listen", "products", "sandbox", "tunnels"),
)
BOUNDARY = frozenset({"main", "__main__"})

# Parts whose `__init__` is all that the others import.
FACES = ("tunnels",)

# Where a library may be imported, as beginnings of paths below the package.
HOMES: dict[str, tuple[str, ...]] = {
    "pyngrok": ("tunnels/",),
    "asyncssh": ("tunnels/",),
    "httpx": (
        "api/",
        "jobs/save",
        "jobs/download",
        "jobs/session",
        "sandbox/",
        "listen/",
    ),
    "jwt": ("api/", "sandbox/routes/authentication.py"),
    "rich": ("cli/",),
    "typer": ("cli/", "main.py"),
    "sqlite3": ("jobs/journal",),
    "time": ("clock.py",),
    "starlette": ("sandbox/",),
    "uvicorn": ("sandbox/",),
    "h11": ("callbacks/reading",),
    "standardwebhooks": ("callbacks/", "sandbox/"),
    "keyring": ("credential_store.py",),
}

# Listing the commands and parsing their options may not cost these.
HEAVY = frozenset(
    {"httpx", "rich", "jwt", "pyngrok", "uvicorn", "starlette", "asyncio", "sqlite3"}
    | {"psutil", "anyio", "keyring", "tomlkit", "asyncssh"}
)
LIGHT = ("main.py", "cli/app.py", "cli/options.py", "errors.py", "settings.py")

BAD_NAMES = frozenset({"utils", "util", "helpers", "common", "manager", "misc"})
BAD_WORDS = re.compile(r"\b(TO[D]O|FIX[M]E|X[X]X|HA[C]K|NotImpl[e]mented(Error)?)\b")
MACHINE_PATHS = re.compile(
    r"(?<![\w.])/(home/\w|root/|Users/\w|w[o]rk/|tm[p]/w/)|\.\./sh[a]red|\bfarm[-]\w"
)
TEXT_SUFFIXES = frozenset({".py", ".md", ".toml", ".sh", ".json", ""})


@dataclass(frozen=True, slots=True)
class Import:
    """One import statement. `is_lazy`: inside a function, or for types only."""

    path: str
    line: int
    target: str
    is_lazy: bool

    def __str__(self) -> str:
        return f"kling_cli/{self.path}:{self.line} imports {self.target}"


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def below_package(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


@cache
def all_imports() -> tuple[Import, ...]:
    return tuple(one for path in modules() for one in imports_of(path))


def imports_of(path: Path) -> Iterator[Import]:
    tree = ast.parse(path.read_text("utf-8"))
    lazy = {id(node) for node in lazy_nodes(tree)}
    for node in ast.walk(tree):
        for target in targets(node):
            is_lazy = id(node) in lazy
            yield Import(
                below_package(path), getattr(node, "lineno", 0), target, is_lazy
            )


def lazy_nodes(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if is_function or (
            isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        ):
            yield from ast.walk(node)


def targets(node: ast.AST) -> list[str]:
    match node:
        case ast.Import(names=names):
            return [alias.name for alias in names]
        case ast.ImportFrom(module="kling_cli", names=names):
            return [f"kling_cli.{alias.name}" for alias in names]
        case ast.ImportFrom(module=str(module), level=0):
            return [module]
        case ast.ImportFrom():
            return ["."]  # relative: the house has none
        case _:
            return []


def imported_modules(path: Path) -> set[str]:
    """Return the modules of ours that a file imports, lazily or not."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        found |= {*targets(node)}
        if isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found & {dotted(each) for each in modules()}


def dotted(path: Path) -> str:
    """Return `kling_cli.jobs.run` for its file, and the package for an `__init__`."""
    name = path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".")
    return name.removesuffix(".__init__")


def part(dotted_or_path: str) -> str:
    """Return `jobs` for kling_cli.jobs.run and for jobs/run.py."""
    name = dotted_or_path.removeprefix("kling_cli.")
    return re.split(r"[./]", name)[0]


def is_breach(one: Import) -> bool:
    if one.target == ".":
        return True
    if not one.target.startswith("kling_cli."):
        return False
    importer, imported = part(one.path), part(one.target)
    if importer in BOUNDARY:
        return False
    if importer not in MAY_KNOW:  # a module of the foundation knows its like only
        return imported in MAY_KNOW or imported in BOUNDARY
    return imported in BOUNDARY or (
        imported in MAY_KNOW and imported not in MAY_KNOW[importer]
    )


def test_nobody_knows_whom_they_should_not() -> None:
    assert [str(one) for one in all_imports() if is_breach(one)] == []


def test_the_rule_sees_a_breach() -> None:
    assert is_breach(Import("products/check.py", 1, "kling_cli.api.client", False))
    assert is_breach(Import("sandbox/app.py", 1, "kling_cli.api.task", True))
    assert is_breach(Import("settings.py", 1, "kling_cli.jobs.run", True))
    assert not is_breach(Import("jobs/run.py", 1, "kling_cli.api.client", False))


@pytest.mark.parametrize("name", WITHOUT_CIRCLES)
def test_no_imports_go_in_a_circle(name: str) -> None:
    graph = {
        dotted(path): imported_modules(path) - {dotted(path.parent)}
        for path in (PACKAGE / name).rglob("*.py")
    }

    TopologicalSorter(graph).prepare()  # raises with the circle, if there is one


@pytest.mark.parametrize("name", FACES)
def test_a_part_with_a_public_face_is_imported_through_it(name: str) -> None:
    inside = [
        str(one)
        for one in all_imports()
        if one.target.startswith(f"kling_cli.{name}.") and part(one.path) != name
    ]

    assert inside == []


@pytest.mark.parametrize("library", HOMES)
def test_a_library_stays_in_its_home(library: str) -> None:
    outside = [
        str(one)
        for one in all_imports()
        if one.target.partition(".")[0] == library
        and not one.path.startswith(HOMES[library])
    ]

    assert outside == []


def test_what_lists_the_commands_imports_nothing_heavy() -> None:
    paid_at_start = [
        str(one)
        for one in all_imports()
        if one.path.startswith((*LIGHT, "products/"))
        and one.target.partition(".")[0] in HEAVY
        and not one.is_lazy
    ]

    assert paid_at_start == []


def test_modules_are_nouns_that_say_something() -> None:
    names = {p.stem for p in modules()} | {p.parent.name for p in modules()}

    assert names & BAD_NAMES == set()


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    """Return every text of the repository by its path; caches and venvs are not its."""
    folders = ("kling_cli", "tests", "docs", "benchmarks", ".ci")
    paths = [path for name in folders for path in (ROOT / name).rglob("*")]
    return {
        path.relative_to(ROOT).as_posix(): path.read_text("utf-8")
        for path in [*paths, *ROOT.glob("[!.]*"), ROOT / ".gitignore"]
        if path.is_file() and path.suffix in TEXT_SUFFIXES
    }


@pytest.mark.parametrize(
    "pattern",
    [
        pytest.param(BAD_WORDS, id="unfinished work"),
        pytest.param(MACHINE_PATHS, id="somebody's machine"),
    ],
)
def test_no_text_speaks_of(pattern: re.Pattern[str], texts: dict[str, str]) -> None:
    found = [
        f"{name}:{number}: {line.strip()}"
        for name, text in texts.items()
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]

    assert texts
    assert found == []
