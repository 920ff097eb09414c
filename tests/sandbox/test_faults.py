from __future__ import annotations

from random import Random

import pytest

from kling_cli.errors import UsageError
from kling_cli.sandbox.faults import ACTIONS, CHAOS, Fault, FaultQueue, parse_fault


def a_book(*specs: str, chaos: float = 0.0, seed: int = 1) -> FaultQueue:
    return FaultQueue(map(parse_fault, specs), chaos=chaos, random=Random(seed))  # noqa: S311 -- to be repeated


@pytest.mark.parametrize(
    ("spec", "fault"),
    [
        ("query:500", Fault("query", "500", 1)),
        ("query:500x3", Fault("query", "500", 3)),
        ("create:accept-5000x0", Fault("create", "accept-5000", 0)),
        ("query:502htmlx2", Fault("query", "502html", 2)),
        (" task:odd-words ", Fault("task", "odd-words", 1)),
    ],
)
def test_a_rule_names_what_is_hit_how_and_how_often(spec: str, fault: Fault) -> None:
    assert parse_fault(spec) == fault


@pytest.mark.parametrize(
    "spec", [f"{on}:{action}x2" for on, each in ACTIONS.items() for action in each]
)
def test_every_action_there_is_can_be_written(spec: str) -> None:
    fault = parse_fault(spec)

    assert f"{fault.on}:{fault.action}x{fault.times}" == spec


@pytest.mark.parametrize(
    ("spec", "message", "hint"),
    [
        ("nonsense", "form ON:ACTION", "query:500x3"),
        ("", "form ON:ACTION", "query:500x3"),
        ("meal:burnt", "no 'meal'", "create, query, download"),
        ("query:burnt", "query cannot 'burnt'", "502html, reset"),
        ("query:500x", "query cannot '500x'", "502html"),
        ("download:1302", "download cannot '1302'", "403, cut"),
    ],
)
def test_a_wrong_rule_is_answered_with_what_there_is(
    spec: str, message: str, hint: str
) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        parse_fault(spec)

    assert hint in str(caught.value.hint)


def test_rules_of_one_kind_are_used_up_in_order() -> None:
    book = a_book("query:500x2", "create:reset", "query:hang")

    taken = [book.take("query") for _ in range(4)]

    assert taken == ["500", "500", "hang", None]
    assert book.take("create") == "reset"


def test_a_rule_with_zero_times_is_never_used_up() -> None:
    book = a_book("task:failedx0", "task:stuck")

    assert {book.take("task") for _ in range(50)} == {"failed"}


def test_new_rules_replace_what_is_pending() -> None:
    book = a_book("query:500x0", "create:reset")

    book.replace([parse_fault("query:hang")])

    assert [book.take("query"), book.take("query")] == ["hang", None]
    assert book.take("create") is None


def test_without_chaos_nothing_goes_wrong_by_itself() -> None:
    book = a_book()

    assert {book.take(on) for on in ACTIONS for _ in range(100)} == {None}


def test_chaos_hits_the_share_of_requests_it_was_given() -> None:
    book = a_book(chaos=0.25)

    hits = [book.take("query") for _ in range(2000)]

    assert 400 < sum(hit is not None for hit in hits) < 600
    assert set(hits) - {None} == set(CHAOS["query"])


def test_chaos_is_the_same_for_the_same_seed() -> None:
    one, two = (a_book(chaos=0.5, seed=7) for _ in range(2))

    drawn = [book.take("download") for book in (one, two) for _ in range(50)]

    assert drawn[:50] == drawn[50:]


def test_chaos_leaves_tasks_and_callbacks_alone() -> None:
    book = a_book(chaos=1.0)

    assert {book.take(on) for on in ("task", "callback", "account")} == {None}
    assert book.take("create") in CHAOS["create"]


def test_an_ordered_fault_comes_before_chaos() -> None:
    book = a_book("query:hang", chaos=1.0)

    assert book.take("query") == "hang"


def test_chaos_knows_no_action_that_the_grammar_lacks() -> None:
    for on, actions in CHAOS.items():
        assert set(actions) <= set(ACTIONS[on])
