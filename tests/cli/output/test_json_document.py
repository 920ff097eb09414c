from __future__ import annotations

import json
from pathlib import Path

from kling_cli.api.tasks import TaskStatus
from kling_cli.cli.output.json_document import (
    dumps,
    failure_document,
    result_document,
    results_document,
)
from kling_cli.errors import NoSlotError, TaskFailedError, UsageError
from tests.cli.output.examples import (
    EXTERNAL_ID,
    FILE,
    LINK,
    PROMPT,
    TASK_ID,
    a_result,
    an_output,
)

GOLDEN = {
    "schema": 1,
    "ok": True,
    "command": "text2video",
    "task_id": TASK_ID,
    "external_task_id": EXTERNAL_ID,
    "product": "text2video",
    "model": "kling-3.0-turbo",
    "prompt": PROMPT,
    "status": "succeeded",
    "state": "succeeded",
    "status_message": None,
    "created_at": "2026-10-04T12:00:00.250Z",
    "updated_at": "2026-10-04T12:01:32.000Z",
    "elapsed_s": 92.4,
    "completed_by": "callback",
    "requests": {"create": 1, "query": 3},
    "callbacks": 3,
    "outputs": [
        {
            "type": "video",
            "id": "v1",
            "url": LINK,
            "watermark_url": None,
            "duration_s": 5.041,
            "path": FILE,
            "bytes": 1_234_567,
        }
    ],
    "expires_at": "2026-11-03T12:00:00.000Z",
    "units": 4.0,
    "estimated_units": 4.0,
    "request_id": "r-1",
    "resume": None,
    "error": None,
}


def test_a_job_that_went_well_is_the_documented_object_key_by_key() -> None:
    document = result_document(a_result())

    assert json.dumps(document) == json.dumps(GOLDEN)


def test_a_failure_has_the_same_keys_in_the_same_order() -> None:
    error = NoSlotError("no slot", hint="wait", code=1303, http=429, request_id="r-2")

    document = failure_document("text2video", error)

    assert list(document) == list(GOLDEN)
    assert document["ok"] is False
    assert document["status"] == "unknown"
    assert document["request_id"] == "r-2"
    assert document["error"] == {
        "type": "concurrency",
        "code": 1303,
        "http": 429,
        "message": "no slot",
        "hint": "wait",
        "retryable": True,
    }


def test_several_jobs_stand_in_one_object_with_the_first_error() -> None:
    well = a_result()
    badly = a_result(error=TaskFailedError("it failed"), status=TaskStatus.FAILED)
    worse = a_result(error=UsageError("no such task"))

    document = results_document("wait", [well, badly, worse])

    assert [task["ok"] for task in document["tasks"]] == [True, False, False]
    assert document["ok"] is False
    assert document["error"]["type"] == "task_failed"
    assert results_document("wait", [])["ok"] is True


def test_the_text_is_one_line_of_ascii_whatever_it_holds() -> None:
    shouting = a_result(
        status_message="\x1b[31m\u202e\n猫\ud800",
        outputs=(an_output(Path("été\udcff.mp4")),),
    )

    text = dumps(result_document(shouting))

    assert text.isascii()
    assert text.isprintable()
    assert json.loads(text)["status_message"] == "\x1b[31m\u202e\n猫\ud800"
