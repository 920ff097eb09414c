"""Signed links to result files, good until their `Expires`.

Source: API reference, section 5.5, read 2026-10-04: about 30 days, hotlink-protected.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from urllib.parse import quote, unquote

from kling_cli.sandbox.state.tasks import SandboxTask

LIFE_S = 30 * 86_400
PREFIX = "/files/"
_EVIL = "../../../evil\x00\x1b[31m"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whose file a valid link leads to, and what the file is called."""

    owner_id: str
    name: str


@dataclass(frozen=True, slots=True)
class Links:
    """Makes links under `base_url`, and knows its own again."""

    base_url: str
    key: bytes

    def make(self, task: SandboxTask, name: str) -> str:
        """Return the link to one of a task's files, by its name."""
        shown = _EVIL + name if task.has_evil_names else name
        return self.lead_to(task.id, shown, since=task.times.ended_at)

    def lead_to(self, owner_id: str, name: str, *, since: float) -> str:
        """Return a link to a file of a task, or of whatever else has files."""
        path = f"{PREFIX}{quote(owner_id, safe='')}/{quote(name, safe='')}"
        expires = int(since + LIFE_S)
        signature = self._sign(path, str(expires))
        return f"{self.base_url}{path}?Expires={expires}&Signature={signature}"

    def read(
        self, raw_path: str, *, expires: str, signature: str, now: float
    ) -> Wanted | None:
        """Return what a link asks for; None when it has expired or is not ours.

        `raw_path` is the path as it was sent, still quoted.
        """
        good = self._sign(raw_path, expires)
        if not hmac.compare_digest(good.encode(), signature.encode()):
            return None
        if now >= int(expires):
            return None
        owner_id, _, name = raw_path.removeprefix(PREFIX).partition("/")
        return Wanted(unquote(owner_id), unquote(name).removeprefix(_EVIL))

    def _sign(self, path: str, expires: str) -> str:
        return hmac.new(self.key, f"{path}?{expires}".encode(), "sha256").hexdigest()
