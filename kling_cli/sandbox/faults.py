"""Fault injection: the grammar of the rules, and the queue of pending faults.

A rule is `ON:ACTION[xN]`: at the next N requests (or tasks) of kind ON, do ACTION.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kling_cli.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from random import Random

ACTIONS: Mapping[str, tuple[str, ...]] = {
    "create": (
        *("500", "502html", "503", "1302", "1303", "1101", "1102", "1304", "1300"),
        *("1301", "1103", "1201", "reset", "hang", "accept-reset", "accept-hang"),
        *("accept-503", "accept-504", "accept-5000", "accept-5002", "slow"),
    ),
    "query": (
        *("500", "502html", "reset", "hang", "1302", "1004", "1002", "1103", "1201"),
        *("empty", "junk"),
    ),
    "download": ("500", "403", "cut", "html", "short", "empty", "hang", "slow"),
    "task": (
        *("failed", "moderation", "no-outputs", "stuck", "odd-words"),
        *("failed-succeed-message", "evil-names"),
    ),
    "callback": ("none", "repeat", "shuffle", "forged", "late"),
    "account": ("500", "502html", "reset", "hang", "1302", "1101", "1103"),
}

# What `--chaos` draws from: all of it passes, or can be settled by asking again.
CHAOS: Mapping[str, tuple[str, ...]] = {
    "create": ("500", "503", "1302", "reset", "accept-reset", "accept-5000"),
    "query": ("500", "502html", "1302", "reset", "empty", "junk"),
    "download": ("500", "cut", "short"),
}

_RULE = re.compile(r"(?P<on>[^:]+):(?P<action>.+?)(?:x(?P<times>\d+))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Fault:
    """`action` applies to the next `times` requests or tasks of kind `on`; 0 = all."""

    on: str
    action: str
    times: int = 1


def parse_fault(spec: str) -> Fault:
    """Parse one rule.

    Raises:
        UsageError: it does not follow the grammar, or names no such fault.
    """
    match = _RULE.fullmatch(spec.strip())
    if match is None:
        raise UsageError(
            f"fault {spec!r} is not of the form ON:ACTION[xN]",
            hint="for example query:500x3; ON is one of " + ", ".join(ACTIONS),
        )
    on, action = match["on"], match["action"]
    if on not in ACTIONS:
        raise UsageError(
            f"fault {spec!r}: there is no {on!r}", hint="one of " + ", ".join(ACTIONS)
        )
    if action not in ACTIONS[on]:
        raise UsageError(
            f"fault {spec!r}: {on} cannot {action!r}",
            hint=f"{on} can: " + ", ".join(ACTIONS[on]),
        )
    return Fault(on, action, int(match["times"] or 1))


class FaultQueue:
    """Queues the requested faults, and draws random ones at the rate of `chaos`.

    Rules of one kind are used up in the order given; a rule with 0 times never is.
    Chaos comes only where no rule applies, and only to requests.
    """

    def __init__(self, rules: Iterable[Fault], *, chaos: float, random: Random) -> None:
        self._chaos = chaos
        self._random = random
        self._rules: dict[str, deque[Fault]] = {}
        self.replace(rules)

    def replace(self, rules: Iterable[Fault]) -> None:
        """Replace all pending faults by `rules`."""
        self._rules = {on: deque() for on in ACTIONS}
        for rule in rules:
            self._rules[rule.on].append(rule)

    def take(self, on: str) -> str | None:
        """Return the fault of this request or task of kind `on`, and use it up."""
        pending = self._rules.get(on)
        if not pending:
            return self._draw(on)
        rule = pending[0]
        if rule.times == 1:
            pending.popleft()
        elif rule.times > 1:
            pending[0] = Fault(on, rule.action, rule.times - 1)
        return rule.action

    def _draw(self, on: str) -> str | None:
        if on not in CHAOS or self._random.random() >= self._chaos:
            return None
        return self._random.choice(CHAOS[on])
