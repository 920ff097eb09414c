"""Synchronous calls: the answer is the result, and there is no task to query.

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
    """Return whether the answer to the job's create call was its result."""
    return record.query_path == NO_ENDPOINT


def lost_call_error(record: JobRecord) -> OutcomeUnknownError:
    """Return the error of a call that was cut off and cannot be queried."""
    return OutcomeUnknownError(
        f"it is unknown whether job {record.external_id} ({record.product}) was done:"
        " the call was cut off, and the API keeps no record of such calls",
        hint=_HINT,
    )


@dataclass(frozen=True, slots=True)
class SynchronousClient:
    """The client of a synchronous call's `Submission`; ambiguous outcomes are final.

    The API keeps no record of such a call, so its outcome cannot be queried.
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
            raise exc.converted_to(
                OutcomeUnknownError,
                f"it is unknown whether the call was made: {exc.message}",
                hint=_HINT,
            ) from exc


def without_callbacks(options: RunOptions) -> RunOptions:
    """Return the options for a call without callbacks."""
    return replace(options, callback="off", tunnel="none", callback_url=None)
