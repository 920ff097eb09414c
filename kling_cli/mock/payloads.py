"""Bodies of mock callbacks, in the shape of each API generation. Pure.

Source: API reference, sections 2.2 to 2.6 and 4.2 to 4.3, read 2026-10-04.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

Json = dict[str, Any]
OUTPUT_BASE_URL: Final = "https://example.com/kling"
MODERATION_MESSAGE: Final = "Failure to pass the risk control system"
_EXTENSIONS: Final = {"video": "mp4", "image": "png", "audio": "mp3"}


@dataclass(frozen=True, slots=True, kw_only=True)
class MockTask:
    """A task that does not exist: the values that its callbacks report.

    `changes` are fields to set in every body, by dotted key.
    """

    task_id: str
    created_at: datetime
    is_legacy: bool = False
    product: str = "video"
    kind: str = "video"
    message: str = "the mock task failed"
    changes: Mapping[str, Any] = field(default_factory=dict)


def callback_body(mock: MockTask, status: str, *, age_s: int = 0) -> Json:
    """Return the body that reports `status`, `age_s` seconds after the creation."""
    made = int(mock.created_at.timestamp() * 1000)
    times = (made, made + age_s * 1000)
    return (_legacy_body if mock.is_legacy else _new_body)(mock, status, times)


def _new_body(mock: MockTask, status: str, times: tuple[int, int]) -> Json:
    is_final = status in ("succeeded", "failed")
    outputs = [{"type": mock.kind, **_output(mock)}] if status == "succeeded" else []
    amount = "4" if status == "succeeded" else "0"
    billing = {"charge_type": "unit", "amount": amount, "package_type": mock.product}
    return {
        "id": mock.task_id,
        "status": status,
        "message": mock.message if status == "failed" else "",
        "create_time": times[0],
        "update_time": times[1],
        "outputs": outputs,
        "billing": [billing] if is_final else [],
    }


def _legacy_body(mock: MockTask, status: str, times: tuple[int, int]) -> Json:
    body: Json = {
        "task_id": mock.task_id,
        "task_status": "succeed" if status == "succeeded" else status,
        "task_status_msg": mock.message if status == "failed" else "",
        "task_info": {},
        "task_result": {},
        "created_at": times[0],
        "updated_at": times[1],
    }
    if status == "succeeded":
        plural = mock.kind if mock.kind == "audio" else f"{mock.kind}s"
        body["task_result"] = {plural: [_output(mock)]}
        body["final_unit_deduction"] = "4"
    return body


def _output(mock: MockTask) -> Json:
    url = f"{OUTPUT_BASE_URL}/{mock.task_id}.{_EXTENSIONS[mock.kind]}"
    length = {} if mock.kind == "image" else {"duration": "5.041"}
    return {"id": f"{mock.task_id}-1", "url": url, **length}
