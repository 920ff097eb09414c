"""Follows callbacks as other processes store them."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import Final

from kling_cli.clock import Clock
from kling_cli.store import CallbackFilter, Journal, StoredCallback

POLL_S: Final = 0.2


async def follow_callbacks(
    journal: Journal, callback_filter: CallbackFilter, *, last: int, clock: Clock
) -> AsyncGenerator[StoredCallback, None]:
    """Yield the `last` callbacks that match, then each new one, for ever.

    Raises:
        JournalError: the journal cannot be read.
    """
    newest = journal.list_callbacks(CallbackFilter(), limit=1)
    seen = newest[0].id if newest else 0
    version = journal.data_version()
    for callback in journal.list_callbacks(callback_filter, limit=last):
        if callback.id <= seen:
            yield callback
    while True:
        for page in journal.callback_pages(replace(callback_filter, after=seen)):
            for callback in page:
                seen = callback.id
                yield callback
        while (changed := journal.data_version()) == version:
            await clock.sleep(POLL_S)
        version = changed
