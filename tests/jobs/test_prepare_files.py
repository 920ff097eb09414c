"""Local files in a request."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from kling_cli.catalogue import media
from kling_cli.catalogue.definition.loader import load_product
from kling_cli.catalogue.definition.schema import CredentialKind
from kling_cli.errors import UsageError
from kling_cli.jobs.order import Order
from kling_cli.jobs.prepare import prepare, read_files
from tests.support.images import png

OMNI = load_product("omni-video")


def a_picture(folder: Path, name: str = "a.png", side_px: int = 300) -> Path:
    path = folder / name
    path.write_bytes(png(side_px, side_px))
    return path


def test_a_local_image_becomes_base64_and_a_link_stays(tmp_path: Path) -> None:
    path, link = a_picture(tmp_path), "https://img.example.com/b.png"
    product = load_product("multi-image2image")

    read = read_files(product, {"subjects": (str(path), link), "prompt": "p"})

    content = base64.b64encode(path.read_bytes()).decode()
    assert read == {"subjects": (content, link), "prompt": "p"}


def test_a_named_image_keeps_its_name(tmp_path: Path) -> None:
    path = a_picture(tmp_path)
    product = load_product("omni-image")

    read = read_files(product, {"refer_images": (f"style={path}",)})

    (value,) = read["refer_images"]
    assert value.startswith("style=iVBOR")


def test_a_file_with_an_equals_sign_in_its_name_is_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_picture(tmp_path, "a=b.png")
    monkeypatch.chdir(tmp_path)

    read = read_files(load_product("omni-image"), {"refer_images": ("a=b.png",)})

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

    order = Order(product="image", values={"prompt": "a cat", "image": str(path)})

    with pytest.raises(UsageError) as caught:
        prepare(order, (CredentialKind.KEY_PAIR,), new_id=lambda: "id")

    assert caught.value.message.startswith(f"--image {path}: ")
    assert words in caught.value.message


@pytest.mark.parametrize("prefix", ["", "clip=", "file://"])
def test_a_local_video_is_refused_with_what_to_do(tmp_path: Path, prefix: str) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(bytes(2_500_000))
    with pytest.raises(UsageError) as caught:
        read_files(OMNI, {"base_video": f"{prefix}{path}"})

    assert "a file on this machine (2.5 MB)" in caught.value.message
    assert "the API takes a video by URL only" in caught.value.message
    assert "give that URL" in str(caught.value.hint)


def test_a_video_by_its_url_is_left_as_it_is() -> None:
    values = {"base_video": "clip=https://vid.example.com/clip.mp4"}

    assert read_files(OMNI, values) == values


def test_a_file_is_read_and_judged_once(tmp_path: Path) -> None:
    path = a_picture(tmp_path)
    values = {"prompt": "p", "subjects": (str(path),)}

    read = read_files(load_product("multi-image2image"), values)
    path.unlink()
    again = read_files(load_product("multi-image2image"), read)

    (content,) = again["subjects"]
    assert content is read["subjects"][0]
    assert isinstance(content, media.FileContent)
    assert content.facts == media.ImageFacts(
        format="png", width=300, height=300, n_bytes=len(png(300, 300))
    )


def test_everything_wrong_is_named_at_once_files_included(tmp_path: Path) -> None:
    path = a_picture(tmp_path, side_px=200)
    values = {"prompt": "p", "image": str(path), "duration": 99}

    with pytest.raises(UsageError) as caught:
        prepare(
            Order(product="image2video", model="kling-v2-6", values=values),
            (CredentialKind.KEY_PAIR,),
            new_id=lambda: "id",
        )

    assert f"IMAGE {path}: the image is 200x200 px" in caught.value.message
    assert "--duration 99" in caught.value.message
