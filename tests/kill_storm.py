"""Scenario A18 at length: `python tests/kill_storm.py [--kills 200] [--seed 1]`.

Each run of `kling text2video` is killed at a random moment; afterwards one `kling wait`
must have finished every task that was created, and no command may have made two.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.support.box import serve_box
from tests.support.kling import Kling
from tests.support.storm import storm
from tests.support.tunnels import NAMES, serve_tunnel


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tunnel", choices=NAMES, default=NAMES[0])
    asked = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        serve_box(task_seconds=0.5, slots=1000, units=1e6) as box,
    ):
        kling = Kling(Path(folder), box.env)
        with serve_tunnel(asked.tunnel, Path(folder), Path(folder)) as tunnel:
            damage = storm(kling, box, tunnel, kills=asked.kills, seed=asked.seed)
    print(damage)
    return 1 if damage.lost or damage.doubled or damage.strays else 0


if __name__ == "__main__":
    sys.exit(main())
