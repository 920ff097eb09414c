"""Looking a journal over without touching it, for `kling doctor`."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from kling_cli.store.journal_file import FILE_NAME as JOURNAL_NAME
from kling_cli.store.journal_file import JournalError


def find_damage(state_dir: Path) -> str | None:
    """Return what is wrong with the journal, None when it is sound or not there yet.

    Raises:
        JournalError: it cannot be read at all.
    """
    path = state_dir / JOURNAL_NAME
    if not path.exists():
        return None
    try:
        return _first_complaint(path)
    except sqlite3.OperationalError as exc:
        raise JournalError(path, exc) from exc
    except sqlite3.DatabaseError as exc:
        return str(exc)


def _first_complaint(path: Path) -> str | None:
    address = f"file:{quote(str(path))}?mode=ro"
    with closing(sqlite3.connect(address, uri=True)) as database:
        said = str(database.execute("PRAGMA quick_check(1)").fetchone()[0])
    return None if said == "ok" else said
