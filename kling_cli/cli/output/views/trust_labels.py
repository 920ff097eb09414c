"""How a callback was authenticated, in words for a person; JSON keeps its own."""

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
    """Return what stands in a sentence for a value of the JSON field `trust`."""
    return _PHRASES.get(trust, trust)


def trust_word(trust: str) -> str:
    """Return the same as one word, for a column."""
    return _WORDS.get(trust, trust)


def trust_from_word(word: str) -> str:
    """Return the JSON value of a word from such a column; any other as it is."""
    return next((value for value, said in _WORDS.items() if said == word), word)
