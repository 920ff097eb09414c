"""A pseudo-terminal for a program's streams."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import termios


class Terminal:
    """A pseudo-terminal, `columns` wide, in place of `streams`.

    What the program writes to it is heard under the name of `stream`.
    """

    def __init__(
        self,
        *,
        streams: tuple[str, ...] = ("stdin", "stderr"),
        columns: int = 80,
        rows: int = 24,
    ) -> None:
        self.stream = "stdout" if "stdout" in streams else "stderr"
        self._streams = streams
        self.master, self._slave = pty.openpty()
        self._is_open = True
        size = struct.pack("HHHH", rows, columns, 0, 0)
        fcntl.ioctl(self._slave, termios.TIOCSWINSZ, size)

    def slaves(self) -> dict[str, int]:
        return dict.fromkeys(self._streams, self._slave)

    def type(self, text: str) -> None:
        """Type on its keyboard."""
        os.write(self.master, text.encode())

    def close_slave(self) -> None:
        os.close(self._slave)

    def close(self) -> None:
        if self._is_open:
            os.close(self.master)
            self._is_open = False
