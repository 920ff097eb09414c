"""Hypothesis profile of property tests, independent of the machine's load."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile(
    "callbacks", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("callbacks")
