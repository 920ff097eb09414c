"""Judges how a handler answered mock callbacks: `--assert 2xx,5s,idempotent`. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from kling_cli.errors import UsageError
from kling_cli.listen.courier import Outcome
from kling_cli.listen.mock.scenarios import Delivery

_SECONDS: Final = re.compile(r"(\d{1,4}(?:\.\d{1,3})?)s")


@dataclass(frozen=True, slots=True, kw_only=True)
class Demands:
    """What is asked of the handler; without any, that it answers as it should."""

    within_s: float | None = None
    is_idempotent: bool = False


def read_demands(text: str | None) -> Demands:
    """Return what `--assert` asks for.

    Raises:
        UsageError: A word is none of `2xx`, `Ns` and `idempotent`.
    """
    within_s, is_idempotent = None, False
    for word in (text or "2xx").split(","):
        if seconds := _SECONDS.fullmatch(word.strip()):
            within_s = float(seconds[1])
        elif word.strip() == "idempotent":
            is_idempotent = True
        elif word.strip() != "2xx":
            raise UsageError(
                f"--assert {text}: {word!r} is nothing that can be asserted",
                hint="--assert 2xx,5s,idempotent",
            )
    return Demands(within_s=within_s, is_idempotent=is_idempotent)


def complaints(
    answers: Sequence[tuple[Delivery, Outcome]], demands: Demands, *, is_signed: bool
) -> list[str]:
    """Return a sentence for each demand that was not met, by number of delivery."""
    found: list[str] = []
    first: dict[tuple[str, bytes], int | None] = {}
    for number, (one, outcome) in enumerate(answers, 1):
        if fault := _fault(one, outcome, is_signed=is_signed):
            found.append(f"delivery {number}: {fault}")
        if demands.within_s is not None and outcome.duration_s > demands.within_s:
            found.append(f"delivery {number}: answered after {outcome.duration_s:.2f}s")
        before = first.setdefault((one.message_id, one.raw), outcome.status)
        if demands.is_idempotent and before != outcome.status:
            found.append(
                f"delivery {number}: answered {outcome.status}, before {before}"
            )
    return found


def _fault(one: Delivery, outcome: Outcome, *, is_signed: bool) -> str | None:
    if outcome.status is None:
        return f"no answer ({outcome.failure})"
    is_refused = outcome.status // 100 == 4  # noqa: PLR2004 -- HTTP's refusals
    if is_signed and (one.is_forged or one.age):
        return None if is_refused else f"a bad signature was answered {outcome.status}"
    if outcome.is_taken or (one.is_refusable and is_refused):
        return None
    return f"answered {outcome.status}"
