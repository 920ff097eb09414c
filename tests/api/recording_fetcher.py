"""A page fetcher that makes its responses, and records the requests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kling_cli.api.transport import ApiResponse


@dataclass(slots=True)
class RecordingFetcher:
    """Responds to each request with what `data` makes of its parameters or body."""

    data: Callable[[Mapping[str, Any]], Any]
    requests: list[Mapping[str, Any]] = field(default_factory=list)

    async def query(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        json: Any = None,
    ) -> ApiResponse:
        sent = dict(params or json or {})
        self.requests.append({"method": method, "path": path, **sent})
        return ApiResponse(
            http=200, body=b"", code=0, request_id="r", data=self.data(sent)
        )
