"""Log of the traffic: requests received, callbacks sent."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

KEPT = 10_000  # entries of each kind; the counts go on


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request. `kind`: create, query, download, account or other.

    `status` is the HTTP status, None where no answer was given. `fault` is the one
    injected. `has_authorization` says whether it carried credentials. A path
    that `is_historic` has left the documentation: new programs should not call it.
    """

    method: str
    path: str
    kind: str
    status: int | None
    fault: str | None = None
    has_authorization: bool = False
    is_historic: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One callback sent: the status of the task in it, and the answer.

    `answer` is the HTTP status, None without an answer; `error` then says why.
    """

    url: str
    status: str
    task_id: str
    answer: int | None
    error: str | None = None


class TrafficLog:
    """Keeps the newest exchanges and deliveries, and counts all requests."""

    def __init__(self, on_request: Callable[[Exchange], None] | None = None) -> None:
        self._on_request = on_request
        self._exchanges: deque[Exchange] = deque(maxlen=KEPT)
        self._deliveries: deque[Delivery] = deque(maxlen=KEPT)
        self._counts: Counter[str] = Counter(create=0, query=0, download=0)

    def record_exchange(self, exchange: Exchange) -> None:
        self._exchanges.append(exchange)
        self._counts[exchange.kind] += 1
        if self._on_request is not None:
            self._on_request(exchange)

    def record_delivery(self, delivery: Delivery) -> None:
        self._deliveries.append(delivery)

    def document(self) -> dict[str, Any]:
        """Return everything kept, as JSON values, oldest first."""
        return {
            "requests": [asdict(exchange) for exchange in self._exchanges],
            "callbacks": [asdict(delivery) for delivery in self._deliveries],
            "counts": dict(self._counts),
        }
