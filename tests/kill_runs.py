"""Scenario A18 at length: `python tests/kill_runs.py [--kills 200] [--seed 1]`.

Each run of `kling text2video` is killed at a random moment; afterwards one `kling wait`
must have finished every task that was created, and no command may have made two.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.support.killed_runs import kill_runs
from tests.support.kling import Kling
from tests.support.sandbox_server import run_sandbox_server
from tests.support.tunnels import NAMES, serve_tunnel


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tunnel", choices=NAMES, default=NAMES[0])
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        run_sandbox_server(task_seconds=0.5, slots=1000, units=1e6) as sandbox,
    ):
        kling = Kling(Path(folder), sandbox.env)
        with serve_tunnel(options.tunnel, Path(folder), Path(folder)) as tunnel:
            damage = kill_runs(
                kling, sandbox, tunnel, kills=options.kills, seed=options.seed
            )
    print(damage)
    return 1 if damage.unfinished or damage.doubled or damage.strays else 0


if __name__ == "__main__":
    sys.exit(main())
