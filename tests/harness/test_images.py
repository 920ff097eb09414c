from __future__ import annotations

import io
from collections.abc import Callable

import imagesize  # type: ignore[import-untyped]  # it has no stubs
import pytest

from tests.support import images


@pytest.mark.parametrize("make", [images.png, images.jpeg])
@pytest.mark.parametrize("size", [(300, 300), (1280, 720), (1, 5000)])
def test_a_picture_has_the_size_that_was_asked_for(
    make: Callable[[int, int], bytes], size: tuple[int, int]
) -> None:
    assert imagesize.get(io.BytesIO(make(*size))) == size


def test_a_png_can_be_made_as_long_as_wanted() -> None:
    assert len(images.png(300, 300, n_bytes=100_000)) == 100_000
