"""Every Python block of `docs/python.md` runs, and passes a type checker."""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from kling_cli.callbacks.signatures import sign
from kling_cli.secret import Secret

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/python.md"
BLOCKS = re.findall(
    r"^```python\n(.*?)^```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL
)
FRAMEWORKS = ("fastapi", "flask", "django")
SECRET = "whsec_dGhlIHNlY3JldCBvZiB0aGUgZG9jcw=="
BODY = b'{"task_id": "t1", "task_status": "succeed", "task_result": {}}'
PROGRAMS = [
    each for each in BLOCKS if not any(f"from {name}" in each for name in FRAMEWORKS)
]

Post = Callable[[bytes, dict[str, str]], tuple[int, Any]]


def block_of(framework: str) -> dict[str, Any]:
    """Return what the block about a framework defines."""
    [block] = [each for each in BLOCKS if f"from {framework}" in each]
    namespace: dict[str, Any] = {"__name__": "handler"}
    exec(block, namespace)  # noqa: S102 -- our own document
    return namespace


def fastapi_client() -> Post:
    app = httpx.ASGITransport(block_of("fastapi")["app"])

    async def send(body: bytes, headers: dict[str, str]) -> httpx.Response:
        async with httpx.AsyncClient(transport=app, base_url="http://app") as client:
            return await client.post("/callback", content=body, headers=headers)

    def post(body: bytes, headers: dict[str, str]) -> tuple[int, Any]:
        response = asyncio.run(send(body, headers))
        return response.status_code, response.json()

    return post


def flask_client() -> Post:
    client = block_of("flask")["app"].test_client()

    def post(body: bytes, headers: dict[str, str]) -> tuple[int, Any]:
        response = client.post("/callback", data=body, headers=headers)
        return response.status_code, response.get_json()

    return post


def django_client() -> Post:
    settings = importlib.import_module("django.conf").settings
    if not settings.configured:
        settings.configure(DEFAULT_CHARSET="utf-8", ALLOWED_HOSTS=["*"])
    factory = importlib.import_module("django.test").RequestFactory()
    view = block_of("django")["handle"]

    def post(body: bytes, headers: dict[str, str]) -> tuple[int, Any]:
        request = factory.post(
            "/callback", body, content_type="application/json", headers=headers
        )
        response = view(request)
        return response.status_code, json.loads(response.content)

    return post


@pytest.mark.parametrize(
    "make_client",
    [
        pytest.param(fastapi_client, id="FastAPI"),
        pytest.param(flask_client, id="Flask"),
        pytest.param(django_client, id="Django"),
    ],
)
def test_a_documented_handler_takes_signed_callbacks_only(
    make_client: Callable[[], Post],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("KLING_WEBHOOK_SECRET", SECRET)
    post = make_client()

    def signed(body: bytes) -> dict[str, str]:
        now = datetime.now(UTC)
        return sign(body, secrets=[Secret(SECRET)], message_id="evt-1", sent_at=now)

    assert post(BODY, signed(BODY)) == (200, {"status": "received"})
    assert capsys.readouterr().out == "t1 succeeded\n"
    assert post(b"{}", signed(b"{}"))[0] == 400
    status, answer = post(BODY, signed(b"{}"))
    assert (status, "signature" in answer["error"]) == (401, True)
    assert post(BODY, {})[0] == 401


def test_the_documented_programs_pass_a_strict_type_checker(tmp_path: Path) -> None:
    from mypy import api

    wrong = (
        "from kling_cli import Kling\n"
        'Kling().text2video("x", durration=5)\n'
        'Kling().text2video("x", aspect_ratio="17:9")\n'
        'Kling(sandbx=True)\nKling().text2video("x").urls\n'
    )
    texts = {f"program_{number}.py": text for number, text in enumerate(PROGRAMS)}
    for name, text in {**texts, "wrong.py": wrong}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")

    programs = [str(path) for path in sorted(tmp_path.glob("*.py"))]
    found, errors, _ = api.run([f"--config-file={ROOT / 'pyproject.toml'}", *programs])

    # A path may be that of an earlier run, which mypy has in its cache.
    wrong_lines = re.findall(r"(\w+)\.py:(\d+): error:", found)
    assert errors == ""
    assert wrong_lines == [("wrong", str(number)) for number in (2, 3, 4, 5)], found


def test_the_documented_programs_run_and_close_what_they_opened(tmp_path: Path) -> None:
    started = []
    for number, text in enumerate(PROGRAMS):
        here = tmp_path / str(number)
        here.mkdir()
        environ = {**os.environ, "KLING_STATE_DIR": str(here / "state")}
        program = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", text],
            cwd=here,
            env=environ,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(program)

    ended = [(each.communicate(timeout=60)[1], each.returncode) for each in started]

    assert ended == [("", 0)] * len(PROGRAMS)
    assert (tmp_path / "0/boat.mp4").is_file()
    assert (tmp_path / "1/films/boat-1.mp4").is_file()
