"""A client of lists that answers from memory, and remembers what it was asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kling_cli.api.transport import ApiResponse


@dataclass(slots=True)
class Answering:
    """Answers each question with what `data` makes of its parameters or body."""

    data: Callable[[Mapping[str, Any]], Any]
    asked: list[Mapping[str, Any]] = field(default_factory=list)

    async def query(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        json: Any = None,
    ) -> ApiResponse:
        said = dict(params or json or {})
        self.asked.append({"method": method, "path": path, **said})
        return ApiResponse(
            http=200, body=b"", code=0, request_id="r", data=self.data(said)
        )
