"""Plain `pytest` runs in parallel and holds the coverage gate; a selection does not.

Whoever runs one file while working on it waits for no workers and fails no gate.
"""

from __future__ import annotations

import copy
import os
from argparse import Namespace
from collections.abc import Generator

import pytest

# Two workers a core: tests wait longer than they compute.
WORKERS = 2 * (os.cpu_count() or 1)
OPTIONS = (f"--numprocesses={WORKERS}", "--dist=worksteal", "--cov=kling_cli")
_SELECTING = ("file_or_dir", "keyword", "markexpr", "deselect", "lf", "failedfirst")
_OTHERWISE_BUSY = ("collectonly", "usepdb", "no_cov", "cov_source")


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
