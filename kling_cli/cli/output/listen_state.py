"""What the status line of `kling listen` says: where, whether it is open, how much."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from kling_cli.listener import lines as happened

if TYPE_CHECKING:
    from kling_cli.listener.lines import Line

_MASK = "****"


@dataclass(slots=True)
class ListenerState:
    """The state of a listener, from the lines that it tells. URLs are kept masked."""

    url: str = ""
    is_local: bool = False
    is_forwarding: bool = False
    is_paused: bool = False
    tunnel: str = "up"
    counts: Counter[str] = field(default_factory=Counter)
    refused: dict[str, int] = field(default_factory=dict)  # by reason

    def hear(self, line: Line) -> None:
        """Take what a line says."""
        match line:
            case happened.Ready():
                self.url = masked(line.callback_url)
                self.is_local = line.callback_url == line.local_url
                self.is_forwarding = bool(line.forward_to)
            case happened.CallbackSeen():
                self.counts["received"] += 1
            case happened.Forwarded():
                name = happened.counted_as(line)
                self.counts[
                    "failed" if name == "forward_failures" else "forwarded"
                ] += 1
            case happened.Rejected():
                self.refused[line.reason] = line.count
            case happened.TunnelChanged():
                self._tunnel_changed(line)
            case _:
                pass

    def text(self, columns: int, between: str) -> str:
        """Return the line: the URL gives way first where the terminal is narrow."""
        if not self.url:
            return ""
        facts = between.join(self._facts())
        room = columns - 1 - len(facts) - len(between)
        split = urlsplit(self.url)
        for url in (self.url, split.netloc):
            if len(url) <= room:
                return f"{url}{between}{facts}"
        return facts

    def _facts(self) -> Iterator[str]:
        yield "local only" if self.is_local else f"tunnel {self.tunnel}"
        yield f"{self.counts['received']} received"
        if self.is_forwarding:
            yield f"{self.counts['forwarded']} forwarded"
            yield f"{self.counts['failed']} failed"
        if n_refused := sum(self.refused.values()):
            yield f"{n_refused} refused"
        if self.is_paused:
            yield "paused"

    def _tunnel_changed(self, line: happened.TunnelChanged) -> None:
        if line.state in ("up", "moved", happened.CHECKED):
            self.tunnel = "up"
        else:
            self.tunnel = "down"
        if line.callback_url:
            self.url = masked(line.callback_url)


def masked(url: str) -> str:
    """Return a callback URL without the secret that is its last part, or its query."""
    split = urlsplit(url)
    base = f"{split.scheme}://{split.netloc.rpartition('@')[2]}"
    path, slash, _ = split.path.rpartition("/")
    is_bare = path == "" and not split.query  # `/callback`: nothing to hide
    return f"{base}{split.path}" if is_bare else f"{base}{path}{slash}{_MASK}"
