"""Assertions and readers that scenarios share."""

from __future__ import annotations

import json
import re
import sqlite3
from pathlib import Path
from typing import Any

from tests.support.kling import Kling
from tests.support.program import Result
from tests.support.sandbox_server import SandboxServer

PROMPT = ("text2video", "A paper boat on a rainy street")
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x9b]")  # all but tab and line feed
# The keys of the document that `--json` prints, whatever happened.
KEYS = frozenset(
    {"schema", "ok", "command", "task_id", "external_task_id", "product", "model"}
    | {"status", "status_message", "created_at", "updated_at", "elapsed_s"}
    | {"completed_by", "requests", "callbacks", "outputs", "expires_at", "units"}
    | {"estimated_units", "prompt", "state"}
    | {"request_id", "resume", "error"}
)


def one_task(sandbox: SandboxServer) -> dict[str, Any]:
    """Return the only task that the account has."""
    (task,) = sandbox.tasks
    return dict(task)


def saved(kling: Kling, result: Result) -> Path:
    """Return the one file that a run without `--json` saved, whole."""
    assert result.exit_code == 0, result
    (line,) = result.lines
    path = kling.here / line
    assert is_whole_video(path)
    assert not list(kling.here.rglob("*.part"))
    return path


def is_whole_video(path: Path) -> bool:
    """Return whether every box of the MP4 at `path` is complete."""
    raw, at, kinds = path.read_bytes(), 0, []
    while at + 8 <= len(raw):
        size = int.from_bytes(raw[at : at + 4], "big")
        kinds.append(raw[at + 4 : at + 8])
        if size < 8:
            return False
        at += size
    return at == len(raw) and kinds[0] == b"ftyp" and b"moov" in kinds


def document(result: Result) -> dict[str, Any]:
    """Return what `--json` printed: one object, with the keys it always has."""
    found = result.json()
    assert set(found) == KEYS
    assert found["ok"] == (result.exit_code == 0)
    assert (found["error"] is None) == found["ok"]
    return found


def listed(kling: Kling) -> list[dict[str, Any]]:
    """Return the journal as `kling list --json` prints it."""
    found = kling.run("list", "--json", "--limit", "0")
    assert found.exit_code == 0, found
    return list(json.loads(found.stdout)["tasks"])


def is_journal_sound(kling: Kling) -> bool:
    """Return whether every journal below the state folder passes SQLite's own check."""
    found = list(kling.state_dir.glob("*.db"))
    for path in found:
        connection = sqlite3.connect(path)
        try:
            (verdict,) = connection.execute("PRAGMA integrity_check").fetchone()
        finally:
            connection.close()
        if verdict != "ok":
            return False
    return bool(found)
