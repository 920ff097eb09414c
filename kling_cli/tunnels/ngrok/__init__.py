"""ngrok as a tunnel provider, driven by pyngrok."""

from __future__ import annotations

from kling_cli.tunnels.ngrok.agent import find_agent, install_agent

__all__ = ["find_agent", "install_agent"]
