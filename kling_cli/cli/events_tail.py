"""A kept callback as a line of `kling events tail`."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

from kling_cli.cli.output.document import dumps
from kling_cli.cli.output.escape import one_line
from kling_cli.cli.output.quantities import moment
from kling_cli.listener.export import fields_of

if TYPE_CHECKING:
    from kling_cli.cli.options import Talk
    from kling_cli.store.journal import KeptCallback

SCHEMA: Final = "kling.listen/1"  # a callback's line is the same wherever it is read


def line_of(kept: KeptCallback, *, seq: int, now: datetime, talk: Talk) -> str:
    """Return the line; with --quiet the number alone."""
    if talk.is_json:
        head = {"schema": SCHEMA, "type": "callback", "seq": seq, "ts": moment(now)}
        return dumps({**head, **fields_of(kept)})
    if talk.is_quiet:
        return str(kept.id)
    name = kept.task_id or kept.external_id
    words = (kept.product, kept.status or "malformed", name, kept.trust)
    what = " ".join(word for word in words if word)
    return one_line(f"{moment(kept.received_at)} #{kept.id} {what}")
