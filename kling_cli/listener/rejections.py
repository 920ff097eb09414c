"""Counts rejected requests and limits how often they are reported.

Scanners of the public URL must not fill the screen: the first rejection for a reason is
reported at once, further ones within `REPORT_INTERVAL_S` together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Final

from kling_cli.callbacks import CallbackRefused
from kling_cli.clock import Clock
from kling_cli.listener.events import Rejected

REPORT_INTERVAL_S: Final = 5.0
UNKNOWN_PATH: Final = "no such path"
UNKNOWN_PATH_STATUS: Final = 404


class RejectionLog:
    """Counts rejections by reason; `count_unknown` returns those of unknown paths."""

    def __init__(
        self,
        emit: Callable[[Rejected], None],
        *,
        clock: Clock,
        count_unknown: Callable[[], int],
    ) -> None:
        self._emit = emit
        self._clock = clock
        self._count_unknown = count_unknown
        self._counts: Counter[tuple[str, int]] = Counter()
        self._reported: dict[tuple[str, int], int] = {}
        self._reported_at: dict[tuple[str, int], float] = {}

    @property
    def total(self) -> int:
        """How many requests to known paths were rejected."""
        return sum(
            count for kind, count in self._counts.items() if kind[0] != UNKNOWN_PATH
        )

    def add(self, refused: CallbackRefused) -> None:
        """Count a rejection; report it unless its reason was reported just now."""
        kind = (refused.reason.value, refused.reason.status)
        self._counts[kind] += 1
        last_reported_at = self._reported_at.get(kind)
        if (
            last_reported_at is None
            or self._clock.monotonic() - last_reported_at >= REPORT_INTERVAL_S
        ):
            self._report(kind, number=refused.number, detail=refused.detail)

    def tick(self) -> None:
        """Report counts that have grown, a while after their last report."""
        self.flush(REPORT_INTERVAL_S)

    def flush(self, quiet_s: float = 0.0) -> None:
        """Report counts that have grown and were not reported in the last `quiet_s`."""
        now = self._clock.monotonic()
        self._counts[UNKNOWN_PATH, UNKNOWN_PATH_STATUS] = self._count_unknown()
        for kind, count in self._counts.items():
            is_quiet = now - self._reported_at.get(kind, now - quiet_s) >= quiet_s
            if count > self._reported.get(kind, 0) and is_quiet:
                self._report(kind)

    def _report(
        self,
        kind: tuple[str, int],
        *,
        number: int | None = None,
        detail: str | None = None,
    ) -> None:
        count = self._counts[kind]
        self._reported[kind] = count
        self._reported_at[kind] = self._clock.monotonic()
        reason, status = kind
        self._emit(
            Rejected(
                reason=reason, status=status, count=count, number=number, detail=detail
            )
        )
