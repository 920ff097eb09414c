"""The pages in `docs/` are held to the program."""

from __future__ import annotations

import json
import re
from pathlib import Path

from kling_cli.cli.report import document
from kling_cli.cli.request_file import to_order
from kling_cli.errors import UsageError
from kling_cli.jobs import schedule
from kling_cli.products import catalogue, check, choose
from kling_cli.products.model import CredentialKind
from kling_cli.sandbox.faults import ACTIONS

DOCS = Path(__file__).parents[1] / "docs"


def test_the_page_of_the_sandbox_lists_every_fault() -> None:
    page = (DOCS / "sandbox.md").read_text()

    rows = dict(re.findall(r"^\| `(\w+)` \| (`.*`) \|$", page, re.MULTILINE))

    described = {on: tuple(re.findall(r"`([^`]+)`", rows[on])) for on in rows}
    assert described == {on: tuple(actions) for on, actions in ACTIONS.items()}


def test_the_page_of_the_json_lists_every_key() -> None:
    page = (DOCS / "json.md").read_text()
    printed = document.of_failure("text2video", UsageError("no"))

    table = page.split("| key | meaning |")[1].split("```")[0]

    described = re.findall(
        r"`(\w+)`", "".join(re.findall(r"^\| (.*?) \|", table, re.MULTILINE))
    )
    assert described == list(printed)


def test_the_request_on_the_page_of_the_json_is_one() -> None:
    page = (DOCS / "json.md").read_text().split("## Requests")[1]
    request = json.loads(page.split("```json")[1].split("```")[0])

    order = to_order(request)

    product = catalogue.load(order.product)
    plan = choose.plan(product, order.model, tuple(order.values), list(CredentialKind))
    link = {"image": "https://img.example.com/cat.png"}
    assert check.problems(plan, {**order.values, **link}) == ()


def test_the_page_of_a_job_states_the_pauses_of_the_schedule() -> None:
    page = (DOCS / "jobs.md").read_text()

    assert f"1 to {schedule.SLOWEST_S:g} s |" in page
    assert f"| {schedule.SPARSE_S:g} s |" in page
    assert f"1 to {schedule.LOST_SLOWEST_S:g} s |" in page
    assert schedule.QUICKEST_S == 1
    assert schedule.GROWTH == 0.2
