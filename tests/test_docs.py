"""The pages in `docs/` are held to the program."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path

from kling_cli.api.account import deductions_from_wire, packs_from_wire
from kling_cli.api.library import ELEMENTS, VOICES, LibraryItem, Owner
from kling_cli.catalogue import routing, validation
from kling_cli.catalogue.definition import loader
from kling_cli.catalogue.definition.schema import CredentialKind
from kling_cli.cli.commands.models import select_models
from kling_cli.cli.output import json_document
from kling_cli.cli.output.views import account, library_items, models
from kling_cli.errors import UsageError
from kling_cli.jobs.order import to_order
from kling_cli.jobs.waiting import schedule
from kling_cli.mock import scenarios
from kling_cli.mock.payloads import MockTask
from kling_cli.mock.scenarios import ExpectedStatus
from kling_cli.sandbox.faults import ACTIONS

DOCS = Path(__file__).parents[1] / "docs"


def test_the_page_of_the_sandbox_lists_every_fault() -> None:
    page = (DOCS / "sandbox.md").read_text()

    rows = dict(re.findall(r"^\| `(\w+)` \| (`.*`) \|$", page, re.MULTILINE))

    described = {on: tuple(re.findall(r"`([^`]+)`", rows[on])) for on in rows}
    assert described == {on: tuple(actions) for on, actions in ACTIONS.items()}


def test_the_page_of_the_json_lists_every_key() -> None:
    page = (DOCS / "json.md").read_text()
    printed = json_document.failure_document("text2video", UsageError("no"))

    table = page.split("| key | meaning |")[1].split("```")[0]

    described = re.findall(
        r"`(\w+)`", "".join(re.findall(r"^\| (.*?) \|", table, re.MULTILINE))
    )
    assert described == list(printed)


def test_the_page_of_the_json_lists_the_keys_of_every_list() -> None:
    page = (DOCS / "json.md").read_text()

    rows = re.findall(r"^\| `([a-z ]+)` \| (`.*) \|$", page, re.MULTILINE)

    described = {command: re.findall(r"`(\w+)`", keys) for command, keys in rows}
    assert {name: described.get(name) for name in json_document.LISTING_KEYS} == {
        name: list(keys) for name, keys in json_document.LISTING_KEYS.items()
    }


def keys_of(row: str) -> list[str]:
    """Return the keys that a row of the last table of lists names, in its order."""
    page = (DOCS / "json.md").read_text()
    found = re.search(rf"^\| `{re.escape(row)}` \| (.*) \|$", page, re.MULTILINE)
    assert found, row
    return re.findall(r"`(\w+)`", re.sub(r"\(.*?\)", "", found[1]))


def test_the_page_of_the_json_lists_the_keys_of_what_is_in_a_list() -> None:
    line = select_models("text2video", "kling-3.0", ["sound"])[0]
    model = models.model_document(line)
    thing = LibraryItem(id="1", name=None, owner=Owner.OWN, links=())
    voice = library_items.item_document(thing, VOICES)
    element = library_items.item_document(thing, ELEMENTS)
    (row,) = deductions_from_wire({"result": {"detail": [{}]}})
    (pack,) = packs_from_wire({"resource_pack_subscribe_infos": [{}]})

    assert keys_of("models[]") == list(model)
    assert keys_of("models[].rates[]") == list(model["rates"][0])
    assert keys_of("voices[]") == list(voice)
    assert [*keys_of("voices[]"), *keys_of("elements[]")] == list(element)
    assert keys_of("packs[]") == list(account.pack_document(pack, datetime.now(UTC)))
    assert keys_of("deductions[]") == list(account.deduction_document(row))
    assert keys_of("totals[]") == list(account.deduction_totals([row])[0])


def test_the_request_on_the_page_of_the_json_is_one() -> None:
    page = (DOCS / "json.md").read_text().split("## Requests")[1]
    request = json.loads(page.split("```json")[1].split("```")[0])

    order = to_order(request)

    product = loader.load_product(order.product)
    plan = routing.select_route(
        product, order.model, tuple(order.values), list(CredentialKind)
    )
    link = {"image": "https://img.example.com/cat.png"}
    assert validation.find_problems(plan, {**order.values, **link}) == ()


def test_the_page_of_a_job_states_the_pauses_of_the_schedule() -> None:
    page = (DOCS / "jobs.md").read_text()

    assert f"1 to {schedule.MAX_PAUSE_S:g} s |" in page
    assert f"| {schedule.PROVEN_PAUSE_S:g} s |" in page
    assert f"1 to {schedule.LOST_MAX_PAUSE_S:g} s |" in page
    assert schedule.MIN_PAUSE_S == 1
    assert schedule.GROWTH == 0.2


def test_the_page_of_the_listener_has_every_scenario_and_what_it_expects() -> None:
    page = (DOCS / "listen.md").read_text()
    table = page.split("| scenario | sends |")[1].split("\n\n")[0]
    mock = MockTask(task_id="t1", created_at=datetime.now(UTC))

    described = {
        name: answers
        for names, answers in re.findall(
            r"^\| (`.*?`) \|.*\| (.*) \|$", table, re.MULTILINE
        )
        for name in re.findall(r"`([^`]+)`", names)
    }

    assert set(described) == set(scenarios.scenario_names())
    for name, answers in described.items():
        one = scenarios.build_scenario(name, mock, {})[0]
        first = {
            ExpectedStatus.ACCEPTED: "2xx",
            ExpectedStatus.REFUSED: "4",
            ExpectedStatus.EITHER: "413",
        }[one.expected]
        assert answers.startswith(first), name


def test_every_link_of_a_page_leads_somewhere() -> None:
    links = [
        (page.name, link)
        for page in DOCS.glob("*.md")
        for link in re.findall(r"\]\((?!http)([^)#]+)", page.read_text())
    ]

    assert [each for each in links if not (DOCS / each[1]).exists()] == []


def test_every_file_on_the_map_for_contributors_is_there() -> None:
    text = (DOCS.parent / "CONTRIBUTING.md").read_text()
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    named = {each for row in rows for each in re.findall(r"`([\w/]+(?:\.py|/))`", row)}
    package = DOCS.parent / "kling_cli"
    there = [
        f"/{path.relative_to(package).as_posix()}{'/' if path.is_dir() else ''}"
        for path in package.rglob("*")
    ]

    assert len(named) > 20
    assert [one for one in named if not any(p.endswith(f"/{one}") for p in there)] == []
