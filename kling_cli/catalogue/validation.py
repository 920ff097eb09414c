"""Validates the values of a request against limits and rules."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from kling_cli.catalogue import constraints, media, prompt
from kling_cli.catalogue.constraints import Violation, describe_limits, violations
from kling_cli.catalogue.definition.schema import (
    Field,
    FieldKind,
    Limits,
    Plan,
    Problem,
    Rule,
)
from kling_cli.catalogue.prompt import Reference
from kling_cli.catalogue.routing import accepts_field, join_words, models_allowing
from kling_cli.catalogue.values import (
    completed_values,
    conditions_hold,
    effective_values,
    find_shots,
    given_values,
)
from kling_cli.errors import UsageError

_DECIMALS = 6  # 2.3 - 0.3 is to be 2


def find_rule_violation(
    rule: Rule, plan: Plan, values: Mapping[str, Any]
) -> str | None:
    """Return the message for a violated rule, or None; `values` are complete."""
    given, effective = given_values(values), effective_values(plan, values)
    if not conditions_hold(rule.when, given, effective):
        return None
    if rule.check is not None:
        return RULE_CHECKS[rule.check](plan, given, rule)
    is_satisfied = (
        conditions_hold(rule.need, given, effective)
        and (not rule.one_of or _count_given(rule.one_of, given) == 1)
        and (not rule.any_of or _count_given(rule.any_of, given) > 0)
        and sum(_count_given(group, given) > 0 for group in rule.exclusive) <= 1
        and _is_amount_within(rule, effective)
    )
    return None if is_satisfied else rule.message


def _count_given(names: tuple[str, ...], given: Mapping[str, Any]) -> int:
    return sum(name in given for name in names)


def _is_amount_within(rule: Rule, effective: Mapping[str, Any]) -> bool:
    if not rule.amount:
        return True
    total = math.prod(
        sum(_term(each, effective) for each in terms) for terms in rule.amount
    )
    low, high = rule.at_least, rule.at_most
    total = round(total, _DECIMALS)
    return (low is None or total >= low) and (high is None or total <= high)


def _term(term: str | float, effective: Mapping[str, Any]) -> float:
    if not isinstance(term, str):
        return term
    if term.startswith("-"):
        return -_term(term[1:], effective)
    value = effective.get(term, 0)
    if isinstance(value, list | tuple):
        return len(value)
    return value if isinstance(value, int | float) else 1


def _check_shots(plan: Plan, given: Mapping[str, Any], _rule: Rule) -> str | None:
    if "shots" not in plan.limits:
        return None
    try:
        prompt.parse_shots(given.get("shots", ()))
    except (TypeError, ValueError) as exc:
        return str(exc)
    shots = find_shots(plan, given)
    if not shots:
        return None
    if [each.number for each in shots] != list(range(1, len(shots) + 1)):
        return "the shots are not numbered 1, 2, 3 and so on"
    if len(shots) > prompt.MAX_SHOTS:
        return f"there are {len(shots)} shots; {prompt.MAX_SHOTS} is the most"
    return _check_shot_durations(shots, effective_values(plan, given).get("duration"))


def _check_shot_durations(shots: tuple[prompt.Shot, ...], duration: Any) -> str | None:
    for number, seconds, text in shots:
        if seconds < 1:
            return f"shot {number} is shorter than 1 s"
        if not 0 < len(text) <= prompt.MAX_SHOT_CHARS:
            return (
                f"shot {number} has {len(text)} characters; "
                f"1 to {prompt.MAX_SHOT_CHARS} are allowed"
            )
    total_s = sum(each.seconds for each in shots)
    if total_s == duration:
        return None
    return f"the shots last {total_s} s together and the video {duration} s"


def _check_camera(_plan: Plan, given: Mapping[str, Any], _rule: Rule) -> str | None:
    camera = given["camera"]
    if not isinstance(camera, Mapping):
        return None  # its kind is wrong already
    config = camera.get("config")
    if camera.get("type") != "simple":
        return None if config is None else "only the type simple takes a config"
    moves = [v for v in config.values() if v] if isinstance(config, Mapping) else []
    if len(moves) == 1:
        return None
    return "the type simple needs a config with exactly one value that is not zero"


def _check_no_shots(_plan: Plan, given: Mapping[str, Any], rule: Rule) -> str | None:
    text = given.get("prompt")
    spelled_out = prompt.parse_prompt_shots(text) if isinstance(text, str) else ()
    return rule.message if given.get("shots") or spelled_out else None


RULE_CHECKS: Mapping[str, Callable[[Plan, Mapping[str, Any], Rule], str | None]] = {
    "shots": _check_shots,
    "no shots": _check_no_shots,
    "camera": _check_camera,
}

_MAX_SHOWN_CHARS = 40
_UPLOAD_HINT = (
    "put the file where Kling can reach it, and give its https:// address;"
    " kling status TASK_ID shows those of your results"
)


class Validation(NamedTuple):
    """The completed values of a request, and everything that is wrong with them."""

    values: Mapping[str, Any]
    problems: tuple[Problem, ...]


def validate(plan: Plan, values: Mapping[str, Any]) -> Validation:
    """Complete `values` and check them against limits and rules, files included."""
    completed = completed_values(plan, values)
    return Validation(completed, _problems(plan, given_values(values), completed))


def find_problems(plan: Plan, values: Mapping[str, Any]) -> tuple[Problem, ...]:
    """Return everything that is wrong with `values`."""
    return validate(plan, values).problems


def _problems(
    plan: Plan, given: Mapping[str, Any], completed: Mapping[str, Any]
) -> tuple[Problem, ...]:
    """Return the problems, each with option, value and what would be valid."""
    found = [
        each
        for name in completed
        for each in _field_problems(
            plan, name, completed[name], _implied_by(plan, name, given)
        )
    ]
    found += _missing_fields(plan, completed)
    found += _handle_problems(plan, completed)
    for rule in plan.rules:
        broken = find_rule_violation(rule, plan, completed)
        if broken is not None:
            found.append(_rule_problem(plan, rule, given, broken))
    return tuple(found)


def require_valid(problems: Sequence[Problem]) -> None:
    """Return when there are no problems.

    Raises:
        UsageError: naming every problem, with the first hint there is.
    """
    if problems:
        hints = [each.hint for each in problems if each.hint]
        raise UsageError(
            "; ".join(each.message for each in problems),
            hint=hints[0] if hints else None,
        )


def _implied_by(plan: Plan, name: str, given: Mapping[str, Any]) -> str | None:
    """Return what implied a value that was not given: an option or argument, or None.

    Values that are sent by default are valid anyway.
    """
    if name in given:
        return None
    sources = [each for each in ("shots", *prompt.PROMPT_FIELDS) if each in given]
    return plan.product.field(sources[0]).spelling if sources else plan.model.id


def _field_problems(
    plan: Plan, name: str, value: Any, source: str | None
) -> Iterator[Problem]:
    field, limits = plan.product.field(name), plan.limits.get(name)
    if limits is None or not accepts_field(plan.model, plan.route, name):
        yield Problem(
            field=name, message=f"{field.spelling}: {plan.model.id} does not take it"
        )
        return
    mapping = plan.route.mappings.get(name)
    if mapping is not None and mapping.sent_as == "integer":
        yield from _id_problems(field, value)
    for violation in violations(field, limits, value):
        why = constraints.rejection_reason(field, value) if field.groups else None
        reason = why or _violation_reason(plan, field, violation)
        if source is None:
            message = f"{_subject(field, violation)}: {reason}"
        else:
            unit = f" {field.unit}" if field.unit else ""
            message = f"{source}: the {field.name} comes to {value}{unit}, and {reason}"
        fetched = _UPLOAD_HINT if _is_text_for_url(field, violation) else None
        hint = (
            fetched
            or _choices_hint(plan, field, value)
            or _suggest_models(plan, name, value)
        )
        yield Problem(field=name, message=message, hint=hint)
    for each in value if isinstance(value, list | tuple) else (value,):
        if isinstance(each, media.FileContent):
            yield from _file_problems(plan, field, limits, each)


def _file_problems(
    plan: Plan, field: Field, limits: Limits, file: media.FileContent
) -> Iterator[Problem]:
    """Yield the problem of a local file, if there is one."""
    facts, max_bytes = file.facts, plan.max_bytes(field.name)
    found: tuple[Problem, ...]
    if facts.n_bytes > max_bytes:
        found = (media.file_size_problem(max_bytes),)
    elif isinstance(facts, media.AudioFacts):
        found = media.audio_problems(facts, seconds=limits.seconds)
    else:
        found = media.image_problems(
            facts,
            max_bytes,
            formats=plan.route.image_formats,
            max_side_px=plan.route.image_max_side_px,
        )
    if found:
        yield Problem(
            field=field.name,
            message=f"{field.spelling} {file.path}: "
            + "; ".join(each.message for each in found),
            hint=next((each.hint for each in found if each.hint), None),
        )


def _id_problems(field: Field, values: Any) -> Iterator[Problem]:
    for value in values:
        if not prompt.split_handle(str(value))[1].isdecimal():
            message = f"{field.spelling} {value}: an id is a number, or NAME=NUMBER"
            yield Problem(field=field.name, message=message)


def _subject(field: Field, violation: Violation) -> str:
    where = field.spelling + violation.at
    if violation.kind == "fixed" and field.kind is FieldKind.SWITCH:
        return where if violation.value else where.replace("--", "--no-", 1)
    if violation.kind in ("choice", "range", "fixed", "type"):
        return f"{where} {_truncate(str(violation.value))}"
    return where


def _violation_reason(plan: Plan, field: Field, violation: Violation) -> str:
    model, value, allowed = plan.model.id, violation.value, violation.allowed
    unit = f" {field.unit}" if field.unit else ""
    always = "never" if value else "always"
    match violation.kind:
        case "fixed" if field.kind is FieldKind.SWITCH:
            reason = f"{model} {always} has {field.name}"
        case "fixed":
            reason = f"{model} always has {allowed}"
        case "length":
            reason = f"{len(value)} characters; {model} takes {allowed}"
        case "items":
            reason = f"{len(value)} of them; {model} takes {allowed}"
        case "type" if _is_text_for_url(field, violation):
            reason = f"that is not {allowed}; a local file cannot be sent"
        case "type" | "key":
            reason = f"that is not {allowed}"
        case "missing":
            reason = "it is missing"
        case _:
            reason = f"{model} takes {allowed}{unit}"
    return reason


def _option_with_value(field: Field, value: Any, rule: Rule) -> str:
    """Return the option, with its value where that is what is wrong."""
    if field.name not in rule.need or field.is_repeated:
        return field.spelling
    return f"{field.spelling} {_truncate(str(value))}"


def _truncate(text: str) -> str:
    return text[:_MAX_SHOWN_CHARS] + "…" if text[_MAX_SHOWN_CHARS:] else text


def _choices_hint(plan: Plan, field: Field, value: Any = None) -> str | None:
    """Return a hint to similar choices, where a field has too many to list."""
    if not field.groups:
        return None
    near = "" if value is None else constraints.suggest_choices(field, value)
    return f"{near}kling {plan.product.name} --list shows them all"


def _is_text_for_url(field: Field, violation: Violation) -> bool:
    """Return whether a text stands where the API wants a URL to fetch from."""
    is_fetched = field.kind in (FieldKind.VIDEO, FieldKind.LINK)
    return is_fetched and violation.kind == "type" and isinstance(violation.value, str)


def _suggest_models(plan: Plan, name: str, value: Any) -> str | None:
    """Return a hint to models that accept the value, those of the same route first."""
    same_route = models_allowing(plan.product, name, value, route=plan.route.name)
    others = same_route or models_allowing(plan.product, name, value)
    if not others:
        return None
    names = [each.id for each in others]
    verb = "do" if others[1:] else "does"
    return f"{join_words(names)} {verb}: add -m {names[0]}"


def _missing_fields(plan: Plan, given: Mapping[str, Any]) -> Iterator[Problem]:
    for name, limits in plan.limits.items():
        if limits.is_required and name not in given:
            field = plan.product.field(name)
            message = f"{field.spelling} is missing"
            hint = _choices_hint(plan, field) or _choice_hint(field, limits)
            yield Problem(field=name, message=message, hint=hint)


def _choice_hint(field: Field, limits: Limits) -> str | None:
    """Return the choices of a field that has a few, as a hint."""
    if not limits.choices:
        return None
    return f"{field.spelling} {describe_limits(limits)}"


def _handle_problems(plan: Plan, given: Mapping[str, Any]) -> Iterator[Problem]:
    references = prompt.find_references(plan.product, plan.route, given)
    for index, each in enumerate(references):
        for other in references[:index] + references[index + 1 :]:
            if _are_ambiguous(plan, each, other):
                yield Problem(
                    field=each.field,
                    message=f"@{each.handle} is part of @{other.handle}",
                    hint="give them names that do not contain one another",
                )
                return
    yield from _unknown_handle_problems(plan, given, references)


def _are_ambiguous(plan: Plan, one: Reference, other: Reference) -> bool:
    """Return whether the API may confuse two handles."""
    if prompt.has_handle_key(plan.route.mappings[one.field]):
        return one.handle in other.handle
    return one.handle == other.handle


def _unknown_handle_problems(
    plan: Plan, given: Mapping[str, Any], references: tuple[Reference, ...]
) -> Iterator[Problem]:
    """Yield a problem for each input that a prompt refers to and that is missing."""
    for name in prompt.PROMPT_FIELDS:
        value = given.get(name, "")
        is_many = isinstance(value, list | tuple)
        text = " ".join(map(str, value)) if is_many else str(value)
        for missing in prompt.unknown_handles(text, references, plan.route):
            yield Problem(
                field=name,
                message=f"@{missing}: there is no such input",
                hint=_handles_hint(references),
            )


def _handles_hint(references: tuple[Reference, ...]) -> str | None:
    names = [f"@{each.handle}" for each in references]
    return f"the inputs are {join_words(names)}" if names else None


def _rule_problem(
    plan: Plan, rule: Rule, given: Mapping[str, Any], broken: str
) -> Problem:
    shown = [name for name in rule.fields if name in given and name not in rule.need]
    shown = shown or [name for name in rule.need if name in given]
    spelled = ", ".join(
        _option_with_value(plan.product.field(n), given[n], rule) for n in shown
    )
    return Problem(
        field=(shown or rule.fields)[0],
        message=f"{spelled}: {broken}" if spelled else broken,
        hint=rule.hint,
    )
