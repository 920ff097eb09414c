"""What depends on what: rules between fields, rates and lengths by what was chosen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A documented dependency between fields; data, evaluated by `rules.py`.

    When every condition of `when` holds, so must the demands: every condition of
    `need`, exactly one of `one_of`, at least one of `any_of`, at most one group of
    `exclusive`, `amount` between `at_least` and `at_most`, and what `rules.py` has
    written out as `check`: a field, perhaps after a word (`no shots`). A condition maps
    a field to the values it may have, or to `present` or `absent`. `amount` is a
    product of sums: a term is a number, a field (its value, or how many values it has)
    or `-field`.

    `models` and `routes` are where the rule holds; empty means everywhere. A rule that
    `is_ours` spares a person a mistake that the API would take. `wire_message` is what
    the API itself says, where that has been seen.
    """

    id: str
    message: str
    when: Mapping[str, Any] = field(default_factory=dict)
    need: Mapping[str, Any] = field(default_factory=dict)
    one_of: tuple[str, ...] = ()
    any_of: tuple[str, ...] = ()
    exclusive: tuple[tuple[str, ...], ...] = ()
    amount: tuple[tuple[str | float, ...], ...] = ()
    at_least: float | None = None
    at_most: float | None = None
    check: str | None = None
    models: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()
    hint: str | None = None
    wire_message: str | None = None
    is_ours: bool = False

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields the rule is about, the one that calls for it first."""
        groups = [*self.exclusive, self.one_of, self.any_of]
        in_groups = [name for group in groups for name in group]
        terms = [t for terms in self.amount for t in terms if isinstance(t, str)]
        named = [*self.when, *self.need, *in_groups, *(t.lstrip("-") for t in terms)]
        checked = self.check.split()[-1:] if self.check else []
        return tuple(dict.fromkeys([*named, *checked]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Habit:
    """What we say where a person says nothing, so that both generations do the same.

    `say` holds values by field; `when`, `models` and `routes` as in `Rule`. The sandbox
    knows none of it: it assumes what the API does.
    """

    say: Mapping[str, Any]
    when: Mapping[str, Any] = field(default_factory=dict)
    models: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """Units for one variant; `when` as in `Rule`, the first rate that holds counts.

    `per` is `call`, `second` of output (each `every` begun or whole ones: 5 for lip
    sync) or `output`, as many as the value of the field `count`. A rate that `is_most`
    is the dearest of several, of which an input decides.
    """

    units: float
    per: str = "second"
    every: int = 1
    count: str | None = None
    is_most: bool = False
    when: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Length:
    """A result as long as an input, the field `follows`; `when` as in `Rule`.

    `seconds` are the shortest and the longest input that is taken, None where that is
    not documented. `adds` is what the result lasts beyond it; it is not charged.
    `noun` is what a person calls the input; `models` and `routes` as in `Rule`.
    """

    follows: str
    noun: str
    seconds: tuple[float, float] | None = None
    adds: float = 0.0
    when: Mapping[str, Any] = field(default_factory=dict)
    models: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What a job will cost if it succeeds: units of its pack, and list price in USD.

    `units` is None where the length or number of the results shows only later; then
    `at_most_units` is what they can come to by the documented limits, None without any.
    """

    units: float | None
    usd: float | None
    basis: str
    at_most_units: float | None = None
    at_most_usd: float | None = None
