"""Asking again when the API was asked too often, or stumbled over the question."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from kling_cli.api.exchange import Answer
from kling_cli.api.paging import Asks
from kling_cli.clock import Clock
from kling_cli.errors import UnreachableError

PAUSES_S: Final = (1.0, 2.0)  # `/account/costs` wants no more than one a second


@dataclass(frozen=True, slots=True)
class Patient:
    """A client whose questions may be asked twice: lists, figures, deletions.

    An API that answers, with 429 or 5xx, is asked again; one that cannot be reached is
    not, as somebody is waiting.
    """

    client: Asks
    clock: Clock

    async def ask(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        json: Any = None,
    ) -> Answer:
        """Return the answer that there is in the end.

        Raises:
            KlingError: as the client does.
        """
        for pause_s in PAUSES_S:
            try:
                return await self.client.ask(method, path, params=params, json=json)
            except UnreachableError as exc:
                if exc.http is None:
                    raise
            await self.clock.sleep(pause_s)
        return await self.client.ask(method, path, params=params, json=json)
