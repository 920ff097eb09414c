"""Ids and keys of the sandbox: random, and the same again for the same seed."""

from __future__ import annotations

import uuid
from random import Random, SystemRandom


class Ids:
    """Makes ids in the forms the API uses. Source: API reference, section 1.5."""

    def __init__(self, seed: int | None) -> None:
        # keys of a simulator on loopback: repeatable where a seed asks for it
        self.random: Random = SystemRandom() if seed is None else Random(seed)  # noqa: S311 -- a test's wish

    def task_id(self, first_digit: str) -> str:
        """Return 18 decimal digits, of which the first is given."""
        return first_digit + f"{self.random.randrange(10**17):017d}"

    def request_id(self) -> str:
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    def key(self, prefix: str) -> str:
        """Return a made-up credential of 40 hexadecimal digits after `prefix`."""
        return f"{prefix}{self.random.getrandbits(160):040x}"
