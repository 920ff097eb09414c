"""Signed links to result files, valid until their `Expires`.

Source: API reference, section 5.5, read 2026-10-04: about 30 days, hotlink-protected.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

if TYPE_CHECKING:
    from kling_cli.sandbox.state.tasks import SandboxTask

LIFE_S = 30 * 86_400
PREFIX = "/files/"
_HOSTILE = "../../../evil\x00\x1b[31m"


@dataclass(frozen=True, slots=True)
class LinkedFile:
    """The file that a valid link leads to: its owner's id and its name."""

    owner_id: str
    name: str


@dataclass(frozen=True, slots=True)
class SignedLinks:
    """Signs links under `base_url`, and verifies them."""

    base_url: str
    key: bytes

    def task_url(self, task: SandboxTask, name: str) -> str:
        """Return the link to one of a task's files, by its name."""
        shown = _HOSTILE + name if task.has_hostile_names else name
        return self.url_for(task.id, shown, since=task.times.ended_at)

    def url_for(self, owner_id: str, name: str, *, since: float) -> str:
        """Return a link to a file of a task, or of whatever else has files."""
        path = f"{PREFIX}{quote(owner_id, safe='')}/{quote(name, safe='')}"
        expires = int(since + LIFE_S)
        signature = self._sign(path, str(expires))
        return f"{self.base_url}{path}?Expires={expires}&Signature={signature}"

    def resolve(
        self, raw_path: str, *, expires: str, signature: str, now: float
    ) -> LinkedFile | None:
        """Return what a link asks for; None when it has expired or is not ours.

        `raw_path` is the path as it was sent, still quoted.
        """
        good = self._sign(raw_path, expires)
        if not hmac.compare_digest(good.encode(), signature.encode()):
            return None
        if now >= int(expires):
            return None
        owner_id, _, name = raw_path.removeprefix(PREFIX).partition("/")
        return LinkedFile(unquote(owner_id), unquote(name).removeprefix(_HOSTILE))

    def _sign(self, path: str, expires: str) -> str:
        return hmac.new(self.key, f"{path}?{expires}".encode(), "sha256").hexdigest()
