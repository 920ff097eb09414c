"""What is wrong with a job's values, said to the person who typed them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kling_cli.catalogue import groups, prompt, rules
from kling_cli.catalogue.choose import listed, models_allowing, takes
from kling_cli.catalogue.field import Field, FieldKind, Limits
from kling_cli.catalogue.limits import Fault, allowed, faults
from kling_cli.catalogue.model import Plan, Problem
from kling_cli.catalogue.prompt import Reference
from kling_cli.catalogue.rule import Rule
from kling_cli.catalogue.values import given, settled
from kling_cli.errors import UsageError

_SHOWN_CHARS = 40
_FETCHED_HINT = (
    "put the file where Kling can reach it, and give its https:// address;"
    " kling status TASK_ID shows those of your results"
)


def problems(plan: Plan, values: Mapping[str, Any]) -> tuple[Problem, ...]:
    """Return everything wrong with `values`; image values may still be paths.

    Nothing is sent with a problem, so each says option, value and what would do.
    """
    said, typed = settled(plan, values), given(values)
    found = [
        each
        for name in said
        for each in _of_field(plan, name, said[name], _source(plan, name, typed))
    ]
    found += _missing(plan, said)
    found += _of_handles(plan, said)
    for rule in plan.rules:
        broken = rules.is_broken(rule, plan, said)
        if broken is not None:
            found.append(_of_rule(plan, rule, typed, broken))
    return tuple(found)


def require(plan: Plan, values: Mapping[str, Any]) -> None:
    """Return when nothing is wrong.

    Raises:
        UsageError: naming every problem, with the first hint there is.
    """
    found = problems(plan, values)
    if found:
        hints = [each.hint for each in found if each.hint]
        raise UsageError(
            "; ".join(each.message for each in found), hint=hints[0] if hints else None
        )


def _source(plan: Plan, name: str, typed: Mapping[str, Any]) -> str | None:
    """Return what a value follows from that nobody typed: its option, or its argument.

    None where it was typed. What we say by habit, or as the API insists on it, is good.
    """
    if name in typed:
        return None
    sources = [each for each in ("shots", *prompt.SPOKEN) if each in typed]
    return plan.product.field(sources[0]).spelling if sources else plan.model.id


def _of_field(
    plan: Plan, name: str, value: Any, source: str | None
) -> Iterator[Problem]:
    field, limits = plan.product.field(name), plan.limits.get(name)
    if limits is None or not takes(plan.model, plan.route, name):
        yield Problem(
            field=name, message=f"{field.spelling}: {plan.model.id} does not take it"
        )
        return
    place = plan.route.places.get(name)
    if place is not None and place.sent_as == "integer":
        yield from _of_ids(field, value)
    for fault in faults(field, limits, value):
        why = groups.why_not(field, value) if field.groups else None
        reason = why or _reason(plan, field, fault)
        if source is None:
            message = f"{_subject(field, fault)}: {reason}"
        else:
            unit = f" {field.unit}" if field.unit else ""
            message = f"{source}: the {field.name} comes to {value}{unit}, and {reason}"
        fetched = _FETCHED_HINT if _is_file(field, fault) else None
        hint = fetched or _list_of(plan, field, value) or _others(plan, name, value)
        yield Problem(field=name, message=message, hint=hint)


def _of_ids(field: Field, values: Any) -> Iterator[Problem]:
    for value in values:
        if not prompt.split_handle(str(value))[1].isdecimal():
            message = f"{field.spelling} {value}: an id is a number, or NAME=NUMBER"
            yield Problem(field=field.name, message=message)


def _subject(field: Field, fault: Fault) -> str:
    where = field.spelling + fault.at
    if fault.kind == "fixed" and field.kind is FieldKind.SWITCH:
        return where if fault.value else where.replace("--", "--no-", 1)
    if fault.kind in ("choice", "range", "fixed", "type"):
        return f"{where} {_cut(str(fault.value))}"
    return where


def _reason(plan: Plan, field: Field, fault: Fault) -> str:
    model = plan.model.id
    unit = f" {field.unit}" if field.unit else ""
    always = "never" if fault.value else "always"
    match fault.kind:
        case "fixed" if field.kind is FieldKind.SWITCH:
            reason = f"{model} {always} has {field.name}"
        case "fixed":
            reason = f"{model} always has {fault.allowed}"
        case "length":
            reason = f"{len(fault.value)} characters; {model} takes {fault.allowed}"
        case "items":
            reason = f"{len(fault.value)} of them; {model} takes {fault.allowed}"
        case "type" if _is_file(field, fault):
            reason = f"that is not {fault.allowed}; a local file cannot be sent"
        case "type" | "key":
            reason = f"that is not {fault.allowed}"
        case "missing":
            reason = "it is missing"
        case _:
            reason = f"{model} takes {fault.allowed}{unit}"
    return reason


def _spelled(field: Field, value: Any, rule: Rule) -> str:
    """Return the option, and its value where that is what is wrong."""
    if field.name not in rule.need or field.is_repeated:
        return field.spelling
    return f"{field.spelling} {_cut(str(value))}"


def _cut(text: str) -> str:
    return text[:_SHOWN_CHARS] + "…" if text[_SHOWN_CHARS:] else text


def _list_of(plan: Plan, field: Field, value: Any = None) -> str | None:
    """Return what `value` may have meant, where there are too many to name them all."""
    if not field.groups:
        return None
    near = "" if value is None else groups.nearest(field, value)
    return f"{near}kling {plan.product.name} --list shows them all"


def _is_file(field: Field, fault: Fault) -> bool:
    """Whether a text stands where the API wants an address to fetch from."""
    is_fetched = field.kind in (FieldKind.VIDEO, FieldKind.LINK)
    return is_fetched and fault.kind == "type" and isinstance(fault.value, str)


def _others(plan: Plan, name: str, value: Any) -> str | None:
    """Name the models that would take the value, those of the same route first."""
    same_route = models_allowing(plan.product, name, value, route=plan.route.name)
    others = same_route or models_allowing(plan.product, name, value)
    if not others:
        return None
    names = [each.id for each in others]
    verb = "do" if others[1:] else "does"
    return f"{listed(names)} {verb}: add -m {names[0]}"


def _missing(plan: Plan, said: Mapping[str, Any]) -> Iterator[Problem]:
    for name, limits in plan.limits.items():
        if limits.is_required and name not in said:
            field = plan.product.field(name)
            message = f"{field.spelling} is missing"
            hint = _list_of(plan, field) or _choice(field, limits)
            yield Problem(field=name, message=message, hint=hint)


def _choice(field: Field, limits: Limits) -> str | None:
    """Return what may be said for a field, where it is one of a few words."""
    if not limits.choices:
        return None
    return f"{field.spelling} {allowed(limits)}"


def _of_handles(plan: Plan, said: Mapping[str, Any]) -> Iterator[Problem]:
    known = prompt.references(plan.product, plan.route, said)
    for index, each in enumerate(known):
        for other in known[:index] + known[index + 1 :]:
            if _are_confused(plan, each, other):
                yield Problem(
                    field=each.field,
                    message=f"@{each.handle} is part of @{other.handle}",
                    hint="give them names that do not contain one another",
                )
                return
    yield from _of_unknown(plan, said, known)


def _are_confused(plan: Plan, one: Reference, other: Reference) -> bool:
    """Say whether the API may take one handle for the other; numbers it counts."""
    if prompt.has_handles(plan.route.places[one.field]):
        return one.handle in other.handle
    return one.handle == other.handle


def _of_unknown(
    plan: Plan, said: Mapping[str, Any], known: tuple[Reference, ...]
) -> Iterator[Problem]:
    """Find the inputs that a prompt counts on and nobody gave: a paid mistake."""
    for name in prompt.SPOKEN:
        value = said.get(name, "")
        is_many = isinstance(value, list | tuple)
        text = " ".join(map(str, value)) if is_many else str(value)
        for missing in prompt.unknown(text, known, plan.route):
            yield Problem(
                field=name,
                message=f"@{missing}: there is no such input",
                hint=_named(known),
            )


def _named(known: tuple[Reference, ...]) -> str | None:
    names = [f"@{each.handle}" for each in known]
    return f"the inputs are {listed(names)}" if names else None


def _of_rule(plan: Plan, rule: Rule, said: Mapping[str, Any], broken: str) -> Problem:
    shown = [name for name in rule.fields if name in said and name not in rule.need]
    shown = shown or [name for name in rule.need if name in said]
    spelled = ", ".join(_spelled(plan.product.field(n), said[n], rule) for n in shown)
    return Problem(
        field=(shown or rule.fields)[0],
        message=f"{spelled}: {broken}" if spelled else broken,
        hint=rule.hint,
    )
