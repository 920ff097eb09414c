"""Fast read-only queries of recent tasks and callbacks, for shell completion.

They create nothing, wait for nothing and return nothing on error: a user who presses
Tab wants no message. They do not load the rest of the package.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final, NamedTuple

from kling_cli.store.prompts import prompt_of

FILE_NAME: Final = "journal.db"
_LIMIT: Final = 50  # of a menu
_BUSY_S: Final = 0.05


class RecentTask(NamedTuple):
    """A task in the journal; `prompt` is its text or name, empty where it has none."""

    task_id: str
    stage: str
    product: str
    prompt: str
    outputs: tuple[tuple[str, str], ...]  # type and id of each


class RecentCallback(NamedTuple):
    """A stored callback, by its number."""

    number: int
    status: str
    task_id: str


def recent_tasks(state_dir: Path, product: str = "") -> list[RecentTask]:
    """Return the newest tasks, of all products or of one, newest first."""
    rows = _read(
        state_dir,
        "SELECT task_id, stage, product, request, outputs FROM jobs"
        " WHERE task_id IS NOT NULL AND ? IN ('', product)"
        " ORDER BY written_at DESC LIMIT ?",
        (product, _LIMIT),
    )
    return [
        RecentTask(
            task_id=str(task_id),
            stage=str(stage),
            product=str(product),
            prompt=prompt_of(request),
            outputs=tuple(
                (str(each.get("type")), str(each["id"]))
                for each in _parse_json(outputs) or ()
                if isinstance(each, dict) and each.get("id")
            ),
        )
        for task_id, stage, product, request, outputs in rows
    ]


def recent_callbacks(state_dir: Path) -> list[RecentCallback]:
    """Return the newest stored callbacks, newest first."""
    rows = _read(
        state_dir,
        "SELECT id, status, task_id FROM callbacks ORDER BY id DESC LIMIT ?",
        (_LIMIT,),
    )
    return [
        RecentCallback(int(number), str(status or "malformed"), str(task_id or ""))
        for number, status, task_id in rows
    ]


def _read(state_dir: Path, query: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    path = state_dir / FILE_NAME
    try:
        where = f"{path.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(where, uri=True, timeout=_BUSY_S)) as database:
            return database.execute(query, values).fetchall()
    except (OSError, ValueError, sqlite3.Error):
        return []


def _parse_json(text: Any) -> Any:
    try:
        return json.loads(text)
    except (TypeError, ValueError, RecursionError):
        return None
