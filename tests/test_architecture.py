"""Holds the source to the house rules: who knows whom, sizes, words."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "kling_cli"

# A package may import those named here, never one further up; modules of the
# foundation may be imported by all and import one another only.
FOUNDATION = frozenset({"errors", "clock", "secret", "text", "background", "__init__"})
_CATALOGUE = frozenset({"catalogue", "settings"})
_ADAPTERS = _CATALOGUE | {"callbacks", "tunnels", "store", "api"}
MAY_KNOW: dict[str, frozenset[str]] = {
    "cli": _ADAPTERS | {"cli", "listener", "mock", "jobs", "sandbox"},
    "python_api": _ADAPTERS | {"python_api", "jobs", "sandbox"},
    "mock": _ADAPTERS | {"mock", "listener", "jobs"},
    "listener": _ADAPTERS | {"listener", "jobs"},
    "jobs": _ADAPTERS | {"jobs"},
    "sandbox": frozenset({"sandbox", "catalogue", "settings"}),
    "callbacks": _CATALOGUE | {"callbacks"},
    "tunnels": frozenset({"tunnels", "settings"}),
    "store": _CATALOGUE | {"store", "api"},
    "api": _CATALOGUE | {"api"},
    "catalogue": _CATALOGUE,
    "settings": frozenset({"settings"}),
}
# Other packages import from these packages themselves, not from their modules.
FACES = frozenset({"catalogue", "api", "store", "callbacks", "settings", "tunnels"})
BOUNDARY = frozenset({"main", "__main__"})

# Where a library may be imported, as beginnings of paths below the package.
HOMES: dict[str, tuple[str, ...]] = {
    "pyngrok": ("tunnels/",),
    "asyncssh": ("tunnels/",),
    "httpx": ("api/", "jobs/outputs/", "jobs/session", "sandbox/", "listener/"),
    "jwt": ("api/", "sandbox/"),
    "rich": ("cli/",),
    "typer": ("cli/", "main.py"),
    "sqlite3": ("store/",),
    "time": ("clock.py",),
    "starlette": ("sandbox/",),
    "uvicorn": ("sandbox/",),
    "h11": ("callbacks/http/",),
    "standardwebhooks": ("callbacks/", "sandbox/"),
    "keyring": ("settings/credential_store.py",),
}

# Listing the commands and parsing their options may not cost these.
HEAVY = frozenset(
    {"httpx", "rich", "jwt", "pyngrok", "uvicorn", "starlette", "asyncio", "sqlite3"}
    | {"psutil", "anyio", "keyring", "tomlkit", "asyncssh"}
)
LIGHT = ("main.py", "cli/app.py", "cli/options/", "errors.py", "settings/settings.py")

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

    @property
    def is_past_the_face(self) -> bool:
        """Whether a module of a package is imported, and not the package."""
        return self.target.count(".") > 1

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


def part(dotted_or_path: str) -> str:
    """Return `jobs` for kling_cli.jobs.job and for jobs/job.py."""
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
    return (
        imported in BOUNDARY
        or (imported in MAY_KNOW and imported not in MAY_KNOW[importer])
        or (imported in FACES and imported != importer and one.is_past_the_face)
    )


def test_nobody_knows_whom_they_should_not() -> None:
    assert [str(one) for one in all_imports() if is_breach(one)] == []


def test_the_rule_sees_a_breach() -> None:
    assert is_breach(Import("catalogue/values.py", 1, "kling_cli.api", False))
    assert is_breach(Import("sandbox/server.py", 1, "kling_cli.api", True))
    assert is_breach(Import("settings/settings.py", 1, "kling_cli.jobs.job", True))
    assert is_breach(Import("jobs/job.py", 1, "kling_cli.api.client", False))
    assert not is_breach(Import("jobs/job.py", 1, "kling_cli.api", False))


def graph() -> dict[str, set[str]]:
    """Return which module imports which, functions' imports and stubs included.

    A name that is taken from a package's face leads to the module that defines it.
    """
    names = {dotted(path): path for path in modules()}
    faces = {
        f"kling_cli.{face}": dict(exported(PACKAGE / face / "__init__.pyi"))
        for face in FACES
        if (PACKAGE / face / "__init__.pyi").exists()
    }
    edges: dict[str, set[str]] = {name: set() for name in names}
    for name, path in names.items():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.ImportFrom) or node.level or not node.module:
                continue
            for alias in node.names:
                target = f"{node.module}.{alias.name}"
                found = faces.get(node.module, {}).get(alias.name)
                if found is None:
                    found = target if target in names else node.module
                if found in names and found != name:
                    edges[name].add(found)
    return edges


def dotted(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def exported(stub: Path) -> Iterator[tuple[str, str]]:
    """Yield each name that a package offers, and the module that defines it."""
    package = dotted(stub.with_suffix(".py"))
    for node in ast.parse(stub.read_text("utf-8")).body:
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield alias.name, f"{package}.{node.module}"


def circle_in(edges: dict[str, set[str]]) -> list[str]:
    """Return modules that import one another in a circle; none, where there is none."""
    try:
        tuple(TopologicalSorter(edges).static_order())
    except CycleError as found:
        return list(found.args[1])
    return []


def test_no_imports_go_in_a_circle() -> None:
    assert circle_in(graph()) == []


def test_a_circle_is_seen() -> None:
    assert circle_in({"a": {"b"}, "b": {"c"}, "c": {"a"}}) != []


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
        if one.path.startswith((*LIGHT, "catalogue/"))
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
