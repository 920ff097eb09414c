"""A POST as the curl command that does the same. Pure."""

from __future__ import annotations

import base64
import shlex
from collections.abc import Iterable
from typing import Final

_LONGEST: Final = 100_000  # characters; Linux takes no longer word (128 KiB)


def curl_command(url: str, headers: Iterable[tuple[str, str]], raw: bytes) -> str:
    """Return one line for a POSIX shell; the body arrives byte for byte."""
    words = ["curl", "-sS", "-X", "POST", url]
    given = list(headers)
    names = {name.lower() for name, _ in given}
    if "content-type" not in names:
        given.append(("Content-Type", ""))  # curl would add a form's
    for name, value in given:
        words += ["-H", f"{name}: {value}" if value else f"{name}:"]
    text = _as_text(raw)
    if text is not None:
        return shlex.join([*words, "--data-raw", text])
    coded = base64.b64encode(raw).decode()
    return f"printf %s {coded} | base64 -d | {shlex.join(words)} --data-binary @-"


def _as_text(raw: bytes) -> str | None:
    """Return the body as a word for the shell; None when no word can hold it."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return None
    is_plain = text.isprintable()  # a line break would make two lines of it
    return text if is_plain and len(raw) <= _LONGEST else None
