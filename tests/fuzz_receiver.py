"""Fuzz test of the receiver: `python tests/fuzz_receiver.py [--seconds 60] [--seed 1]`.

Random clients send to a running receiver, forty at a time. Every response must be valid
HTTP with an expected status, no unexpected exception may occur, and a valid callback
must get its 200 after each forty. A failure names its seed.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import anyio

from kling_cli.callbacks.http.limits import ServerLimits
from tests.callbacks.fuzzing import fuzz_receiver
from tests.callbacks.receiver_fixture import running_receiver

AT_ONCE = 40
LIMITS = ServerLimits(head_timeout_s=0.3, body_timeout_s=0.3, drain_timeout_s=0.2)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1, help="of the first client")
    options = parser.parse_args()
    n_clients, statuses = anyio.run(fuzz, options.seconds, options.seed)
    print(f"{n_clients} clients, answered with {sorted(statuses)}")
    return 0


async def fuzz(seconds: float, seed: int) -> tuple[int, Counter[int]]:
    """Return the number of clients, and how many rounds saw each status."""
    until = time.monotonic() + seconds
    next_seed = seed
    statuses: Counter[int] = Counter()
    while time.monotonic() < until:
        async with running_receiver(limits=LIMITS) as running:
            statuses.update(
                await fuzz_receiver(running, range(next_seed, next_seed + AT_ONCE))
            )
        next_seed += AT_ONCE
    return next_seed - seed, statuses


if __name__ == "__main__":
    sys.exit(main())
