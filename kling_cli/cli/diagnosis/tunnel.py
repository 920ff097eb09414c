"""What a tunnel needs: the ngrok agent, new enough, and a token for it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from kling_cli.cli.diagnosis.check import Check, ok, warn
from kling_cli.errors import KlingError

if TYPE_CHECKING:
    from kling_cli.settings import Settings

_POLLING = "without a tunnel kling polls, which works too"
_HOW_TO_AUTHORISE = (
    "copy it from https://dashboard.ngrok.com/get-started/your-authtoken, then "
    "`ngrok config add-authtoken TOKEN` or NGROK_AUTHTOKEN"
)


def look_at_tunnel(settings: Settings, search_path: str) -> Iterator[Check]:
    """Yield how it stands with ngrok, unless no tunnel is wanted."""
    if settings.tunnel == "none":
        yield ok("tunnel", f"none wanted ({settings.origins['tunnel']}): polling only")
        return
    if settings.tunnel == "auto" and settings.is_loopback_base:
        yield ok("tunnel", "none needed: the API is on this machine")
        return
    yield check_agent(settings.ngrok_path, search_path)
    yield from check_shim(search_path)
    yield check_token(settings)


def check_agent(ngrok_path: str | None, search_path: str) -> Check:
    """Say which agent is used, and whether pyngrok can drive it."""
    from kling_cli.tunnels.ngrok.agent import (
        find_agent,
        read_version,
        require_version,
    )

    try:
        agent = find_agent(ngrok_path, search_path)
        require_version(agent)
        version = ".".join(map(str, read_version(agent)))
    except KlingError as exc:
        return warn("ngrok agent", f"{exc.message}; {_POLLING}", exc.hint or "")
    return ok("ngrok agent", f"{agent}, version {version}")


def check_shim(search_path: str) -> Iterator[Check]:
    """Say so when `ngrok` in a shell is pyngrok's script and not the agent."""
    from kling_cli.tunnels.ngrok.agent import is_shim

    first = shutil.which("ngrok", path=search_path)
    if first is not None and is_shim(Path(first)):
        yield ok("ngrok command", f"{first} is pyngrok's script; kling passes it over")


def check_token(settings: Settings) -> Check:
    """Say whether there is an authtoken and from where; never which."""
    from kling_cli.tunnels.ngrok.config import read_user_config

    if settings.ngrok_authtoken is not None:
        return ok("ngrok token", f"from {settings.origins['ngrok_authtoken']}")
    if read_user_config().authtoken:
        return ok("ngrok token", "from ngrok.yml")
    return warn("ngrok token", f"there is none; {_POLLING}", _HOW_TO_AUTHORISE)
