"""The simulator of the Kling API: an HTTP server on loopback, with control endpoints.

`routes/` are its endpoints, `state/` is what it knows, `media/` makes its files. Others
use `SandboxOptions` and `serve_sandbox`; clients meet it over HTTP only.
"""

from kling_cli.sandbox.options import SandboxOptions
from kling_cli.sandbox.server import Sandbox, serve_sandbox
from kling_cli.sandbox.state.traffic_log import Exchange

__all__ = ["Exchange", "Sandbox", "SandboxOptions", "serve_sandbox"]
