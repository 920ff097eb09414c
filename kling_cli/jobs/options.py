"""How a job is to be run, as the command line said it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """`timeout_s` None waits for ever; `port` 0 takes a free one.

    `needs_way` is for a call that nobody will be called back about, made before one
    that needs a way for callbacks: without one, nothing is spent.

    `output` is a file, a folder or a template; None saves into the settings' folder.
    """

    command: str
    callback: str = "auto"
    tunnel: str = "auto"
    callback_url: str | None = None
    port: int = 0
    timeout_s: float | None = 3600.0
    is_waiting: bool = True
    is_downloading: bool = True
    output: str | None = None
    is_forced: bool = False
    max_units: float | None = None
    needs_way: bool = False
