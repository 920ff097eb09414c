"""Reading one table of a product file: every key is taken, or the file is refused."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from enum import StrEnum
from typing import Any, TypeVar

from kling_cli.errors import KlingError

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)


class CatalogueError(KlingError):
    """A product file says something the catalogue does not understand: our mistake."""


class Table:
    """A table and where it stands; `close` finds the keys nobody asked for."""

    def __init__(self, data: object, where: str) -> None:
        if not isinstance(data, Mapping):
            raise CatalogueError(f"{where}: expected a table, found {data!r}")
        self._left = dict(data)
        self.where = where

    def take(self, key: str, kind: type[T], default: T | None = None) -> T:
        """Return the value of `key`, or `default`; without one it must be there."""
        if key not in self._left:
            if default is None:
                raise CatalogueError(f"{self.where}: {key} is missing")
            return default
        value = self._left.pop(key)
        if kind is float and type(value) is int:
            value = float(value)
        if type(value) is not kind:
            raise CatalogueError(
                f"{self.where}: {key} is {value!r} where {kind.__name__} belongs"
            )
        return value

    def find(self, key: str, kind: type[T]) -> T | None:
        """Return the value of `key`, or None when it is not there."""
        return self.take(key, kind) if key in self._left else None

    def has(self, key: str) -> bool:
        """Say whether `key` is there and was not taken yet."""
        return key in self._left

    def one_of(self, key: str, known: Collection[str]) -> str:
        """Return the word under `key`; it must be one of those `known`."""
        word = self.take(key, str)
        if word not in known:
            raise CatalogueError(f"{self.where}: {key} is {word!r}, which is not there")
        return word

    def anything(self, key: str) -> Any:
        """Return whatever stands under `key`, or None."""
        return self._left.pop(key, None)

    def words(self, key: str) -> tuple[str, ...]:
        """Return a list of strings as a tuple; empty when it is not there."""
        found: list[object] = self.take(key, list, [])
        for each in found:
            if not isinstance(each, str):
                raise CatalogueError(f"{self.where}: {key} holds {each!r}, not a word")
        return tuple(str(each) for each in found)

    def member(self, key: str, kind: type[E]) -> E:
        """Return the member of a closed set that stands under `key`."""
        return self._member(key, self.take(key, str), kind)

    def members(self, key: str, kind: type[E]) -> tuple[E, ...]:
        """Return a list of members of a closed set."""
        return tuple(self._member(key, word, kind) for word in self.words(key))

    def _member(self, key: str, word: str, kind: type[E]) -> E:
        known = [member.value for member in kind]
        if word not in known:
            raise CatalogueError(
                f"{self.where}: {key} is {word!r}, not one of {', '.join(known)}"
            )
        return kind(word)

    def table(self, key: str) -> Table:
        """Return the table under `key`, an empty one when it is not there."""
        return Table(self._left.pop(key, {}), f"{self.where}.{key}")

    def tables(self, key: str) -> list[Table]:
        """Return the list of tables under `key`; empty when it is not there."""
        found: list[object] = self.take(key, list, [])
        return [Table(each, f"{self.where}.{key}[{i}]") for i, each in enumerate(found)]

    def items(self) -> Iterator[tuple[str, Any]]:
        """Take everything, in the order of the file."""
        while self._left:
            key = next(iter(self._left))
            yield key, self._left.pop(key)

    def close(self) -> None:
        """Refuse what was not taken.

        Raises:
            CatalogueError: a key is unknown, most likely misspelled.
        """
        if self._left:
            raise CatalogueError(f"{self.where}: unknown key {next(iter(self._left))}")
