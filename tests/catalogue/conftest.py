"""Fixtures: plans of products, chosen as a command chooses them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from kling_cli.catalogue import routing
from kling_cli.catalogue.definition import loader
from kling_cli.catalogue.definition.schema import CredentialKind, Plan

settings.register_profile("products", deadline=None)
settings.load_profile("products")

Planner = Callable[..., Plan]

DOCUMENTED = [
    example
    for path in sorted(Path(__file__).parent.glob("documented*.json"))
    for example in json.loads(path.read_text("utf-8"))
]


@pytest.fixture
def planned() -> Planner:
    """Return a function from product, model, values and credentials to the plan."""

    def plan(
        product: str,
        model: str | None,
        values: Mapping[str, Any],
        credentials: str = "api_key",
    ) -> Plan:
        kinds = (CredentialKind(credentials),)
        return routing.select_route(
            loader.load_description(product), model, tuple(values), kinds
        )

    return plan


@pytest.fixture(params=DOCUMENTED, ids=[each["id"] for each in DOCUMENTED])
def documented(request: pytest.FixtureRequest) -> dict[str, Any]:
    """One example request of the reference, and the values it is made of."""
    example: dict[str, Any] = request.param
    return example
