"""Signed links to result files, good until their `Expires`.

Source: API reference, section 5.5, read 2026-10-04: about 30 days, hotlink-protected.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from urllib.parse import quote, unquote

from kling_cli.sandbox.task import SandboxTask

LIFE_S = 30 * 86_400
PREFIX = "/files/"
_PLAIN, _MARKED = "video.mp4", "video_wm.mp4"
_EVIL = "../../../evil\x00\x1b[31m"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whose file a valid link leads to, and which of the two copies."""

    task_id: str
    is_watermarked: bool


@dataclass(frozen=True, slots=True)
class Links:
    """Makes links under `base_url`, and knows its own again."""

    base_url: str
    key: bytes

    def make(self, task: SandboxTask, is_watermarked: bool) -> str:
        name = _MARKED if is_watermarked else _PLAIN
        if task.has_evil_names:
            name = _EVIL + name
        path = f"{PREFIX}{quote(task.id, safe='')}/{quote(name, safe='')}"
        expires = int(task.times.ended_at + LIFE_S)
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
        task_id, _, name = raw_path.removeprefix(PREFIX).partition("/")
        return Wanted(unquote(task_id), is_watermarked=name.endswith(_MARKED))

    def _sign(self, path: str, expires: str) -> str:
        return hmac.new(self.key, f"{path}?{expires}".encode(), "sha256").hexdigest()
