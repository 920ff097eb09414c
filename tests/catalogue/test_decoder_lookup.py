from __future__ import annotations

import pytest

from kling_cli.catalogue import decoder


@pytest.mark.parametrize(
    ("path", "product", "route", "model"),
    [
        ("/text-to-video/kling-3.0-turbo", "text2video", "new", "kling-3.0-turbo"),
        ("/image-to-video/kling-2.6", "image2video", "new", "kling-2.6"),
        ("/image-to-video/kling-v3", "image2video", "new", None),
        ("/v1/videos/text2video", "text2video", "legacy", None),
        ("/v1/videos/image2video", "image2video", "legacy", None),
    ],
)
def test_a_create_path_belongs_to_a_product(
    path: str, product: str, route: str, model: str | None
) -> None:
    found = decoder.route_by_path(path)

    assert found is not None
    assert (found[0].name, found[1].name) == (product, route)
    assert (found[2].id if found[2] else None) == model


@pytest.mark.parametrize(
    "path",
    [
        "/text-to-video/",
        "/text-to-video/kling-3.0/more",
        "/v1/videos/text2video/123",
        "/v1/videos",
        "/tasks",
        "",
    ],
)
def test_other_paths_have_no_route(path: str) -> None:
    assert decoder.route_by_path(path) is None


@pytest.mark.parametrize(
    ("wire_id", "model"),
    [
        ("kling-v3", "kling-3.0"),
        ("kling-3.0", None),
        ("kling-v9", None),
        ("", "kling-v1"),
        (None, "kling-v1"),
    ],
)
def test_a_body_without_a_model_means_the_oldest(
    wire_id: str | None, model: str | None
) -> None:
    found = decoder.route_by_path("/v1/videos/text2video")
    assert found is not None

    named = decoder.model_by_wire_id(found[0], found[1], wire_id)

    assert (named.id if named else None) == model
