"""Secret strings that are masked when printed: keys, tokens, webhook secrets."""

from __future__ import annotations

from typing import Final

_SHOWN = 4  # last characters of a long secret, to tell two apart
_FIRST_VISIBLE, _LAST_VISIBLE = "!", "~"
_LONG_ENOUGH = 16  # four characters would reveal too much of a shorter one


class Secret:
    """A secret string: `str()` and `repr()` are masked, `reveal()` returns it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text: Final = text

    def reveal(self) -> str:
        """Return the secret itself, for a request or a file that needs it."""
        return self._text

    @property
    def masked(self) -> str:
        """The masked form: asterisks, and the last characters of a long secret."""
        is_long = len(self._text) >= _LONG_ENOUGH
        return "****" + (self._text[-_SHOWN:] if is_long else "")

    def __str__(self) -> str:
        return self.masked

    def __repr__(self) -> str:
        return f"Secret({self.masked})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash((Secret, self._text))


def refuse_invisible(text: str) -> None:
    """Raise when a secret contains a character that is not visible ASCII.

    Raises:
        ValueError: names the character and its position, nothing else of the text.
    """
    import unicodedata

    for position, char in enumerate(text, start=1):
        if not _FIRST_VISIBLE <= char <= _LAST_VISIBLE:
            name = unicodedata.name(char, "control character").lower()
            raise ValueError(
                f"has a character that does not belong there: character {position} is "
                f"U+{ord(char):04X} ({name})"
            )
