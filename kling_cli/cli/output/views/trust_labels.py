"""Labels of the JSON field `trust`: how a callback was authenticated."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_PHRASES: Mapping[str, str] = MappingProxyType(
    {
        "signed": "valid signature",
        "token": "via the secret URL",
        "open": "not authenticated",
        "mock": "mock",
        "api": "made from the API's answer",
    }
)
_WORDS: Mapping[str, str] = MappingProxyType(
    {"signed": "signature", "token": "secret-url", "open": "none"}
)


def trust_phrase(trust: str) -> str:
    """Return the phrase for a value of `trust` in a sentence."""
    return _PHRASES.get(trust, trust)


def trust_word(trust: str) -> str:
    """Return the word for a value of `trust` in a column."""
    return _WORDS.get(trust, trust)


def trust_from_word(word: str) -> str:
    """Return the value of `trust` of such a word; any other unchanged."""
    return next((value for value, label in _WORDS.items() if label == word), word)
