"""Extraction of the prompt from a stored request; loads nothing, for completion."""

from __future__ import annotations

import json
from typing import Any, Final

# Keys of request bodies that hold a prompt or name, the likeliest first.
_KEYS: Final = ("prompt", "text", "name", "title", "element_name", "voice_name")


def prompt_of(request: Any) -> str:
    """Return the prompt of a request in JSON, or its text, name or title, or `""`."""
    try:
        return _first_text(json.loads(request))
    except (TypeError, ValueError, RecursionError):
        return ""


def _first_text(body: Any) -> str:
    if isinstance(body, dict):
        for name in _KEYS:
            if isinstance(body.get(name), str) and body[name].strip():
                return str(body[name]).strip()
    values = body.values() if isinstance(body, dict) else body
    nested = values if isinstance(body, dict | list) else ()
    return next((text for each in nested if (text := _first_text(each))), "")
