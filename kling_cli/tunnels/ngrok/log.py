"""Reads the agent's log where pyngrok does not: to the very end, whatever is in it.

pyngrok stops reading as soon as the process has ended, with the reason still in the
pipe; and its own reader ends at the first byte that is no UTF-8, after which the pipe
fills and the agent stands still.
"""

from __future__ import annotations

import threading
import traceback
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from pyngrok.conf import PyngrokConfig
    from pyngrok.process import NgrokProcess


def read_on(settings: PyngrokConfig) -> None:
    """Read the log of the running agent, in a thread of its own, until it ends.

    Raises: `PyngrokError` when the agent has ended already.
    """
    from pyngrok.process import get_process

    process = get_process(settings)
    threading.Thread(
        target=_hear_all, args=(process,), name="kling-ngrok-log", daemon=True
    ).start()


def hear_rest(failure: BaseException) -> None:
    """Hear what an agent said that ended while `failure` was on its way.

    Its process is known to the frames of the exception only.
    """
    from pyngrok.process import NgrokProcess

    for frame, _ in traceback.walk_tb(failure.__traceback__):
        for each in list(frame.f_locals.values()):
            if isinstance(each, NgrokProcess) and each.proc.poll() is not None:
                _hear_all(each)
                return


def lines(stream: IO[str]) -> Iterator[str]:
    """Yield line after line until the end; what cannot be read is left out."""
    while True:
        try:
            line = stream.readline()
        except UnicodeDecodeError:
            continue
        except ValueError:  # somebody has closed it
            return
        if not line:
            return
        yield line


def _hear_all(process: NgrokProcess) -> None:
    from pyngrok.log import NgrokLog

    hear = process.pyngrok_config.log_event_callback
    if process.proc.stdout is None or hear is None:
        return
    for line in lines(process.proc.stdout):
        hear(NgrokLog(line))
