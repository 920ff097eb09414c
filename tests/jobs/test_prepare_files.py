"""Local files on their way into a request."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from kling_cli.catalogue import routing
from kling_cli.catalogue.definition import loader
from kling_cli.catalogue.definition.schema import CredentialKind, Plan
from kling_cli.errors import UsageError
from kling_cli.jobs.prepare import with_files_read
from tests.support.images import png


def planned(product: str, *names: str) -> Plan:
    kinds = (CredentialKind.API_KEY,)
    return routing.select_route(loader.load_product(product), None, names, kinds)


def a_picture(folder: Path, name: str = "a.png", side_px: int = 300) -> Path:
    path = folder / name
    path.write_bytes(png(side_px, side_px))
    return path


def test_a_local_image_becomes_base64_and_a_link_stays(tmp_path: Path) -> None:
    path, link = a_picture(tmp_path), "https://img.example.com/b.png"
    plan = planned("multi-image2image", "subjects")

    read = with_files_read(plan, {"subjects": (str(path), link), "prompt": "p"})

    content = base64.b64encode(path.read_bytes()).decode()
    assert read == {"subjects": (content, link), "prompt": "p"}


def test_a_named_image_keeps_its_name(tmp_path: Path) -> None:
    path = a_picture(tmp_path)
    plan = planned("omni-image", "refer_images")

    read = with_files_read(plan, {"refer_images": (f"style={path}",)})

    (value,) = read["refer_images"]
    assert value.startswith("style=iVBOR")


def test_a_file_with_an_equals_sign_in_its_name_is_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_picture(tmp_path, "a=b.png")
    monkeypatch.chdir(tmp_path)

    read = with_files_read(
        planned("omni-image", "refer_images"), {"refer_images": ("a=b.png",)}
    )

    assert read["refer_images"][0].startswith("iVBOR")


@pytest.mark.parametrize(
    ("name", "raw", "words"),
    [
        ("none.png", None, "No such file"),
        ("small.png", png(200, 300), "at least 300 px"),
        ("text.png", b"hello", "not a jpg or png"),
        ("big.png", png(300, 300) + bytes(11 << 20), "more than the"),
    ],
)
def test_an_image_that_will_not_do_is_named_with_its_option(
    tmp_path: Path, name: str, raw: bytes | None, words: str
) -> None:
    path = tmp_path / name
    if raw is not None:
        path.write_bytes(raw)

    with pytest.raises(UsageError) as caught:
        with_files_read(planned("image", "image"), {"image": str(path)})

    assert caught.value.message.startswith(f"--image {path}: ")
    assert words in caught.value.message


@pytest.mark.parametrize("prefix", ["", "clip=", "file://"])
def test_a_local_video_is_refused_with_what_to_do(tmp_path: Path, prefix: str) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(bytes(2_500_000))
    plan = planned("omni-video", "base_video")

    with pytest.raises(UsageError) as caught:
        with_files_read(plan, {"base_video": f"{prefix}{path}"})

    assert "a file on this machine (2.5 MB)" in caught.value.message
    assert "the API takes a video by URL only" in caught.value.message
    assert "give that URL" in str(caught.value.hint)


def test_a_video_by_its_url_is_left_as_it_is() -> None:
    values = {"base_video": "clip=https://vid.example.com/clip.mp4"}

    assert with_files_read(planned("omni-video", "base_video"), values) == values
