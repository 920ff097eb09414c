"""What a stranger may cost us, in one place."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds of the public socket; seconds of real time, bytes on the wire.

    `head_s` runs from the connection, or the last answer, to a complete head; `body_s`
    from there to a complete body; `answer_s` from the head to the end of the answer,
    whatever happens. A head is refused once `head_bytes` have come without its end,
    `read_bytes` more at most. `keep_s` bounds the journal, `linger_s` how long the rest
    of a refused body is thrown away, so that the sender gets to read the answer.
    `close_s` is given to callbacks that are whole when the server closes.
    """

    head_s: float = 10.0
    body_s: float = 10.0
    answer_s: float = 60.0
    keep_s: float = 2.0
    linger_s: float = 1.0
    close_s: float = 2.0
    keep_alive_s: int = 5
    head_bytes: int = 16 * 1024
    read_bytes: int = 16 * 1024
    body_bytes: int = 1024 * 1024
    connections: int = 256
