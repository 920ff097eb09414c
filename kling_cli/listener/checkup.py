"""Looks whether the way in still works, when it may be gone without a word."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from anyio.abc import TaskGroup

from kling_cli.jobs.events import Notice
from kling_cli.listener.lines import CHECKED, Line, TunnelChanged
from kling_cli.listener.probe import Probe
from kling_cli.listener.reach import Way


@dataclass(slots=True, kw_only=True)
class Checkup:
    """Checks a public way in; what is found is told, and a dead tunnel opened anew."""

    probe: Probe
    way: Way
    group: TaskGroup
    tell: Callable[[Line], None]
    _is_busy: bool = False

    def start(self, reason: str) -> None:
        """Begin to look, unless a look is under way; returns at once."""
        if not self._is_busy:
            self._is_busy = True
            self.group.start_soon(self._look, reason)

    async def _look(self, reason: str) -> None:
        url = self.way.url
        try:
            finding = await self.probe.look(url)
        finally:
            self._is_busy = False
        detail = f"{reason}; {finding.words}"
        if finding.is_through:
            self.tell(TunnelChanged(state=CHECKED, public_url=url, detail=detail))
        elif url == self.way.url and not self.way.reopen(detail):
            self.tell(
                Notice(
                    message=f"{url} does not lead here any more: {detail}",
                    hint="see to what forwards it; kling goes on listening",
                )
            )
