"""`kling omni-video`: the command line, the request, and the video.

Source of the requests: API reference, sections 2.4 and 2.6.
"""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.scenarios.assertions import is_whole_video
from tests.support.images import png
from tests.support.kling import Kling
from tests.support.sandbox_server import SandboxServer

PICTURE = png(300, 300)
SENT = base64.b64encode(PICTURE).decode()  # what becomes of every picture here
CLIP = "https://vid.example.com/clip.mp4"
HERO = "320000000000001"
TEA = "@hero pours tea in the room from @room"
CROWN = "Put the crown of @crown on the girl in @clip"
DOCUMENTED_TEA = {
    "contents": [
        {"type": "prompt", "text": TEA},
        {"type": "refer_image", "url": SENT, "id": "room"},
        {"type": "element", "element_id": HERO, "id": "hero"},
    ],
    "settings": {"aspect_ratio": "16:9", "duration": 5},
}
WITH_ROOM = ("--image", "room=room.png", "--element", f"hero={HERO}")
EDIT = ("--image", "crown=crown.png", "--edit", f"clip={CLIP}")
SHOTS = ("--shot", "2:@first_frame", "--shot", '["3:a rope"]')
FRAMES = ("--first-frame", "room.png", "--last-frame", "crown.png")

CASES: list[tuple[str, str, tuple[str, ...], str, dict[str, Any]]] = [
    (
        "omni: images and elements",
        "key",
        ("omni-video", TEA, *WITH_ROOM, "-a", "16:9", "-d", "5"),
        "/omni-video/kling-3.0-omni",
        DOCUMENTED_TEA,
    ),
    (
        "omni: the same with a pair of keys",
        "pair",
        ("omni-video", TEA, *WITH_ROOM, "-a", "16:9", "-d", "5"),
        "/v1/videos/omni-video",
        {
            "model_name": "kling-v3-omni",
            "prompt": "<<<element_1>>> pours tea in the room from <<<image_1>>>",
            "image_list": [{"image_url": SENT}],
            "element_list": [{"element_id": int(HERO)}],
            "mode": "std",
            "aspect_ratio": "16:9",
            "duration": "5",
        },
    ),
    (
        "omni: a video is edited",
        "key",
        ("omni-video", CROWN, *EDIT, "--keep-sound", "-m", "kling-o1"),
        "/omni-video/kling-o1",
        {
            "contents": [
                {"type": "prompt", "text": CROWN},
                {"type": "refer_image", "url": SENT, "id": "crown"},
                {"type": "base_video", "url": CLIP, "id": "clip"},
            ],
            "settings": {"audio": "original"},
        },
    ),
    (
        "omni: frames, a storyboard and sound",
        "key",
        ("omni-video", *SHOTS, "--sound", *FRAMES),
        "/omni-video/kling-3.0-omni",
        {
            "contents": [
                {
                    "type": "prompt",
                    "text": "shot 1, 2, @first_frame; shot 2, 3, a rope;",
                },
                {"type": "first_frame", "url": SENT, "id": "first_frame"},
                {"type": "last_frame", "url": SENT, "id": "last_frame"},
            ],
            "settings": {"audio": "native", "duration": 5},
        },
    ),
    (
        "effects: two images",
        "pair",
        ("effects", "hug_pro", "room.png", "crown.png"),
        "/v1/videos/effects",
        {"effect_scene": "hug_pro", "input": {"images": [SENT, SENT]}},
    ),
    (
        "effects: one image",
        "key",
        ("effects", "day_to_night", "room.png"),
        "/v1/videos/effects",
        {"effect_scene": "day_to_night", "input": {"image": SENT}},
    ),
]


@pytest.mark.parametrize(
    ("keys", "args", "path", "wanted"),
    [pytest.param(*case, id=name) for name, *case in CASES],
)
def test_options_become_the_documented_body_and_a_film(  # noqa: PLR0913, PLR0917 -- a table and its fixtures
    keys: str,
    args: tuple[str, ...],
    path: str,
    wanted: dict[str, Any],
    kling: Kling,
    sandbox: SandboxServer,
) -> None:
    env = sandbox.pair_env if keys == "pair" else None
    for name in ("room", "crown"):
        (kling.here / f"{name}.png").write_bytes(PICTURE)

    shown = kling.run(*args, "--dry-run", "--json", env=env).json()["dry_run"]
    made = kling.run(*args, "--callback", "off", "--json", env=env).json()

    body = {k: v for k, v in shown["body"].items() if k != "external_task_id"}
    assert body.pop("options", {}).keys() <= {"external_task_id"}
    assert shown["url"] == sandbox.base_url + path
    assert body == wanted
    assert [each["path"] for each in sandbox.requests("create")] == [path]
    (output,) = made["outputs"]
    assert is_whole_video(kling.here / output["path"])
    assert (output["duration_s"] is None) == (args[0] == "effects")


def test_a_video_on_this_machine_is_refused_before_anything_is_sent(
    kling: Kling, sandbox: SandboxServer
) -> None:
    (kling.here / "clip.mp4").write_bytes(bytes(1000))

    result = kling.run("omni-video", "make it night", "--edit", "clip=clip.mp4")

    assert result.exit_code == 2
    assert "--edit clip.mp4: a file on this machine" in result.stderr
    assert "by URL only" in result.stderr
    assert sandbox.requests("create") == []
