"""Calls that answer with their result at once: no task to wait for, none to look up.

Source: API reference, sections 2.7 (tts) and 2.8 (image-recognize), read 2026-10-04.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

from kling_cli.api import KlingClient, Task
from kling_cli.errors import AmbiguousError, OutcomeUnknownError
from kling_cli.jobs.job import RunOptions
from kling_cli.jobs.waiting.poller import NO_ENDPOINT
from kling_cli.store import JobRecord

_HINT: Final = "it may have been charged; run the command again for a result"


def is_synchronous(record: JobRecord) -> bool:
    """Return whether the answer to a job's create call is all there ever is of it."""
    return record.query_path == NO_ENDPOINT


def lost_call_error(record: JobRecord) -> OutcomeUnknownError:
    """Return the error for a call that was cut off, and that nobody can ask about."""
    return OutcomeUnknownError(
        f"it is unknown whether job {record.external_id} ({record.product}) was done:"
        " the call was cut off, and the API keeps no record of such calls",
        hint=_HINT,
    )


@dataclass(frozen=True, slots=True)
class SynchronousClient:
    """Creates the way `Submission` wants it. What is in doubt stays so.

    The API keeps no record of such a call, so nobody can be asked what became of it.
    """

    client: KlingClient

    async def create(self, path: str, body: dict[str, Any]) -> Task:
        """Return the finished task.

        Raises:
            OutcomeUnknownError: it may have been done, and charged, or not.
        """
        try:
            return await self.client.create_synchronous(path, body)
        except AmbiguousError as exc:
            raise OutcomeUnknownError(
                f"it is unknown whether the call was made: {exc.message}",
                hint=_HINT,
                code=exc.code,
                http=exc.http,
                request_id=exc.request_id,
            ) from exc


def without_callbacks(options: RunOptions) -> RunOptions:
    """Return the options for a call that nobody will be called back about."""
    return replace(options, callback="off", tunnel="none", callback_url=None)
