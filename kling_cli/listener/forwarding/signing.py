"""Signing what is passed on, as Standard Webhooks has it.

Kling's account may have no secret; an app can be written against signed callbacks all
the same. The id is that of the callback, the same for every target and every attempt.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from kling_cli.callbacks import sign
from kling_cli.listener.forwarding.headers import Headers, with_added
from kling_cli.secret import Secret


def signed(
    headers: Headers,
    raw: bytes,
    *,
    secrets: Sequence[Secret],
    number: int,
    now: datetime,
) -> Headers:
    """Return the headers with our signature of `raw` in place of any other.

    Without secrets they stay as they are.
    """
    if not secrets:
        return headers
    ours = sign(raw, secrets=secrets, message_id=f"kling_{number}", sent_at=now)
    return with_added(headers, ours.items())
