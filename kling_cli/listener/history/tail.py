"""Following callbacks as other processes keep them."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import Final

from kling_cli.clock import Clock
from kling_cli.store import CallbackFilter, CallbackJournal, StoredCallback

POLL_S: Final = 0.2


async def follow_callbacks(
    journal: CallbackJournal, wanted: CallbackFilter, *, last: int, clock: Clock
) -> AsyncGenerator[StoredCallback, None]:
    """Yield the `last` callbacks that are wanted, then each as it is kept, for ever.

    Raises:
        JournalError: the journal cannot be read.
    """
    newest = journal.callbacks(CallbackFilter(), limit=1)
    seen = newest[0].id if newest else 0
    version = journal.data_version()
    for kept in journal.callbacks(wanted, limit=last):
        if kept.id <= seen:
            yield kept
    while True:
        for page in journal.pages(replace(wanted, after=seen)):
            for kept in page:
                seen = kept.id
                yield kept
        while (changed := journal.data_version()) == version:
            await clock.sleep(POLL_S)
        version = changed
