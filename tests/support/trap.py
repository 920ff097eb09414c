"""A server nobody may contact; it counts those who do."""

from __future__ import annotations

import socket
import threading
from types import TracebackType
from typing import Self


class Trap:
    """A listening socket of a host that is not in the plan."""

    def __init__(self) -> None:
        self.visits = 0
        self._socket = socket.create_server(("127.0.0.2", 0))
        self._thread = threading.Thread(target=self._count, name="trap")

    @property
    def url(self) -> str:
        host, port = self._socket.getsockname()
        return f"http://{host}:{port}/video.mp4"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()

    def _count(self) -> None:
        while True:
            try:
                visitor, _ = self._socket.accept()
            except OSError:
                return  # shut
            self.visits += 1
            visitor.close()
