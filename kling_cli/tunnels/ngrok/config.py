"""The configuration of an ngrok agent: ours, with a part of the user's `ngrok.yml`.

The person's `ngrok.yml` is read and never written, and nothing of it is merged but the
authtoken and how to get out of this network.
Source: https://ngrok.com/docs/agent/config/v3, read 2026-10-04.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# Ours: no copies of requests (the secret path is in them), nothing from outside.
_OURS = {
    "console_ui": False,
    "inspect_db_size": -1,
    "remote_management": False,
    "update_check": False,
}
# How to reach ngrok from here, by its name in version 3 and, if different, before.
_CONNECTION_KEYS = {
    "connect_cas": "root_cas",
    "connect_interface": "connect_interface",
    "connect_url": "server_addr",
    "crl_noverify": "crl_noverify",
    "dns_resolver_ips": "dns_resolver_ips",
    "proxy_url": "proxy_url",
}


@dataclass(frozen=True, slots=True)
class UserConfig:
    """What is used of the user's `ngrok.yml`; `connection` has version 3's names."""

    authtoken: str | None = field(default=None, repr=False)
    connection: Mapping[str, Any] = field(default_factory=dict, repr=False)


def read_user_config() -> UserConfig:
    """Return what the person's `ngrok.yml` says; nothing when it cannot be read."""
    # OSError: a folder that may not be looked into; RuntimeError: no home is known
    with suppress(OSError, RuntimeError):
        for path in _user_paths():
            if path.is_file():
                return _read(path)
    return UserConfig()


def write_config(folder: Path, connection: Mapping[str, Any]) -> Path:
    """Write our own configuration, 0600 and without a token; return where it is.

    JSON is YAML too.
    """
    path = folder / "ngrok.yml"
    path.touch(mode=0o600)
    path.write_text(json.dumps({"version": 3, "agent": {**connection, **_OURS}}))
    return path


def _user_paths() -> list[Path]:
    from pyngrok import installer

    home = Path.home()
    settings = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config")
    folders = (
        Path(installer.get_default_ngrok_dir()),
        settings / "ngrok",
        home / ".ngrok2",
    )
    return [folder / "ngrok.yml" for folder in folders]


def _read(path: Path) -> UserConfig:
    from pyngrok import installer
    from yaml import YAMLError  # type: ignore[import-untyped]  # no stubs

    try:
        raw: Any = installer.get_ngrok_config(str(path), use_cache=False)
    except (OSError, ValueError, YAMLError):
        return UserConfig()  # ngrok itself would complain of it; we can do without
    if not isinstance(raw, dict):
        return UserConfig()
    agent = raw.get("agent")
    said = agent if isinstance(agent, dict) else raw
    found = {new: said.get(new, said.get(old)) for new, old in _CONNECTION_KEYS.items()}
    token = said.get("authtoken")
    return UserConfig(
        authtoken=token if isinstance(token, str) else None,
        connection={name: value for name, value in found.items() if value is not None},
    )
