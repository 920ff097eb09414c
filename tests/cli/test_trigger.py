from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.support.kling import Kling
from tests.support.recorder import Recorder, recorder


@pytest.fixture
def app() -> Iterator[Recorder]:
    with recorder() as serving:
        yield serving


def test_a_lifecycle_arrives_in_order_and_marked(kling: Kling, app: Recorder) -> None:
    result = kling.run("trigger", "lifecycle", "--to", app.url)

    words = [json.loads(seen.body)["status"] for seen in app.seen]
    assert (result.exit_code, words) == (0, ["submitted", "processing", "succeeded"])
    assert all(seen.headers["kling-mock"] for seen in app.seen)


def test_a_handler_that_fails_gives_a_true_exit_code(
    kling: Kling, app: Recorder
) -> None:
    app.statuses = [500]

    result = kling.run("trigger", "succeeded", "--to", app.url, "--json")

    assert result.exit_code == 6
    assert json.loads(result.stdout)["deliveries"][0]["status"] == 500


def test_a_handler_may_refuse_what_is_spoilt(kling: Kling, app: Recorder) -> None:
    app.statuses = [400]

    assert kling.run("trigger", "malformed", "--to", app.url).exit_code == 0
    assert kling.run("trigger", "succeeded", "--to", app.url).exit_code == 6


def test_a_handler_that_answers_repeats_otherwise_is_not_idempotent(
    kling: Kling, app: Recorder
) -> None:
    app.statuses = [200, 202]

    result = kling.run("trigger", "failed", "--to", app.url, "--assert", "idempotent")

    assert result.exit_code == 6
    assert len({seen.body for seen in app.seen}) == 1


def test_printing_sends_nothing(kling: Kling, app: Recorder) -> None:
    result = kling.run(
        *("trigger", "image", "--generation", "legacy", "--to", app.url, "--print"),
        *("--set", "task_info.external_task_id=mine"),
    )

    assert (result.exit_code, app.seen) == (0, [])
    assert result.stdout.startswith("curl ")
    assert '"external_task_id": "mine"' in result.stdout
