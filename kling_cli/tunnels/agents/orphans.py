"""Ends agent processes that a killed owner left behind, and nothing else.

Each agent is recorded in `agents/<pid>.json` before it begins: who it is and who
owns it, by pid and start time. Only an agent whose owner is gone is ended.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kling_cli.tunnels.agents.identity import Identity

_TERMINATE_S = 1.0  # for an agent to close its session


@dataclass(frozen=True, slots=True)
class AgentRecord:
    """An agent, its owner and the folder that was made for it."""

    agent: Identity
    owner: Identity
    folder: Path


def folder_for_agents(state_dir: Path) -> Path:
    """Return the folder of records, made if need be; mode 0700."""
    folder = state_dir / "agents"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def write_record(
    state_dir: Path, agent: Identity, owner: Identity, folder: Path
) -> None:
    """Record an agent, whole or not at all."""
    path = _path(state_dir, agent.pid)
    part = folder / "record.part"
    part.write_text(
        json.dumps(
            {
                "pid": agent.pid,
                "started_at": agent.started_at,
                "owner_pid": owner.pid,
                "owner_started_at": owner.started_at,
                "folder": folder.name,
            }
        )
    )
    part.replace(path)


def remove_record(state_dir: Path, pid: int) -> None:
    """Remove the record of an agent that has ended."""
    _path(state_dir, pid).unlink(missing_ok=True)


def end_orphans(state_dir: Path) -> int:
    """End the agents whose owner is gone; return how many there were.

    Takes a few milliseconds, up to two seconds for an agent that will not go.
    """
    folder = state_dir / "agents"
    ended = 0
    for path in sorted(folder.glob("*.json")):
        record = _read(path)
        if record is not None and record.owner.is_alive:
            continue
        if record is not None:
            ended += _terminate(record.agent)
            shutil.rmtree(record.folder, ignore_errors=True)
        path.unlink(missing_ok=True)
    for orphan in _orphaned_folders(folder):
        shutil.rmtree(orphan, ignore_errors=True)
    return ended


def _path(state_dir: Path, pid: int) -> Path:
    return state_dir / "agents" / f"{pid}.json"


def _read(path: Path) -> AgentRecord | None:
    """Return what is written in `path`; None when that makes no sense."""
    try:
        raw: dict[str, Any] = json.loads(path.read_text())
        return AgentRecord(
            agent=Identity(int(raw["pid"]), float(raw["started_at"])),
            owner=Identity(int(raw["owner_pid"]), float(raw["owner_started_at"])),
            folder=_below(path.parent, raw["folder"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _below(parent: Path, name: str) -> Path:
    if "/" in name or not name.startswith("run-"):
        raise ValueError(name)
    return parent / name


def _orphaned_folders(folder: Path) -> Iterator[Path]:
    """Yield folders of owners that were killed before their agent was recorded."""
    for path in folder.glob("run-*"):
        pid = path.name.split("-")[1]
        if pid.isdigit() and not _is_running(int(pid)):
            yield path


def _is_running(pid: int) -> bool:
    import psutil

    return bool(psutil.pid_exists(pid))


def _terminate(agent: Identity) -> bool:
    """Ask `agent` to end, then make it; False when it had ended before."""
    if not agent.is_alive:
        return False
    import psutil

    with suppress(psutil.Error, OSError):
        process = psutil.Process(agent.pid)
        for what in (signal.SIGTERM, signal.SIGKILL):
            if agent.is_alive:
                _signal_group(agent.pid, what)
                with suppress(psutil.TimeoutExpired):
                    process.wait(_TERMINATE_S)
    return True


def _signal_group(pid: int, what: signal.Signals) -> None:
    """Signal an agent and whatever it started: it leads a group of its own."""
    if os.getpgid(pid) == pid:
        os.killpg(pid, what)
    else:
        os.kill(pid, what)
