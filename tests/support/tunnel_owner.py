"""A program that owns a tunnel until it is ended: `tunnel_owner.py STATE_DIR NGROK`.

Says `opening`, then `open URL` or the error. It has no signal handlers of its own.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from kling_cli.errors import TunnelError
from kling_cli.tunnels.ngrok.provider import NgrokProvider


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


async def own(state_dir: Path, ngrok_path: str) -> None:
    say("opening")
    try:
        async with NgrokProvider(state_dir, ngrok_path=ngrok_path).open(9) as tunnel:
            say(f"open {tunnel.public_url}")
            await asyncio.Event().wait()
    except TunnelError as exc:
        say(f"{type(exc).__name__}: {exc}")


if __name__ == "__main__":
    asyncio.run(own(Path(sys.argv[1]), sys.argv[2]))
