"""Plain `pytest` runs in parallel and holds the coverage gate; a selection does not.

Whoever runs one file while working on it waits for no workers and fails no gate.
"""

from __future__ import annotations

import copy
import os
from argparse import Namespace
from collections.abc import Generator, Sequence
from typing import TypeVar

import pytest

T = TypeVar("T")

# Three workers a core: tests wait longer than they compute.
WORKERS = 3 * (os.cpu_count() or 1)
OPTIONS = (f"--numprocesses={WORKERS}", "--dist=worksteal", "--cov=kling_cli")
_SELECTING = ("file_or_dir", "keyword", "markexpr", "deselect", "lf", "failedfirst")
_OTHERWISE_BUSY = ("collectonly", "usepdb", "no_cov", "cov_source")
# Tests that take long, most of it waiting.
_LONG = ("tests/scenarios/", "tests/tunnels/", "tests/test_lint", "tests/test_shell_")


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config, parser: pytest.Parser, args: list[str]
) -> Generator[None, None, None]:
    if is_whole(early_config.known_args_namespace):
        args[:0] = OPTIONS  # first, so that what was typed wins
        early_config.known_args_namespace = parser.parse_known_args(
            args, namespace=copy.copy(early_config.option)
        )
    return (yield)


def is_whole(options: Namespace) -> bool:
    """Say whether `options` ask for all tests, and for nothing but running them."""
    return not any(getattr(options, name) for name in (*_SELECTING, *_OTHERWISE_BUSY))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Begin with the long tests in every worker, so that none of them is the last.

    A worker gets one piece of the list, and steals from the ends of others' pieces.
    """
    workers = getattr(config, "workerinput", {}).get("workercount", 1)
    long = [item for item in items if item.nodeid.startswith(_LONG)]
    short = [item for item in items if not item.nodeid.startswith(_LONG)]
    if workers > 1:
        items[:] = in_shares(long, short, workers)


def in_shares(long: Sequence[T], short: Sequence[T], workers: int) -> list[T]:
    """Return all in as many equal pieces as there are workers, each with long first."""
    ends = [len(short) * number // workers for number in range(workers + 1)]
    pieces = [
        [*long[number::workers], *short[ends[number] : ends[number + 1]]]
        for number in range(workers)
    ]
    return [each for piece in pieces for each in piece]
