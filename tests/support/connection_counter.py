"""A server that tests expect no connection to; it counts connections."""

from __future__ import annotations

import socket
import threading
from types import TracebackType
from typing import Self


class ConnectionCounter:
    """A listening socket that counts and closes connections."""

    def __init__(self) -> None:
        self.connections = 0
        self._socket = socket.create_server(("127.0.0.2", 0))
        self._thread = threading.Thread(target=self._count, name="connection counter")

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
                connection, _ = self._socket.accept()
            except OSError:
                return  # shut
            self.connections += 1
            connection.close()
